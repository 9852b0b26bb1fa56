"""`RepairEnvironment`: opens a task as a world in this process: six lines, tests, and a bounded number of edits."""

import hashlib
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from agent.toolbox import Standing, Toolbox
from mcp_registry.result import ToolResult
from retrieval.tool import ToolId, ToolSpec
from rl_trainer.environment import Grade, World
from rl_trainer.environments.repairs.grammar import LineRefused, canonical, parse
from rl_trainer.environments.repairs.program import INDENTS, results
from rl_trainer.environments.repairs.specs import LINES
from rl_trainer.environments.repairs.tasks import NAME
from rl_trainer.environments.repairs.tools import ENDS_WITH, TOOLS
from rl_trainer.errors import TaskInvalid
from rl_trainer.task import Task

EDITS = 2
"""Edits of a run. Whoever could rewrite every slot from the words would never have to read the code."""

_FACTS: tuple[str, ...] = ("views", "edits", "invalid_edits", "tests", "tested_before_submit", "submitted", "gave_up")
_SPEC_OF = {tool.tool_id: tool for tool in TOOLS}


class RepairEnvironment:
    """Worlds of one function each; cheap, deterministic, without a process or a file."""

    def __init__(self, *, edits: int = EDITS) -> None:
        self._edits = edits

    @property
    def name(self) -> str:
        return NAME

    @asynccontextmanager
    async def open(self, task: Task) -> AsyncGenerator[World]:
        """Raises: TaskInvalid: the task is not one of this environment."""
        yield RepairWorld(task, edits=self._edits)


class RepairWorld:
    """One function under repair. `grade` passes only what was submitted and passes all tests."""

    def __init__(self, task: Task, *, edits: int = EDITS) -> None:
        self._lines, self._inputs, self._wanted = _read(task)
        self._task, self._most_edits = task, edits
        self._tested = False
        self._counts = dict.fromkeys(_FACTS, 0.0)

    @property
    def toolbox(self) -> Toolbox:
        return RepairToolbox(self.do)

    @property
    def ends_with(self) -> tuple[str, ...]:
        return ENDS_WITH

    @property
    def lines(self) -> tuple[str, ...]:
        """The function as it stands."""
        return self._lines

    @property
    def ended(self) -> bool:
        return bool(self._counts["submitted"] or self._counts["gave_up"])

    def state_key(self) -> str:
        left = self._most_edits - self._counts["edits"]
        state = "\n".join([*self._lines, f"{left:g} edits, tested {self._tested}, ended {self.ended}"])
        return hashlib.blake2b(state.encode(), digest_size=12).hexdigest()

    def facts(self) -> Mapping[str, float]:
        return dict(self._counts)

    async def grade(self) -> Grade:
        return self.graded()

    def graded(self) -> Grade:
        """`grade`, which here has nothing to wait for."""
        passed = self.passed()
        done = passed == len(self._wanted) and bool(self._counts["submitted"])
        return Grade(
            passed=done, share=passed / len(self._wanted), detail=f"{passed} of {len(self._wanted)} tests pass"
        )

    def fork(self) -> AbstractAsyncContextManager[World]:
        return self._forked()

    @asynccontextmanager
    async def _forked(self) -> AsyncGenerator[World]:
        other = RepairWorld(self._task, edits=self._most_edits)
        other._lines, other._tested, other._counts = self._lines, self._tested, dict(self._counts)
        yield other

    def passed(self) -> int:
        """How many tests the function passes."""
        given = results(self._lines, self._inputs)
        return sum(got == wanted for got, wanted in zip(given, self._wanted, strict=True))

    def do(self, name: str, arguments: Mapping[str, Any]) -> ToolResult:
        """One call of a tool."""
        if self.ended:
            return ToolResult.error("ended: nothing can be done any more")
        match name:
            case "view":
                self._counts["views"] += 1
                return _said(self._shown())
            case "edit":
                return self._edit(arguments["line"], arguments["content"])
            case "test":
                self._counts["tests"] += 1
                self._tested = True
                return _said(f"passed {self.passed()} of {len(self._wanted)}")
            case "submit":
                self._counts["submitted"] = 1.0
                self._counts["tested_before_submit"] = float(self._tested)
                return _said("ok")
            case "give_up":
                self._counts["gave_up"] = 1.0
                return _said("ok")
            case _:
                return ToolResult.error(f"there is no tool {name!r}")

    def _shown(self) -> str:
        rows = zip(self._lines, INDENTS, strict=True)
        return "\n".join(f"{number}: {'  ' * indent}{line}" for number, (line, indent) in enumerate(rows, start=1))

    def _edit(self, line: int, content: str) -> ToolResult:
        if fault := self._fault(line, content):
            self._counts["invalid_edits"] += 1
            return ToolResult.error(fault)
        self._counts["edits"] += 1
        self._tested = False
        self._lines = (*self._lines[: line - 1], canonical(content), *self._lines[line:])
        return _said("ok")

    def _fault(self, line: int, content: str) -> str:
        if self._counts["edits"] >= self._most_edits:
            return f"edits: {self._most_edits} are all there are"
        if not 2 <= line <= LINES:
            return f"line: only 2 to {LINES} can be replaced"
        try:
            parse(content)
        except LineRefused as error:
            return f"syntax: {error}"
        return ""


class RepairToolbox:
    """The five tools over a world."""

    def __init__(self, do: Callable[[str, Mapping[str, Any]], ToolResult]) -> None:
        self._do = do

    async def search(self, queries: Sequence[str], k: int) -> list[ToolSpec]:
        del queries  # there are five: all are found
        return list(TOOLS[:k])

    async def tools(self, ids: Sequence[ToolId] | None = None) -> dict[ToolId, ToolSpec]:
        return {id_: tool for id_, tool in _SPEC_OF.items() if ids is None or id_ in ids}

    async def call(
        self, tool: ToolSpec, arguments: Mapping[str, Any], *, key: str, timeout_s: float | None
    ) -> ToolResult:
        del key, timeout_s
        return self._do(tool.name, arguments)

    def standing(self, tool: ToolSpec) -> Standing:
        del tool
        return Standing(trusted=True)


def _said(text: str) -> ToolResult:
    return ToolResult({"content": [{"type": "text", "text": text}]})


def _read(task: Task) -> tuple[tuple[str, ...], tuple[tuple[int, ...], ...], tuple[int, ...]]:
    if task.environment != NAME:
        raise TaskInvalid(f"task {task.id!r} belongs to the environment {task.environment!r}, not to {NAME!r}")
    try:
        data = task.data
        lines = tuple(map(str, data["lines"]))
        return lines, tuple(tuple(map(int, each)) for each in data["inputs"]), tuple(map(int, data["wanted"]))
    except (KeyError, TypeError, ValueError) as error:
        raise TaskInvalid(
            f"task {task.id!r} has no lines, inputs or wanted values that can be read: {error}"
        ) from error
