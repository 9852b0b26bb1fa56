"""What the processes of this namespace use, read from its own /proc."""

# The holder starts with the sandbox, and pathlib takes longer to import than all else that it does.
# ruff: noqa: PTH123, PTH208

import os
import resource

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_AWAKE = frozenset("RD")
_OWN_PSS = ("Pss_Anon:", "Pss_Shmem:")


def look(memory: int) -> tuple[float, bool, bool]:
    """One look at all processes but this one; memory is how many bytes they may have together.

    Gives seconds of CPU, of dead processes too; whether one runs, or would if it could; whether memory is too much.
    """
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    ticks, resident, busy = 0, 0, False
    numbers = [name for name in os.listdir("/proc") if name.isdigit() and name != "1"]
    for number in numbers:
        fields = _stat(f"/proc/{number}/stat")
        if not fields:
            continue
        ticks += sum(map(int, fields[11:15]))
        resident += int(fields[21]) * _PAGE
        busy = busy or _awake(number, fields)
    cpu_s = used.ru_utime + used.ru_stime + ticks * _TICK_S
    # Resident sizes count a shared page once for each process: only where they are too much, the exact ones are asked.
    too_much = resident > memory and sum(map(_own_bytes, numbers)) > memory
    return cpu_s, busy, too_much


def _awake(number: str, fields: list[str]) -> bool:
    if fields[0] in _AWAKE or int(fields[17]) == 1:
        return fields[0] in _AWAKE
    try:
        threads = os.listdir(f"/proc/{number}/task")
    except OSError:
        return False
    return any(_stat(f"/proc/{number}/task/{thread}/stat")[:1] in (["R"], ["D"]) for thread in threads)


def _stat(path: str) -> list[str]:
    """The fields from the state on; none where the process has gone."""
    return _read(path).rpartition(")")[2].split()


def _own_bytes(number: str) -> int:
    """Anonymous and shared memory, each page divided among those that have it."""
    lines = _read(f"/proc/{number}/smaps_rollup").splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(_OWN_PSS))


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
