"""The root folder that fenced commands see: system files read-only, a disk of limited size for all that is written."""

# The holder starts with the sandbox, and pathlib takes longer to import than all else that it does.
# ruff: noqa: PTH102, PTH103, PTH106, PTH110, PTH114, PTH115, PTH120, PTH123, PTH211, S108

import os
import stat
from collections.abc import Sequence

from rl_trainer.sandbox import kernel

WORK = "/work"
"""Where the sandbox's folder stands for what runs in it: the same path in every sandbox, so that outputs are alike."""

INNER_ID = 1000
_SYSTEM = ("usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32")
_SETTINGS = ("etc/alternatives", "etc/ld.so.cache", "etc/ld.so.conf", "etc/ld.so.conf.d")
_DEVICES = ("null", "zero", "full", "random", "urandom")
_DEVICE_LINKS = {"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2", "shm": "/tmp"}
_WRITTEN = {
    "etc/passwd": f"agent:x:{INNER_ID}:{INNER_ID}::/tmp:/bin/sh\n",
    "etc/group": f"agent:x:{INNER_ID}:\n",
    "etc/hosts": "127.0.0.1 localhost sandbox\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
}
_PLACE = "/tmp"
"""Any folder that every machine has: the new root stands on it, in this mount namespace only."""


def build_root(shown: Sequence[str], *, disk_mb: int, interpreter: str) -> tuple[int, int]:
    """Build the root in this mount namespace and enter it; descriptors of the work folder and of /tmp.

    shown: folders of the host that are seen at their own paths, read-only. interpreter: what `python` is.
    """
    kernel.mount("none", "/", "", flags=kernel.MS_REC | kernel.MS_PRIVATE)
    trees = {path: kernel.pick(path) for path in _present(shown)}
    devices = {name: kernel.pick(f"/dev/{name}", devices=True) for name in _DEVICES}
    links = {name: os.readlink(f"/{name}") for name in _SYSTEM if os.path.islink(f"/{name}")}
    kernel.mount("root", _PLACE, "tmpfs", flags=kernel.MS_NOSUID, data=_tmpfs(4, files=4096))
    for name, target in links.items():
        os.symlink(target, f"{_PLACE}/{name}")
    # The disk comes first, so that what is shown may lie below /tmp.
    folders = _make_disk(disk_mb)
    for path, tree in trees.items():
        _make_place(tree, _PLACE + path)
        kernel.put(tree, _PLACE + path)
    _write_settings(interpreter)
    _make_devices(devices)
    # A process file system can only be mounted where another one is seen; each run mounts its own over this.
    os.mkdir(f"{_PLACE}/proc")
    mount_processes(f"{_PLACE}/proc")
    kernel.enter_root(_PLACE)
    kernel.seal("/")
    return folders


def mount_processes(target: str = "/proc") -> None:
    """A view of the processes of this namespace alone."""
    kernel.mount("proc", target, "proc", flags=kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC)


def _present(shown: Sequence[str]) -> list[str]:
    system = [f"/{name}" for name in _SYSTEM if not os.path.islink(f"/{name}")]
    wanted = [*system, *(f"/{name}" for name in _SETTINGS), *shown]
    there = sorted({path for path in wanted if os.path.exists(path)})
    # What lies in a folder that is shown is shown with it.
    return [path for path in there if not any(path.startswith(f"{above}/") for above in there)]


def _make_place(tree: int, target: str) -> None:
    # The source itself may be hidden by now; what was picked knows whether it is a folder.
    if stat.S_ISDIR(os.fstat(tree).st_mode):
        os.makedirs(target, exist_ok=True)
    else:
        _write(target, "")


def _write_settings(interpreter: str) -> None:
    for path, text in _WRITTEN.items():
        _write(f"{_PLACE}/{path}", text)
    os.makedirs(f"{_PLACE}/opt/bin", exist_ok=True)
    for name in ("python", "python3"):
        os.symlink(interpreter, f"{_PLACE}/opt/bin/{name}")


def _make_devices(devices: dict[str, int]) -> None:
    for name, tree in devices.items():
        _write(f"{_PLACE}/dev/{name}", "")
        kernel.put(tree, f"{_PLACE}/dev/{name}")
    for name, target in _DEVICE_LINKS.items():
        os.symlink(target, f"{_PLACE}/dev/{name}")


def _make_disk(disk_mb: int) -> tuple[int, int]:
    """One size-limited file system for all that is written, seen at the work folder and at /tmp."""
    disk = f"{_PLACE}/disk"
    os.mkdir(disk)
    flags = kernel.MS_NOSUID | kernel.MS_NODEV
    kernel.mount("disk", disk, "tmpfs", flags=flags, data=_tmpfs(disk_mb, files=max(16_384, 256 * disk_mb)))
    opened: list[int] = []
    for name, target in (("work", _PLACE + WORK), ("tmp", f"{_PLACE}/tmp")):
        os.mkdir(f"{disk}/{name}")
        os.chown(f"{disk}/{name}", INNER_ID, INNER_ID)
        os.makedirs(target, exist_ok=True)
        kernel.put(kernel.pick(f"{disk}/{name}", writable=True), target)
        opened.append(os.open(target, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
    kernel.let_go(disk)
    os.rmdir(disk)
    return opened[0], opened[1]


def _tmpfs(size_mb: int, *, files: int) -> str:
    return f"size={size_mb}m,nr_inodes={files},mode=755,uid={os.getuid()},gid={os.getgid()}"


def _write(path: str, text: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
