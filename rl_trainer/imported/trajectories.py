"""Recorded runs as trajectories. Their ids are made from texts, and their log-probabilities are not known."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Protocol

import msgspec

from agent.llm import Purpose
from agent.message import Message
from agent.options import Status
from rl_trainer.errors import ActionMalformed
from rl_trainer.imported.recorded import Asked, RecordedRun, as_message
from rl_trainer.renderer import Renderer
from rl_trainer.task import Task
from rl_trainer.trajectory import Group, Trajectory, Turn

_CUT_OFF = {Status.OUT_OF_STEPS, Status.OUT_OF_TOKENS, Status.OUT_OF_TIME, Status.OUT_OF_MONEY}
ENVIRONMENT = "recorded"
"""No environment opens such a task: it can be learnt from, and not be run again."""


class Writer(Renderer, Protocol):
    """A renderer that also writes what others have said."""

    def completion(self, message: Message) -> list[int]:
        """The canonical ids of what was said, with the id that ends it."""
        ...


def task_of(run: RecordedRun) -> Task:
    """Runs with the same goal are tries of one task."""
    digest = hashlib.blake2b(run.goal.encode(), digest_size=6).hexdigest()
    return Task(id=f"recorded-{digest}", goal=run.goal, environment=ENVIRONMENT, source="the agent's journal")


def trajectory_of(run: RecordedRun, writer: Writer | None) -> Trajectory:
    """The run without its reward. Without a writer it has texts and no turns: nothing can be learnt from it yet.

    The fact `foreign` says that log-probabilities are zeros in place of unknown ones: fine-tuning may learn from it;
    RL only after they were computed anew, with truncated importance sampling. Calls of which several samples were
    taken are left out, and counted: the journal does not say which of them was used.
    """
    single = [asked for asked in run.asked if len(set(asked.texts)) == 1]
    turns = tuple(_turn(asked, writer) for asked in single) if writer is not None else ()
    return Trajectory(
        task_id=task_of(run).id,
        member=0,
        turns=turns,
        kind=ENVIRONMENT,
        status=run.status.value,
        facts={
            "foreign": 1.0,
            "calls": float(len(run.steps)),
            "failed_calls": float(sum(not step.ok for step in run.steps)),
            "several_samples": float(len(run.asked) - len(single)),
            "encoded": float(run.usage.encoded),
            "decoded": float(run.usage.decoded),
        },
        texts=tuple(asked.texts[0] for asked in single),
        observations=_observations(run, single),
        run_id=run.id,
        seconds=run.seconds,
        truncated=run.status in _CUT_OFF,
    )


def _turn(asked: Asked, writer: Writer) -> Turn:
    said = as_message(asked.texts[0])
    completion = tuple(writer.completion(said))
    return Turn(
        prompt=tuple(writer.prompt(asked.messages, ())),
        completion=completion,
        logprobs=(0.0,) * len(completion),
        purpose=asked.purpose,
        malformed=asked.purpose is Purpose.ACT and bool(said.tool_calls) and _malformed(completion, writer),
        action="\n".join(f"{call.name}" for call in said.tool_calls) or said.content,
    )


def _malformed(completion: Sequence[int], writer: Writer) -> bool:
    """A call that the policy's own form cannot say must not be imitated."""
    try:
        writer.parse(completion)
    except ActionMalformed:
        return True
    return False


def _observations(run: RecordedRun, asked: Sequence[Asked]) -> tuple[str, ...]:
    """What came of each call of a tool, behind the turns that act; plans and memory are not answered."""
    steps = iter(run.steps)
    return tuple(next((step.text for step in steps), "") if each.purpose is Purpose.ACT else "" for each in asked)


def grouped(scored: Iterable[Trajectory]) -> list[Group]:
    """Tries of one task as a group, in the order in which they come."""
    by_task: dict[str, list[Trajectory]] = {}
    for trajectory in scored:
        members = by_task.setdefault(trajectory.task_id, [])
        members.append(msgspec.structs.replace(trajectory, member=len(members)))
    return [Group(task_id=task, trajectories=tuple(members)) for task, members in by_task.items()]
