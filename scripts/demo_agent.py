"""The last part of `make run`: a small language model that runs here is given a goal, and the tools."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

from demo_show import Show

MODEL = "qwen2.5-coder-0.5b"
GOAL = "What time is it in Tokyo when it is 16:30 in New York?"
_OPTIONS = ("--model", f"local:{MODEL}", "--yes", "--max-steps", "6", "--set", "seed=7", "--set", "k=4")

RunCommand = Callable[..., str]


def pursue_goal(run: RunCommand, show: Show) -> None:
    """Fetch the model, unless it is there, and let the agent pursue one goal; `run` is the command line.

    A machine that cannot have the model is told so: all else of the show needs none.
    """
    show.progress(f"models pull {MODEL} (491 MB the first time)")
    missing = run("models", "pull", MODEL, aloud=True, why_not=True)
    if missing:
        show.without_model(missing)
        return
    start = time.perf_counter()
    show.goal(GOAL, MODEL)
    events = list(_events(run("run", *_OPTIONS, "--json", GOAL, check=False)))
    run_id = str(events[-1]["id"]) if events else ""
    show.run(events, run("runs", "show", run_id) if run_id else "", seconds=time.perf_counter() - start)


def _events(lines: str) -> Iterator[dict[str, Any]]:
    for line in lines.splitlines():
        if line.startswith("{"):
            yield json.loads(line)
