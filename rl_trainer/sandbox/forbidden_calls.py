"""A filter on the kernel's calls that fenced commands have no use for, and that reach past their limits.

Memory that belongs to no process (memfd), keys that outlive a sandbox, and large rarely needed parts of the kernel. A
forbidden call fails as on a kernel that does not have it, so that libraries fall back as they do there.
"""

import ctypes
import os
import struct

from rl_trainer.sandbox.kernel import control

_CALLS = {
    "x86_64": (248, 249, 250, 298, 319, 321, 323, 425, 447),
    "aarch64": (217, 218, 219, 241, 279, 280, 282, 425, 447),
}
"""add_key, request_key, keyctl, perf_event_open, memfd_create, bpf, userfaultfd, io_uring_setup, memfd_secret."""

_MACHINE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_X32 = 0x40000000
_LOAD, _IF_EQUAL, _IF_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_NUMBER_AT, _MACHINE_AT = 0, 4
_ALLOW, _NOT_THERE = 0x7FFF0000, 0x00050000 | 38
_PR_SET_SECCOMP, _FILTER = 22, 2


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_char_p))


def forbid_calls() -> None:
    """For this process and all that it starts. It must have given up new privileges before."""
    steps = _steps(os.uname().machine)
    program = _Program(length=len(steps) // 8, steps=steps)
    control(_PR_SET_SECCOMP, _FILTER, ctypes.byref(program))


def _steps(machine: str) -> bytes:
    """Classic BPF: another machine's calls (32 bits) and those of the x32 set are refused as a whole."""
    calls = _CALLS[machine]
    refuse = len(calls) + 1
    steps = [
        (_LOAD, 0, 0, _MACHINE_AT),
        (_IF_EQUAL, 1, 0, _MACHINE[machine]),
        (_RETURN, 0, 0, _NOT_THERE),
        (_LOAD, 0, 0, _NUMBER_AT),
        (_IF_AT_LEAST, refuse, 0, _X32),
        *((_IF_EQUAL, refuse - 1 - place, 0, call) for place, call in enumerate(calls)),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _NOT_THERE),
    ]
    return b"".join(struct.pack("=HBBI", *step) for step in steps)
