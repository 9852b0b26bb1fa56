# pyright: basic, reportMissingImports=false
"""`Training`: everything that the stages of one training share while it runs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import torch

from rl_trainer.checkpoint import Place, Saved, prune, save
from rl_trainer.model.saving import load_weights, save_model
from rl_trainer.objectives.settings import ObjectiveSettings
from rl_trainer.pool import Pool
from rl_trainer.recipe import Recipe
from rl_trainer.rollout import Rig
from rl_trainer.run_folder import Record, RunFolder, write_whole
from rl_trainer.step import processes
from rl_trainer.step.learner import Learner
from rl_trainer.step.settings import StepSettings
from rl_trainer.task import Task
from rl_trainer.trajectory import Group
from rl_trainer.watching.watching import Watching

_LEARNER = "learner.pt"


@dataclass(slots=True, kw_only=True)
class Training:
    """One training at work. `place` and `pool` are values that are replaced; with the weights and the learner's state
    they are all that a checkpoint has."""

    recipe: Recipe
    folder: RunFolder
    model: Any
    rig: Rig
    tasks: Sequence[Task]
    development: Sequence[Task]
    place: Place = field(default_factory=Place)
    pool: Pool = field(default_factory=Pool)
    learner: Learner | None = None
    watching: Watching = field(default_factory=Watching)
    tokenizer: Any = None
    publish: Callable[[int], Any] | None = None
    """Gives new weights to an engine outside this process."""

    @property
    def seed(self) -> str:
        return f"{self.recipe.seed}"

    def begin_stage(self, step: StepSettings, objective: ObjectiveSettings, saved: Saved | None) -> Learner:
        """A learner with a fresh optimiser, or as the checkpoint has it where the stage had begun."""
        self.learner = Learner(self.model, step, objective)
        if saved is not None and saved.place.stage == self.place.stage and saved.place.iteration:
            state = torch.load(saved.folder / _LEARNER, weights_only=True)
            self.learner.load_state_dict(state)
        return self.learner

    def restore(self, saved: Saved) -> None:
        """Weights, place and pool as the checkpoint has them."""
        load_weights(self.model, saved.folder / "model")
        self.place, self.pool = saved.place, saved.pool
        if self.first:
            self.folder.forget_after(saved.place.total)

    @property
    def first(self) -> bool:
        """Whether this process rolls out, writes and tells; the others only learn with it."""
        return processes.rank() == 0

    def save(self) -> None:
        """A checkpoint of how things stand; of a sharded model all processes must ask for it."""
        if not self.first:
            self._write(Path())
            return
        always = frozenset(self._last_of_stages())
        save(self.folder.path, self.place, self.pool, self._write)
        prune(self.folder.path, self.recipe.keep, always)

    def keep_groups(self, name: str, groups: Sequence[Group]) -> None:
        """Trajectories for `train inspect`, and for whoever learns from them later."""
        if self.first:
            self.folder.write_groups(name, groups)

    def record(self, kind: str, stage: str, values: dict[str, float]) -> None:
        """One more line of metrics, told to whoever watches."""
        if not self.first:
            return
        place = self.place
        record = Record(
            kind=kind,
            stage=stage,
            iteration=place.iteration,
            total=place.total,
            rollouts=place.rollouts,
            values={name: float(value) for name, value in values.items()},
        )
        self.folder.append(record)
        self.watching.record(record)

    def advance(self, **changes: Any) -> None:
        """Replace fields of the place."""
        self.place = msgspec.structs.replace(self.place, **changes)

    async def new_weights(self, steps: int) -> None:
        """The model has changed: the policy has another version."""
        self.advance(version=self.place.version + 1, step=self.place.step + steps)
        await self.give_weights()

    async def give_weights(self) -> None:
        """The policy samples from the model as it is now, under the version that it has now."""
        policy: Any = self.rig.policy
        version = self.place.version
        if self.publish is None:
            policy.version = version
        elif self.first:
            await self.publish(version)
        else:
            save_model(self.model, Path())  # the first process publishes; its weights come from all

    def drawable(self, stage: str, choose: Callable[[], Sequence[Task]]) -> list[Task]:
        """The tasks that a stage draws from, settled when it begins: what it finds does not change them."""
        file = self.folder.path / f"tasks-{stage}.json"
        if self.first and (not self.place.iteration or not file.is_file()):
            write_whole(file, msgspec.json.encode([task.id for task in choose()]))
        processes.from_first(None)  # nobody reads before it is written
        wanted = set(msgspec.json.decode(file.read_bytes(), type=list[str]))
        return [task for task in self.tasks if task.id in wanted]

    def _write(self, folder: Path) -> None:
        save_model(self.model, folder / "model", merge=False)
        state = None if self.learner is None else self.learner.state_dict()
        if not self.first:
            return
        if self.tokenizer is not None:
            self.tokenizer.save_pretrained(folder / "model")
        if state is not None:
            torch.save(state, folder / _LEARNER)

    def _last_of_stages(self) -> list[str]:
        marked = self.folder.path / "checkpoints" / "stages"
        return marked.read_text().split() if marked.is_file() else []

    def mark_stage(self) -> None:
        """Keep the newest checkpoint, the last of its stage, for good."""
        if not self.first:
            return
        marked = self.folder.path / "checkpoints" / "stages"
        names = [*self._last_of_stages(), f"step-{self.place.total:06d}"]
        building = marked.with_suffix(".building")
        building.write_text("\n".join(dict.fromkeys(names)))
        building.replace(marked)


def threads(settings: StepSettings) -> None:
    """Settle how many threads torch uses, before anything is computed: sums depend on it."""
    if settings.threads:
        torch.set_num_threads(settings.threads)
