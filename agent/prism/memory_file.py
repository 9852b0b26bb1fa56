"""A memory in a file, so that a reading can be broken off and gone on with, or asked something else."""

import time
from pathlib import Path

import msgspec

from agent.errors import BadAgentSettings
from agent.prism.reading import Saved

_EVERY_S = 1.0


class MemoryFile:
    """Writes at most once a second while it is told; `close` writes what is left. The file is replaced whole."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._written_at = 0.0
        self._unwritten: Saved | None = None

    def load(self) -> Saved | None:
        """What the file has; None where there is no file yet.

        Raises:
            BadAgentSettings: it is no memory.
        """
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Saved)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError) as error:
            raise BadAgentSettings(
                f"{self._path} is no memory that can be gone on with ({error}); name another"
            ) from None

    def keep(self, saved: Saved) -> None:
        """Have it in the file soon."""
        self._unwritten = saved
        if time.monotonic() - self._written_at >= _EVERY_S:
            self.close()

    def close(self) -> None:
        """Have it in the file now."""
        if self._unwritten is None:
            return
        part = self._path.with_name(f"{self._path.name}.part")
        try:
            part.write_bytes(msgspec.json.encode(self._unwritten))
            part.replace(self._path)
        except OSError as error:
            raise BadAgentSettings(f"{self._path} cannot be written: {error.strerror}") from None
        self._unwritten = None
        self._written_at = time.monotonic()
