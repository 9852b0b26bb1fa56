"""`load_reward`: a Python file of the user's that says what a recorded run was worth."""

import importlib.util
import inspect
import math
import traceback
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from rl_trainer.errors import RecipeWrong
from rl_trainer.imported.recorded import RecordedRun
from rl_trainer.task import Task
from rl_trainer.trajectory import Trajectory

Score = Callable[[RecordedRun, Trajectory, Task], Awaitable[dict[str, float]]]
"""The parts of a run's reward, by name."""

FORMS = "`def reward(run) -> float` or `async def reward(trajectory, task) -> dict[str, float]`"


def load_reward(file: Path) -> Score:
    """The function `reward` of a file: of a run, or of a trajectory and its task; async or not; a number or parts.

    Raises:
        RecipeWrong: the file cannot be run, or has no such function; the message has the line.
    """
    reward: Any = getattr(_run_file(file), "reward", None)
    if not callable(reward):
        raise RecipeWrong(f"{file} has no function `reward`: write {FORMS}")
    many = len(inspect.signature(reward).parameters)
    if many not in {1, 2}:
        raise RecipeWrong(f"{file}: reward takes {many} arguments: write {FORMS}")

    async def score(run: RecordedRun, trajectory: Trajectory, task: Task) -> dict[str, float]:
        given: tuple[Any, ...] = (run,) if many == 1 else (trajectory, task)
        try:
            found = reward(*given)
            if inspect.isawaitable(found):
                found = await found
        except Exception as error:
            # Whatever the user's code raises: a reward that cannot be had must not become one of 0.
            raise RecipeWrong(f"{_line(file, error)}: reward of run {run.id}: {_told(error)}") from error
        return _parts(file, run, found)

    return score


def _parts(file: Path, run: RecordedRun, found: Any) -> dict[str, float]:
    parts: Mapping[Any, Any] = found if isinstance(found, Mapping) else {"reward": found}
    for name, value in parts.items():
        if not isinstance(value, int | float) or not math.isfinite(value):
            raise RecipeWrong(f"{file}: reward of run {run.id}: {name} is {value!r}, and no number; write {FORMS}")
    return {str(name): float(value) for name, value in parts.items()}


def _run_file(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"reward_{file.stem}", file)
    if spec is None or spec.loader is None or not file.is_file():
        raise RecipeWrong(f"there is no Python file {file} to take a reward from")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        raise RecipeWrong(f"{file}:{error.lineno}: {_told(error)}") from error
    except Exception as error:  # whatever the user's file raises while it is imported
        raise RecipeWrong(f"{_line(file, error)}: {_told(error)}") from error
    return module


def _line(file: Path, error: BaseException) -> str:
    """The last line of the user's file that the error went through."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename) == file.absolute()]
    frames = frames or [f for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).name == file.name]
    return f"{file}:{frames[-1].lineno}" if frames else str(file)


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
