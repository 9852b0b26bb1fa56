"""The child of the grader's two processes: runs the tests and says what came of each."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import types
from typing import Any, NoReturn

from .running import with_pytest, with_unittest

SEPARATOR = "\x1f"
BROKE = 70
"""The exit status where this program itself came to grief."""


def run_child(orders: int, pipe: int) -> NoReturn:
    """Run the tests as the plan says, then end the process, whatever happened."""
    status = BROKE
    with contextlib.suppress(BaseException):
        os.setsid()
        with os.fdopen(orders, encoding="utf-8") as file:
            plan = json.loads(file.readline())
        quiet = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(quiet, descriptor)
        run(plan, pipe)
        status = 0
    os._exit(status)


def run(plan: dict[str, Any], pipe: int) -> None:
    """Run the tests; each result is a signed line on the pipe."""
    signature, write = plan.pop("signature"), os.write

    def say(*record: Any) -> None:
        # Only what nobody can replace: methods of str, and a function that was looked up before.
        parts = [part.replace("\n", " ").replace(SEPARATOR, " ") for part in record]
        line = (signature + SEPARATOR.join(parts) + "\n").encode("utf-8", "replace")
        while line:
            line = line[write(pipe, line) :]

    os.environ.update(plan["env"])
    sys.dont_write_bytecode = True
    sys.argv = ["test"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    for name in [name for name in sys.modules if name.startswith(__package__ or "in_sandbox")]:
        del sys.modules[name]
    try:
        (with_pytest if plan["runner"] == "pytest" else with_unittest)(plan, say)
    except BaseException as error:  # noqa: BLE001 - the end of a process; the parent is told
        say("broke", type(error).__name__, str(error)[:300])
