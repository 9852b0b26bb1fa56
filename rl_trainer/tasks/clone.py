"""`Clone`: a Git repository on this disk, read at a commit without being checked out."""

import io
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

from rl_trainer.errors import TaskInvalid

_TIMEOUT_S = 120.0
_MOST_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Clone:
    """folder: of the repository, bare or not."""

    folder: Path

    def files(self, commit: str) -> dict[str, str]:
        """All text files of a commit up to 1 MB, by path.

        Raises:
            TaskInvalid: there is no such clone or commit, or no Git.
        """
        found: dict[str, str] = {}
        with tarfile.open(fileobj=io.BytesIO(self._git("archive", "--format=tar", commit))) as archive:
            for member in archive:
                content = archive.extractfile(member) if member.isfile() and member.size <= _MOST_BYTES else None
                if content is not None and (text := _text(content.read())) is not None:
                    found[member.name] = text
        return found

    def read(self, commit: str, path: str) -> str:
        """One file of a commit.

        Raises:
            TaskInvalid: it is not there, or no text.
        """
        text = _text(self._git("show", f"{commit}:{path}"))
        if text is None:
            raise TaskInvalid(f"{path} at {commit[:12]} is no text")
        return text

    def _git(self, *words: str) -> bytes:
        if not self.folder.is_dir():
            raise TaskInvalid(f"no clone at {self.folder}: git clone the project there")
        try:
            done = subprocess.run(
                ["git", "-C", str(self.folder), *words], capture_output=True, timeout=_TIMEOUT_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise TaskInvalid(f"git {words[0]} in {self.folder}: {error}") from error
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip()
            raise TaskInvalid(f"git {' '.join(words)} in {self.folder}: {said}")
        return done.stdout


def _text(content: bytes) -> str | None:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None
