"""A folder whose files are handled from outside, while those who write into it cannot be trusted.

Every path is opened by the kernel's own check that nothing leads out (openat2), so there is no moment between looking
and opening. A fifo, a device, a file without end or a folder of thousands of links costs its reader nothing.
"""

import errno
import os
import posixpath
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rl_trainer.errors import DiskFull, PathOutside
from rl_trainer.sandbox.kernel import open_beneath

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.ENAMETOOLONG}
_OUTSIDE = {errno.EXDEV, errno.ELOOP, errno.ENXIO}
_DEEPEST = 100
_FOLDER = os.O_RDONLY | os.O_DIRECTORY


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """An open folder. owner: to whom what is written is given, if not to us. most: bytes that it can hold in all."""

    descriptor: int
    most: int
    file_most: int
    owner: int | None = None

    def read(self, path: str) -> bytes:
        """A regular file's bytes."""
        file = self._open(inside(path), os.O_RDONLY | os.O_NONBLOCK)
        try:
            return self._content(file, path, self.most)
        finally:
            os.close(file)

    def write(self, path: str, content: bytes) -> None:
        """Make or replace a file, and the folders that it lies in."""
        path = inside(path)
        if len(content) > self.file_most:
            raise DiskFull(f"{path}: {len(content):,} bytes, but a file may have {self.file_most:,}")
        self._make_folders(posixpath.dirname(path))
        try:
            self._write(path, content)
        except OSError as error:
            if error.errno in _NO_ROOM:
                raise DiskFull(f"{path}: there is no room for {len(content):,} bytes: {error.strerror}") from error
            raise

    def files(self) -> dict[str, bytes]:
        """All regular files, by path, in the order of their paths."""
        found: dict[str, bytes] = {}
        left = self.most
        for path, kind in self.walk():
            if stat.S_ISREG(kind):
                file = self._open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
                try:
                    found[path] = self._content(file, path, left)
                finally:
                    os.close(file)
                left -= len(found[path])
        return dict(sorted(found.items()))

    def walk(self) -> Iterator[tuple[str, int]]:
        """Every path in it with its mode; a folder before what it holds. No link is followed."""
        waiting = [""]
        device = os.fstat(self.descriptor).st_dev
        while waiting:
            above = waiting.pop()
            if above.count("/") > _DEEPEST:
                raise DiskFull(f"folders nest deeper than {_DEEPEST}: {above[:80]}...")
            opened = self._open(above or ".", _FOLDER)
            try:
                with os.scandir(opened) as entries:
                    seen = [(entry.name, entry.stat(follow_symlinks=False)) for entry in entries]
            finally:
                os.close(opened)
            for name, status in sorted(seen):
                kind = status.st_mode
                path = f"{above}/{name}" if above else name
                if status.st_dev != device:
                    continue  # shown here, but not of this folder
                yield path, kind
                if stat.S_ISDIR(kind):
                    waiting.append(path)

    def copy_into(self, other: "Folder") -> None:
        """Files, folders and links, with their modes and times, into an empty folder."""
        for path, kind in self.walk():
            if stat.S_ISDIR(kind):
                other.make_folder(path, stat.S_IMODE(kind))
            elif stat.S_ISLNK(kind):
                other.link(path, self.target(path))
            elif stat.S_ISREG(kind):
                other.write(path, self.read(path))
                other.adopt(path, self.status(path))

    def make_folder(self, path: str, mode: int = 0o755) -> None:
        """A folder; it may be there. Its owner can always look into it."""
        parent, name = self._parent(path)
        try:
            os.mkdir(name, mode | 0o700, dir_fd=parent)
            self._give(name, parent)
        except FileExistsError:
            pass
        except OSError as error:
            raise DiskFull(f"{path}: there is no room for a folder: {error.strerror}") from error
        finally:
            os.close(parent)

    def link(self, path: str, target: str) -> None:
        """A symbolic link."""
        parent, name = self._parent(path)
        try:
            os.symlink(target, name, dir_fd=parent)
            self._give(name, parent)
        finally:
            os.close(parent)

    def target(self, path: str) -> str:
        """Where a symbolic link points."""
        parent, name = self._parent(path)
        try:
            return os.readlink(name, dir_fd=parent)
        finally:
            os.close(parent)

    def status(self, path: str) -> os.stat_result:
        """Mode and times; of the link itself."""
        parent, name = self._parent(path)
        try:
            return os.stat(name, dir_fd=parent, follow_symlinks=False)
        finally:
            os.close(parent)

    def adopt(self, path: str, like: os.stat_result) -> None:
        """Give a regular file another's mode and times."""
        file = self._open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
        try:
            os.fchmod(file, stat.S_IMODE(like.st_mode) & 0o777)
            os.utime(file, ns=(like.st_atime_ns, like.st_mtime_ns))
        finally:
            os.close(file)

    def _make_folders(self, path: str) -> None:
        parts = path.split("/") if path else []
        for count in range(1, len(parts) + 1):
            above = "/".join(parts[:count])
            try:
                os.close(self._open(above, os.O_PATH | os.O_DIRECTORY))
            except FileNotFoundError:
                self.make_folder(above)

    def _write(self, path: str, content: bytes) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_NONBLOCK
        file = self._open(path, flags, mode=0o644)
        try:
            self._check_regular(file, path)
            if self.owner is not None:
                os.fchown(file, self.owner, self.owner)
            os.ftruncate(file, 0)
            rest = memoryview(content)
            while rest:
                rest = rest[os.write(file, rest) :]
        finally:
            os.close(file)

    def _content(self, file: int, path: str, most: int) -> bytes:
        self._check_regular(file, path)
        size = os.fstat(file).st_size
        if size > most:
            raise DiskFull(f"{path}: with it the files have more than the {self.most:,} bytes that the disk could hold")
        parts: list[bytes] = []
        while size > 0 and (part := os.read(file, size)):
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    @staticmethod
    def _check_regular(file: int, path: str) -> None:
        kind = os.fstat(file).st_mode
        if stat.S_ISDIR(kind):
            raise IsADirectoryError(errno.EISDIR, "this is a folder", path)
        if not stat.S_ISREG(kind):
            raise PathOutside(f"{path} is no regular file")

    def _open(self, path: str, flags: int, *, mode: int = 0) -> int:
        try:
            return open_beneath(self.descriptor, path, flags, mode=mode)
        except PermissionError:
            # Whoever owns a file may have locked it; it is read all the same, or things could be hidden that way.
            self._unlock(path)
        except OSError as error:
            if error.errno in _OUTSIDE:
                raise PathOutside(f"{path} leads out of the sandbox: {error.strerror}") from error
            raise
        try:
            return open_beneath(self.descriptor, path, flags, mode=mode)
        except PermissionError as error:
            raise PathOutside(f"{path} cannot be opened: {error.strerror}") from error

    def _unlock(self, path: str) -> None:
        parts = path.split("/")
        for count in range(1, len(parts) + 1):
            try:
                place = open_beneath(self.descriptor, "/".join(parts[:count]), os.O_PATH)
            except FileNotFoundError:
                return
            try:
                kind = os.fstat(place).st_mode
                if stat.S_ISDIR(kind) or stat.S_ISREG(kind):
                    Path(f"/proc/self/fd/{place}").chmod(stat.S_IMODE(kind) | 0o600 | (stat.S_ISDIR(kind) * 0o100))
            finally:
                os.close(place)

    def _parent(self, path: str) -> tuple[int, str]:
        above, _, name = path.rpartition("/")
        return self._open(above or ".", _FOLDER), name

    def _give(self, name: str, parent: int) -> None:
        if self.owner is not None:
            os.chown(name, self.owner, self.owner, dir_fd=parent, follow_symlinks=False)


def inside(path: str) -> str:
    """The path without detours; what a link makes of it is the kernel's to check."""
    clean = posixpath.normpath(path)
    if not path or "\0" in path or path.startswith("/") or clean == ".." or clean.startswith("../"):
        raise PathOutside(f"{path!r} leads out of the sandbox: paths are relative to its folder")
    return clean
