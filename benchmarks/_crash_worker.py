"""The agent's process in benchmarks/crash_runs.py: begins and resumes runs until it has ended them, or is killed."""

import asyncio
from collections.abc import Mapping, Sequence
from multiprocessing.synchronize import Event as Flag
from pathlib import Path
from typing import Any

import langgraph.graph  # noqa: F401 - imported before the fork, not after each
import msgspec

from agent.checkpoints.opening import open_checkpointer
from agent.decisions import approve, decide, settle_unknown
from agent.deps import Deps
from agent.evaluation.oracle import PROFILE
from agent.event import Event
from agent.ledger import CallState
from agent.llm import Answer, Ask, OnText, Profile
from agent.message import Message
from agent.options import Options, Status
from agent.run import resume_run, run_agent
from agent.store import open_journal
from agent.toolbox import Standing
from mcp_registry.result import ToolResult
from retrieval.tool import ToolId, ToolSpec


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One run: its id, what it is to do, with what, and how."""

    run_id: str
    goal: str
    tools: tuple[ToolSpec, ...]
    options: Options


class Distant:
    """A world and the model for it, at a Unix socket: an `agent.llm.LLM` and an `agent.toolbox.Toolbox`."""

    id = "oracle"

    def __init__(self, socket: str, job: Job) -> None:
        self._socket = socket
        self._run_id = job.run_id
        self._specs = {spec.tool_id: spec for spec in job.tools}

    @property
    def profile(self) -> Profile:
        return PROFILE

    async def sample(self, messages: Sequence[Message], ask: Ask, *, on_text: OnText | None = None) -> Answer:
        del on_text
        return msgspec.convert(await self.asked("sample", messages=list(messages), ask=ask), Answer)

    async def search(self, queries: Sequence[str], k: int) -> list[ToolSpec]:
        del queries
        return list(self._specs.values())[:k]

    async def tools(self, ids: Sequence[ToolId] | None = None) -> dict[ToolId, ToolSpec]:
        return dict(self._specs) if ids is None else {id_: self._specs[id_] for id_ in ids if id_ in self._specs}

    async def call(
        self, tool: ToolSpec, arguments: Mapping[str, Any], *, key: str, timeout_s: float | None
    ) -> ToolResult:
        del timeout_s
        return ToolResult(await self.asked("call", tool=tool.name, arguments=dict(arguments), key=key))

    def standing(self, tool: ToolSpec) -> Standing:
        del tool
        return Standing(trusted=True)

    async def asked(self, method: str, **request: Any) -> Any:
        reader, writer = await asyncio.open_unix_connection(self._socket, limit=2**24)
        writer.write(msgspec.json.encode({"method": method, "run": self._run_id, **request}) + b"\n")
        await writer.drain()
        answer = msgspec.json.decode(await reader.readuntil(b"\n"))
        writer.close()
        return answer


def work(folder: str, jobs: bytes, at_work: Flag) -> None:
    """Bring these runs to their end, side by side; those that have ended are left alone. Sets `at_work` first."""
    asyncio.run(_work(Path(folder), msgspec.json.decode(jobs, type=list[Job]), at_work))


async def _work(folder: Path, jobs: Sequence[Job], at_work: Flag) -> None:
    url = f"sqlite:///{folder / 'runs.db'}"
    async with open_journal(url) as journal, open_checkpointer(url) as checkpointer, asyncio.TaskGroup() as group:
        at_work.set()
        for job in jobs:
            distant = Distant(str(folder / "worlds.sock"), job)
            deps = Deps(llm=distant, toolbox=distant, journal=journal, checkpointer=checkpointer)
            group.create_task(to_its_end(job, deps, distant))


async def to_its_end(job: Job, deps: Deps, distant: Distant) -> None:
    """Begin the run or go on with it. Whatever it asks to approve is; what became of a call, the world tells."""
    record = await deps.journal.run(job.run_id)
    if record is not None and record.status.final:
        return
    if record is None:
        run = await run_agent(job.goal, deps, options=job.options, run_id=job.run_id)
    else:
        run = await resume_run(job.run_id, deps)
    while run.status is Status.WAITING:
        ledger, said = run.state.ledger, list[Event]()
        for row in ledger.waiting:
            said += approve(run.state, row.call.id, by="benchmark")
        for row in ledger.in_state(CallState.UNKNOWN):
            became = await distant.asked("became", key=row.call.id)
            said += settle_unknown(run.state, row.call.id, became, by="benchmark")
        await decide(deps.journal, run.id, said)
        run = await resume_run(run.id, deps)
