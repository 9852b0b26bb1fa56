"""The calls of the Linux kernel that Python 3.11 has no name for; a failed one raises the OSError of its errno."""

import ctypes
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NEWNS, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET = (
    0x20000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000,
)  # fmt: skip
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REC, MS_PRIVATE = 1, 2, 4, 8, 0x4000, 0x40000
RESOLVE_NO_MAGICLINKS, RESOLVE_BENEATH = 0x02, 0x08

_SIGCHLD = 17
_AT_FDCWD = -100
_OPEN_TREE, _MOVE_MOUNT, _OPENAT2, _MOUNT_SETATTR = 428, 429, 437, 442
_CLONE_AND_PIVOT = {"x86_64": (56, 155), "aarch64": (220, 41)}
_OPEN_TREE_CLONE, _AT_RECURSIVE, _MOVE_EMPTY_PATH, _AT_EMPTY_PATH = 1, 0x8000, 4, 0x1000
_ATTR_RDONLY, _ATTR_NOSUID, _ATTR_NODEV = 1, 2, 4
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 1, 4, 24, 38
_SIGKILL, _MNT_DETACH = 9, 2

# PyDLL keeps the interpreter's lock over the call: after a raw clone nobody would be there to give it back.
_C: "Any" = ctypes.PyDLL(None, use_errno=True)


class _OpenHow(ctypes.Structure):
    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


class _MountAttr(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_uint64) for name in ("attr_set", "attr_clr", "propagation", "userns_fd"))


def clone(namespaces: int) -> int:
    """Fork into new namespaces: 0 in the child, elsewhere its process id. Only for processes with a single thread."""
    return _call("clone", _C.syscall(_machine()[0], namespaces | _SIGCHLD, 0, 0, 0, 0))


def mount(source: str, target: str, kind: str, *, flags: int = 0, data: str = "") -> None:
    """Mount a file system of the kind."""
    done = _C.mount(source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), data.encode())
    _call(f"mount {target}", done)


def pick(source: str, *, devices: bool = False, writable: bool = False) -> int:
    """A copy of what is mounted at source and below it, as a descriptor; read-only and without devices if not asked."""
    flags = _OPEN_TREE_CLONE | _AT_RECURSIVE | os.O_CLOEXEC
    tree = _call(f"open_tree {source}", _C.syscall(_OPEN_TREE, _AT_FDCWD, os.fsencode(source), flags))
    _restrict(tree, _ATTR_NOSUID | (0 if devices else _ATTR_NODEV) | (0 if writable else _ATTR_RDONLY), source)
    return tree


def put(tree: int, target: str) -> None:
    """Show what was picked at target."""
    done = _C.syscall(_MOVE_MOUNT, tree, b"", _AT_FDCWD, os.fsencode(target), _MOVE_EMPTY_PATH)
    os.close(tree)
    _call(f"move_mount {target}", done)


def seal(target: str) -> None:
    """Nothing can be written any more into what is mounted at target; what is mounted below it stays as it is."""
    root = os.open(target, os.O_PATH | os.O_CLOEXEC)
    _restrict(root, _ATTR_RDONLY, target, below=False)
    os.close(root)


def _restrict(tree: int, wanted: int, what: str, *, below: bool = True) -> None:
    attributes = _MountAttr(attr_set=wanted)
    flags = _AT_EMPTY_PATH | (_AT_RECURSIVE if below else 0)
    size = ctypes.sizeof(attributes)
    _call(f"mount_setattr {what}", _C.syscall(_MOUNT_SETATTR, tree, b"", flags, ctypes.byref(attributes), size))


def let_go(target: str) -> None:
    """Unmount; whoever has it open keeps it."""
    _call(f"umount2 {target}", _C.umount2(os.fsencode(target), _MNT_DETACH))


def enter_root(root: str) -> None:
    """Make the mounted folder the root, and let go of the old one."""
    os.chdir(root)
    _call("pivot_root", _C.syscall(_machine()[1], b".", b"."))
    _call("umount2", _C.umount2(b".", _MNT_DETACH))
    os.chdir("/")


def open_beneath(folder: int, path: str, flags: int, *, mode: int = 0, extra: int = 0) -> int:
    """Open a path that neither `..`, nor a link, nor a mount leads out of the folder. Raises EXDEV where one would."""
    how = _OpenHow(flags=flags | os.O_CLOEXEC, mode=mode, resolve=RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | extra)
    done = _C.syscall(_OPENAT2, folder, os.fsencode(path), ctypes.byref(how), ctypes.sizeof(how))
    return _call(f"openat2 {path!r}", done)


def host_name(name: str) -> None:
    """What this machine is called, in its own namespace."""
    _call("sethostname", _C.sethostname(name.encode(), len(name)))


def die_with_parent() -> None:
    """Have the kernel kill this process when the one that started it ends."""
    control(_PR_SET_PDEATHSIG, _SIGKILL)


def hide_memory() -> None:
    """Let no process of the same user trace this one, or look into its files and memory."""
    control(_PR_SET_DUMPABLE, 0)


def drop_privileges() -> None:
    """Nothing that this process starts ever has a capability again."""
    number = 0
    while _C.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0) == 0:
        number += 1
    control(_PR_SET_NO_NEW_PRIVS, 1)


def control(option: int, value: int, argument: object = 0) -> None:
    """prctl."""
    _call(f"prctl {option}", _C.prctl(option, value, argument, 0, 0))


def supported() -> bool:
    """Whether this is a machine whose numbers of calls are known here."""
    return os.uname().sysname == "Linux" and os.uname().machine in _CLONE_AND_PIVOT


def _machine() -> tuple[int, int]:
    return _CLONE_AND_PIVOT[os.uname().machine]


def _call(what: str, done: int) -> int:
    if done < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return done
