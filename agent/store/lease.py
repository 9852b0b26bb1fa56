"""Who works on a run: one process at a time. A lease ends when it is not renewed, or when its process is gone."""

import os
import platform
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from agent.errors import StoreError
from agent.store.database import Session


@dataclass(frozen=True, slots=True)
class Lease:
    """`owner` is of one lease, `holder` of the process that has it, `until` in UTC seconds since 1970."""

    owner: str
    holder: str
    until: float

    def ended(self, now: float) -> bool:
        """Whether anyone may take it."""
        return self.until <= now or is_gone(self.holder)


def take(session: Session, run_id: str, lease: Lease, now: float) -> None:
    """The lease, unless another has it.

    Raises:
        StoreError: another has.
    """
    there = stored(session, run_id)
    if there is not None and not there.ended(now):
        raise taken(run_id, there, now)
    session.run("DELETE FROM agent_lease WHERE run_id = ?", run_id)
    session.run(
        "INSERT INTO agent_lease (run_id, owner, holder, until) VALUES (?, ?, ?, ?)",
        run_id,
        lease.owner,
        lease.holder,
        lease.until,
    )


def renew(session: Session, run_id: str, owner: str, until: float) -> bool:
    """Whether it is still this owner's, and holds until then."""
    there = stored(session, run_id)
    if there is None or there.owner != owner:
        return False
    session.run("UPDATE agent_lease SET until = ? WHERE run_id = ?", until, run_id)
    return True


def release(session: Session, run_id: str, owner: str) -> None:
    session.run("DELETE FROM agent_lease WHERE run_id = ? AND owner = ?", run_id, owner)


def check(run_id: str, there: Lease | None, owner: str | None, now: float) -> None:
    """Let through who has the lease, or anyone when nobody has.

    Whoever had it and lost it is refused even when it is free again: what he knows of the run is old.

    Raises:
        StoreError: another works on the run.
    """
    if owner is not None:
        if there is None or there.owner != owner:
            raise StoreError(f"run {run_id} was taken over by another process while this one did not renew its lease")
    elif there is not None and not there.ended(now):
        raise taken(run_id, there, now)


def taken(run_id: str, lease: Lease, now: float) -> StoreError:
    """The error that says who has it."""
    return StoreError(
        f"run {run_id} is being worked on by another process ({_said(lease.holder)}): wait for it, stop it, or try "
        f"again in {max(0.0, lease.until - now):.0f} s if it is gone"
    )


def stored(session: Session, run_id: str) -> Lease | None:
    """Whoever has it, or had it last."""
    rows = session.rows("SELECT owner, holder, until FROM agent_lease WHERE run_id = ?", run_id)
    return Lease(*rows[0]) if rows else None


@cache
def _place() -> str:
    """This machine, since its start, and the process numbers that are ours to look up: '' where that cannot be told."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("utf-8").strip()
        return f"{boot}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def this_process() -> str:
    """Name, number, start and place of this process: nobody else ever has the same."""
    pid = os.getpid()
    return f"{platform.node()} {pid} {_started(pid) or '-'} {_place() or '-'}"


def is_gone(holder: str) -> bool:
    """Whether that process has ended, for certain: it was on this machine and is there no more."""
    _, pid, started, place = [*holder.split(" "), "", "", ""][:4]
    return bool(place) and place == _place() and pid.isdigit() and _started(int(pid)) != started


def _started(pid: int) -> str | None:
    """When it started, in the system's ticks; None when there is no such process, or it has ended."""
    try:
        # The name, in brackets, may hold spaces and brackets itself.
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]


def _said(holder: str) -> str:
    node, pid, *_ = [*holder.split(" "), ""]
    return f"process {pid} on {node}"
