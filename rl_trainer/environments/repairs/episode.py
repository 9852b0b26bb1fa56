"""`Episode`: one run without the agent around it, id for id what the agent's loop makes of the same actions.

It is for what needs thousands of runs a minute: demonstrations, and measuring a model while its settings are sought.
"""

from collections.abc import Sequence

from agent.call import Call, Outcome, Step
from agent.message import Message, user
from agent.prompts import observed
from retrieval.tool import canonical_json
from rl_trainer.environments.repairs.renderer import RepairRenderer
from rl_trainer.environments.repairs.tools import TOOLS
from rl_trainer.environments.repairs.world import EDITS, RepairWorld
from rl_trainer.errors import ActionMalformed
from rl_trainer.policy import Written
from rl_trainer.task import Task
from rl_trainer.trajectory import Trajectory, Turn

_RENDERER = RepairRenderer()


class Episode:
    """A world and the ids so far. `prompt` ends where the policy is to speak; `done` says that it has ended."""

    def __init__(self, task: Task, *, turns: int, edits: int = EDITS) -> None:
        self.task, self.world = task, RepairWorld(task, edits=edits)
        self.prompt = _RENDERER.prompt([user(f"Goal: {task.goal}")], TOOLS)
        self.turns: list[Turn] = []
        self.texts: list[str] = []
        self._most = turns

    @property
    def done(self) -> bool:
        return self.world.ended or len(self.turns) >= self._most

    def act(self, written: Written, *, seed: int = 0) -> None:
        """Take what the policy wrote, and go on to the next prompt."""
        key = self.world.state_key()
        new, action, malformed = self._answered(written.ids)
        self.turns.append(
            Turn(
                prompt=tuple(self.prompt),
                completion=written.ids,
                logprobs=written.logprobs,
                version=written.version,
                finish=written.finish,
                entropies=written.entropies,
                malformed=malformed,
                action=action,
                state_key=key,
                parent=len(self.turns) - 1,
                seed=seed,
            )
        )
        self.prompt = [*self.prompt, *written.ids, *_RENDERER.after(written.ids, [new])]

    def _answered(self, ids: Sequence[int]) -> tuple[Message, str, bool]:
        text = _RENDERER.text(ids)
        self.texts.append(text)
        try:
            (call,) = _RENDERER.parse(ids).tool_calls
        except ActionMalformed as error:
            return user(f"That cannot be done: {error}"), text, True
        result = self.world.do(call.name.partition("/")[2], call.arguments)
        step = Step(
            call=Call(id=call.id, tool_id=call.name, arguments=call.arguments),
            outcome=Outcome.FAILED if result.is_error else Outcome.SUCCEEDED,
            text=result.text,
        )
        return Message(role="tool", content=observed(step)), f"{call.name} {canonical_json(call.arguments)}", False

    def trajectory(self, member: int = 0) -> Trajectory:
        """The run as it stands, graded; its only reward is the outcome."""
        grade = self.world.graded()
        return Trajectory(
            task_id=self.task.id,
            member=member,
            turns=tuple(self.turns),
            kind=self.task.kind,
            rewards={"outcome": float(grade.passed)},
            passed=grade.passed,
            share=grade.share,
            facts=dict(self.world.facts()),
            texts=tuple(self.texts),
            truncated=not self.world.ended,
        )
