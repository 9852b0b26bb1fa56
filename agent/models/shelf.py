"""Where pulled models lie, and whether they are what they should be."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from agent.errors import ModelError
from agent.models.manifest import ModelSpec, known_models
from mcp_registry.home import Home

Progress = Callable[[int, int], None]
"""Is told how many bytes are done, and of how many; 0 where that is not known."""

BLOCK = 1 << 20


def ignore(_done: int, _total: int) -> None:
    """Progress that nobody looks at."""


def models_folder(home: Home) -> Path:
    return home.path / "models"


def file_of(home: Home, spec: ModelSpec) -> Path:
    """Where a model's file lies, or would lie once it is pulled."""
    return Path(spec.path).expanduser() if spec.path else models_folder(home) / spec.file


def is_pulled(home: Home, spec: ModelSpec) -> bool:
    """Whether the file is there, by its size; what is in it is `verified_file`'s to say."""
    try:
        size = file_of(home, spec).stat().st_size
    except OSError:
        return False
    return not spec.size or size == spec.size


def pulled(home: Home) -> list[str]:
    """The names of the models that can be served now, the best first."""
    return [spec.name for spec in known_models(home).values() if is_pulled(home, spec)]


def verified_file(home: Home, spec: ModelSpec, *, progress: Progress = ignore) -> Path:
    """The model's file, known to be the right one. It is read to its end once; then its size and time vouch for it.

    Raises:
        ModelError: it is not there, or it is another one.
    """
    path = file_of(home, spec)
    if not is_pulled(home, spec):
        what = "is not there" if spec.path else f"is not pulled: quartermaster models pull {spec.name}"
        raise ModelError(f"the model {spec.name} {what} ({path})")
    if not spec.sha256 or _read_stamp(home, spec) == _stamp(path, spec):
        return path
    if (found := sha256_of(path, progress=progress)) != spec.sha256:
        raise WrongContent(path, spec, found)
    write_stamp(home, spec)
    return path


class WrongContent(ModelError):
    """A file is there and is not the one that it should be."""

    def __init__(self, path: Path, spec: ModelSpec, found: str) -> None:
        todo = "check where it comes from" if spec.path else f"fetch it anew: quartermaster models pull {spec.name}"
        super().__init__(f"{path} is not {spec.name}: its sha256 is {found}, not {spec.sha256}; {todo}")


def write_stamp(home: Home, spec: ModelSpec) -> None:
    """Record that the file, as it is now, was read to its end and has the right SHA-256."""
    stamp = stamp_path(home, spec)
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(json.dumps(_stamp(file_of(home, spec), spec)), "utf-8")


def partial_of(home: Home, spec: ModelSpec) -> Path:
    """What has come of a model's file so far: always its beginning, whichever source it came from."""
    return models_folder(home) / f"{spec.file}.partial"


def sha256_of(path: Path, *, progress: Progress = ignore) -> str:
    """The SHA-256 of a file, read in blocks."""
    total, done, digest = path.stat().st_size, 0, hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
            done += len(block)
            progress(done, total)
    return digest.hexdigest()


def sha256_of_next(file: BinaryIO, size: int) -> str:
    """The SHA-256 of so many bytes from where an open file stands; of fewer, where it ends before."""
    digest, left = hashlib.sha256(), size
    while left and (block := file.read(min(BLOCK, left))):
        digest.update(block)
        left -= len(block)
    return digest.hexdigest()


def stamp_path(home: Home, spec: ModelSpec) -> Path:
    return models_folder(home) / f"{spec.name}.verified"


def _stamp(path: Path, spec: ModelSpec) -> dict[str, str | int]:
    about = path.stat()
    return {"path": str(path), "size": about.st_size, "mtime_ns": about.st_mtime_ns, "sha256": spec.sha256}


def _read_stamp(home: Home, spec: ModelSpec) -> object:
    try:
        return json.loads(stamp_path(home, spec).read_text("utf-8"))
    except (OSError, ValueError):
        return None
