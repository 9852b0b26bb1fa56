# ruff: noqa: PTH118, PTH123
"""The parent of the grader's two processes: hands out the plan, waits for the child, prints the report."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import select
import shutil
import signal
import sys
import time
from typing import Any

from .child import SEPARATOR, run_child

_TICK_S = 0.1
_MOST = 1 << 24


def main(folder: str) -> None:
    """Fork; only then read and remove the plan, hand over the child's part of it, wait, print."""
    sys.path.remove(folder)
    results, said = os.pipe()
    orders, given = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(results)
        os.close(given)
        run_child(orders, said)
    os.close(said)
    os.close(orders)
    with open(os.path.join(folder, "plan.json"), encoding="utf-8") as file:
        plan = json.load(file)
    shutil.rmtree(folder)
    secret, signature = plan.pop("secret"), plan["signature"]
    before = hashes(plan["tests"])
    _write(given, json.dumps(plan).encode() + b"\n")
    os.close(given)
    heard, ended = gather(results, child, plan)
    lines = [line for line in heard if line]
    after = hashes(plan["tests"])
    report = {
        "records": [line[len(signature) :].split(SEPARATOR) for line in lines if line.startswith(signature)],
        "ended": ended,
        "changed": [path for path, digest in after.items() if before[path] != digest],
        "unsigned": sum(not line.startswith(signature) for line in lines),
    }
    _write(1, f"\n{secret}{json.dumps(report)}\n".encode())


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def hashes(paths: list[str]) -> dict[str, str]:
    """SHA-256 of each file; empty where there is none."""
    found: dict[str, str] = {}
    for path in paths:
        try:
            with open(path, "rb") as file:
                found[path] = hashlib.sha256(file.read()).hexdigest()
        except OSError:
            found[path] = ""
    return found


def gather(pipe: int, child: int, plan: dict[str, Any]) -> tuple[list[str], str]:
    """The child's lines, and how it ended: `exit N`, `signal N`, `stalled` (it only slept) or `starved` (of time)."""
    os.set_blocking(pipe, False)
    heard, start = bytearray(), time.monotonic()
    used, since, ended, open_ = -1, start, "", True
    while not ended:
        if open_:
            select.select([pipe], [], [], _TICK_S)
            open_ = hear(pipe, heard)
        else:
            time.sleep(0.001)  # the child has closed its end: it is about to go
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            killed = os.WIFSIGNALED(status)
            ended = f"signal {os.WTERMSIG(status)}" if killed else f"exit {os.WEXITSTATUS(status)}"
            break
        now = time.monotonic()
        asleep, ticks = state_of(child)
        if ticks != used or not asleep:
            used, since = ticks, now
        if now - since > plan["stall_s"]:
            ended = "stalled"
        elif now - start > plan["wall_s"]:
            ended = "starved"
    with contextlib.suppress(OSError):
        os.killpg(child, signal.SIGKILL)
    hear(pipe, heard)
    return heard.decode("utf-8", "replace").split("\n"), ended


def hear(pipe: int, heard: bytearray) -> bool:
    """Take what is there; False at the end of the pipe."""
    with contextlib.suppress(BlockingIOError):
        while len(heard) < _MOST:
            chunk = os.read(pipe, 65536)
            if not chunk:
                return False
            heard += chunk
    return True


def state_of(pid: int) -> tuple[bool, int]:
    """Whether it sleeps, and its CPU ticks with those of its ended children. What is starved does not sleep."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return False, 0
    return fields[0] == "S", sum(int(ticks) for ticks in fields[11:15])
