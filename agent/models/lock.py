"""One process at a time works on a model's file."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from agent.errors import ModelError
from agent.models.manifest import ModelSpec


@contextmanager
def alone(
    folder: Path, spec: ModelSpec, *, wait_s: float, note: Callable[[str], None] | None = None
) -> Generator[None]:
    """Whoever comes second waits; `note` is told so. The lock goes with the process that holds it, however it ends.

    Raises:
        ModelError: the other one has it for longer than that.
    """
    lock = FileLock(folder / f".{spec.file}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        if note:
            note(f"another process is pulling {spec.name}; waiting for it")
        try:
            lock.acquire(timeout=wait_s)
        except Timeout:
            raise ModelError(f"another process is pulling {spec.name}; try again when it is done") from None
    try:
        yield
    finally:
        lock.release()
