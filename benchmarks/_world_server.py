"""Worlds that outlive the agents that use them: a folder and a SQLite file for each run, behind a Unix socket.

The oracle that stands for the model is here too, as an endpoint would be. Requests and answers are lines of JSON.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping, MutableMapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import msgspec

from agent.evaluation.mind import Mind, Rates
from agent.evaluation.oracle import OracleLLM
from agent.evaluation.tasks import Task
from agent.evaluation.world import Effect, World, dice
from agent.evaluation.worlds.database import Database, connect
from agent.evaluation.worlds.files import Files
from agent.llm import Answer, Ask
from agent.message import Message
from retrieval.tool import ToolSpec, canonical_json

LINE = 2**24
"""The longest line, in bytes."""


class Folder(MutableMapping[str, str | None]):
    """The entries of `Files` as real files and folders below a root."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def __getitem__(self, path: str) -> str | None:
        place = self._place(path)
        if not place.exists():
            raise KeyError(path)
        return None if place.is_dir() else place.read_text("utf-8")

    def __setitem__(self, path: str, text: str | None) -> None:
        if text is None:
            self._place(path).mkdir(exist_ok=True)
        else:
            self._place(path).write_text(text, "utf-8")

    def __delitem__(self, path: str) -> None:
        place = self._place(path)
        if place.is_dir():
            place.rmdir()
        else:
            place.unlink()

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(f"/{place.relative_to(self._root)}" for place in self._root.rglob("*")))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _place(self, path: str) -> Path:
        return self._root / path.lstrip("/")


def on_disk(task: Task, place: Path) -> World[Any]:
    """The task's world with its state at `place`: a folder, or a SQLite file."""
    state = task.world.state
    if isinstance(state, Files):
        place.mkdir(parents=True)
        folder = Folder(place)
        for path in sorted(state.entries):
            folder[path] = state.entries[path]
        return World(task.world.name, task.world.tools, Files(folder, set(state.protected)))
    if isinstance(state, Database):
        connection = connect(str(place.with_suffix(".db")))
        connection.execute("PRAGMA synchronous = OFF")  # this world's process is never killed
        state.connection.backup(connection)
        return World(task.world.name, task.world.tools, Database(connection, set(state.seen)))
    raise ValueError(f"the world {task.world.name!r} cannot be on disk")


class Place(Protocol):
    """One run's world, with a log of its own, and the model for it."""

    @property
    def tools(self) -> dict[str, ToolSpec]: ...

    @property
    def effects(self) -> list[Effect]:
        """What calls have changed, oldest first."""
        ...

    @property
    def calls(self) -> int:
        """How many calls arrived."""
        ...

    @property
    def goal(self) -> str: ...

    async def call(self, tool: str, arguments: dict[str, Any], key: str) -> Mapping[str, Any]: ...

    async def sample(self, messages: list[Message], ask: Ask) -> Answer: ...

    async def reached(self) -> bool:
        """Whether the state is what the goal asks for."""
        ...

    async def explained(self) -> bool:
        """Whether the effects, each once and in their order, account for the state as it is."""
        ...


class Simulated:
    """A world of agent/evaluation whose state is on disk."""

    def __init__(self, task: Task, place: Path, *, seed: int) -> None:
        self._task = task
        self._world = on_disk(task, place)
        self._llm = OracleLLM(Mind(task, self._world, rates=Rates(), seed=seed), seed=seed)
        self.tools = {name: tool.spec for name, tool in self._world.tools.items()}
        self.goal = task.goal

    @property
    def effects(self) -> list[Effect]:
        return self._world.effects

    @property
    def calls(self) -> int:
        return len(self._world.log)

    async def call(self, tool: str, arguments: dict[str, Any], key: str) -> Mapping[str, Any]:
        return self._world.call(tool, arguments, key=key).raw

    async def sample(self, messages: list[Message], ask: Ask) -> Answer:
        return await self._llm.sample(messages, ask)

    async def reached(self) -> bool:
        return self._task.reached(self._world)

    async def explained(self) -> bool:
        twin = self._task.world.twin()
        for effect in self._world.effects:
            twin.do(effect.tool, effect.arguments)
        return _facts(twin.state) == _facts(self._world.state)


def _facts(state: Any) -> Any:
    """A state as something that can be compared, what was seen of it left out."""
    if isinstance(state, Database):
        return list(state.connection.iterdump())
    return canonical_json({"entries": dict(state.entries), "protected": sorted(state.protected)})


class Server:
    """Answers `call`, `sample` and `became` for the runs in `places`. Calls wait a little before and after they act."""

    def __init__(self, places: dict[str, Place], *, seed: int, wait_s: float) -> None:
        self.places = places
        self._under_way: dict[str, asyncio.Event] = {}  # by the keys of calls that were received
        self._dice = dice("server", seed)
        self._wait_s = wait_s

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request of one connection. That the asker has died is found when the answer is written, if at all."""
        try:
            request = msgspec.json.decode(await reader.readuntil(b"\n"))
            answer = await getattr(self, f"on_{request['method']}")(self.places[request["run"]], request)
            writer.write(msgspec.json.encode(answer) + b"\n")
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def on_call(self, place: Place, request: dict[str, Any]) -> Any:
        """A tool's answer; what was received is done, whether or not anybody is there to hear of it."""
        key = request["key"]
        answered = self._under_way[key] = asyncio.Event()
        try:
            await asyncio.sleep(self._dice.random() * self._wait_s)
            answer = await place.call(request["tool"], request["arguments"], key)
            await asyncio.sleep(self._dice.random() * self._wait_s)
        finally:
            answered.set()
        return answer

    async def on_sample(self, place: Place, request: dict[str, Any]) -> Any:
        messages = msgspec.convert(request["messages"], list[Message])
        return await place.sample(messages, msgspec.convert(request["ask"], Ask))

    async def on_became(self, place: Place, request: dict[str, Any]) -> str:
        """What a person finds who looks at the world: whether the call of this key has had its effect."""
        if (answered := self._under_way.get(request["key"])) is not None:
            await answered.wait()
        return "succeeded" if any(effect.key == request["key"] for effect in place.effects) else "retry"


@asynccontextmanager
async def open_server(places: dict[str, Place], path: Path, *, seed: int, wait_s: float) -> AsyncGenerator[Server]:
    """The worlds, reachable at a Unix socket until the block ends."""
    server = Server(places, seed=seed, wait_s=wait_s)
    listening = await asyncio.start_unix_server(server.answer, str(path), limit=LINE)
    async with listening:
        yield server
