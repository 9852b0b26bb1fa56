# pyright: basic, reportMissingImports=false
# torch comes with the extra `train`; checking must work without it.
"""`Learner`: a model and its optimiser; one call of `update` is one step over some samples."""

import copy
import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from rl_trainer.errors import CheckpointDamaged, LearningFailed
from rl_trainer.objectives.batch import Denominators
from rl_trainer.objectives.registry import Objective, objective_of
from rl_trainer.objectives.settings import ObjectiveSettings, needs_reference, passes
from rl_trainer.sample import Floats, Sample
from rl_trainer.step import processes
from rl_trainer.step.record import StepRecord
from rl_trainer.step.row import Row, pack
from rl_trainer.step.scorer import scorer_of, targets_of
from rl_trainer.step.settings import StepSettings, rate_at
from rl_trainer.step.tally import Tally
from rl_trainer.step.token_batch import token_batch

PerSample = Sequence[Floats]
"""By sample, float32[len(sample)], as `Sample.logprobs`: what stands where the mask is not set is not looked at."""


class Learner:
    """Not for several threads. The same weights, optimiser state and samples give the same step bit for bit (CPU)."""

    def __init__(self, model: Any, settings: StepSettings, objective: ObjectiveSettings) -> None:
        settings.check()
        if settings.threads:
            torch.set_num_threads(settings.threads)
        self.settings = settings
        self.objective = objective
        self.model = model
        self.steps = 0
        self._failed = 0
        self._objectives: list[Objective] = [objective_of(objective, part=part) for part in range(passes(objective))]
        self._scorer = scorer_of(model, settings)
        self._optimiser = _optimiser(model, settings)

    @property
    def device(self) -> Any:
        return next(self.model.parameters()).device

    def update(
        self, samples: Sequence[Sample], old: PerSample | None = None, *, reference: PerSample | None = None
    ) -> StepRecord:
        """One optimiser step over all of these samples (two where the objective says so: Lopti).

        old: pi_old of every token; without it the policy's own before this step, so that every ratio is 1.
        reference: of the policy that a KL penalty holds on to.

        Raises:
            LearningFailed: nothing to learn from, or `settings.patience` steps in a row had no finite gradient.
        """
        if needs_reference(self.objective) and reference is None:
            raise LearningFailed("the objective has a KL penalty, but no log-probabilities of the reference came")
        learnt = [place for place, sample in enumerate(samples) if sample.learnt]
        if not learnt:
            raise LearningFailed(f"none of the {len(samples)} samples has a token to learn from")
        chosen = [samples[place] for place in learnt]
        before = [old[place] for place in learnt] if old is not None else None
        held = [reference[place] for place in learnt] if reference is not None else None
        if before is None and len(self._objectives) > 1:
            before = self.log_probs(chosen)
        for objective in self._objectives:
            record = self._step(chosen, before, held, objective)
        return record

    def log_probs(self, samples: Sequence[Sample]) -> list[Floats]:
        """Of every learnt token under the current policy; 0 where the mask is not set. No gradient."""
        out: list[Floats] = [np.zeros(len(sample), np.float32) for sample in samples]
        chosen = [place for place, sample in enumerate(samples) if sample.learnt]
        learnt = [samples[place] for place in chosen]
        own: dict[int, Floats] = {}
        for row, counts in self._own_rows(learnt):
            targets = targets_of(row, learnt)
            with torch.no_grad(), self._precision():
                found, _ = self._scorer(row, targets)
            if counts:
                parts = found.float().cpu().split(targets.counts)
                own.update(zip(row.members, (part.numpy() for part in parts), strict=True))
        for member, values in (pair for part in processes.gathered(own) for pair in part.items()):
            out[chosen[member]][learnt[member].mask] = values
        return out

    def state_dict(self) -> dict[str, Any]:
        """The optimiser and the counters: with the weights, all that the next step depends on. No tensor is copied.

        Of a sharded model it is whole, so it fits any number of processes; all of them must ask for it.
        """
        state = self._optimiser.state_dict()
        found = {
            place: {name: processes.whole(value) for name, value in each.items()}
            for place, each in state["state"].items()
        }
        return {"optimiser": {**state, "state": found}, "steps": self.steps, "failed": self._failed}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Raises: CheckpointDamaged, for a state of another model."""
        try:
            # torch keeps the tensors that it is given, and would write into the other learner's.
            given = copy.deepcopy(dict(state["optimiser"]))
            given["state"] = {
                place: {name: processes.like(value, weight) for name, value in given["state"][place].items()}
                for place, weight in enumerate(self._learning)
                if place in given["state"]
            }
            self._optimiser.load_state_dict(given)
            self.steps, self._failed = int(state["steps"]), int(state["failed"])
        except (KeyError, ValueError, TypeError) as error:
            raise CheckpointDamaged(f"the optimiser's state does not fit this model: {error}") from error

    @property
    def _learning(self) -> list[Any]:
        """The weights that learn, in the order of the optimiser's state."""
        return [one for group in self._optimiser.param_groups for one in group["params"]]

    def _own_rows(self, samples: Sequence[Sample]) -> list[tuple[Row, bool]]:
        """This process' rows; without FSDP every process has them all. False: it only keeps the others company."""
        rows = self._rows(samples)
        return processes.own_share(rows) if self.settings.fsdp and rows else [(row, True) for row in rows]

    def _rows(self, samples: Sequence[Sample]) -> list[Row]:
        return pack(samples, tokens=self.settings.tokens, packing=self.settings.packing)

    def _precision(self) -> Any:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.settings.precision == "bfloat16")

    def _step(
        self, samples: Sequence[Sample], old: PerSample | None, reference: PerSample | None, objective: Objective
    ) -> StepRecord:
        start = time.perf_counter()
        rows = self._rows(samples)
        counts = [sample.learnt for sample in samples]
        share = Denominators(tokens=float(sum(counts)), sequences=float(len(counts)), longest=float(max(counts)))
        tally = Tally()
        for row, counted in self._own_rows(samples):
            self._accumulate(row, samples, (old, reference), objective, share, tally if counted else None)
        if self.settings.fsdp:
            tally.join()
        rate = rate_at(self.settings, self.steps)
        norm = self._apply(tally.loss, rate)
        skipped = not (math.isfinite(tally.loss) and math.isfinite(norm))
        self._count(skipped, norm, tally.loss)
        return StepRecord(
            step=self.steps,
            loss=tally.loss,
            grad_norm=norm,
            learning_rate=rate,
            samples=len(samples),
            computed=sum(map(len, rows)),
            given=sum(map(len, samples)),
            rows=len(rows),
            seconds=time.perf_counter() - start,
            skipped=skipped,
            memory_mb=_memory_mb(self.device),
            **tally.fields(),
        )

    def _accumulate(
        self,
        row: Row,
        samples: Sequence[Sample],
        given: tuple[PerSample | None, PerSample | None],
        objective: Objective,
        share: Denominators,
        tally: Tally | None,
    ) -> None:
        with self._precision():
            found, entropies = self._scorer(row, targets_of(row, samples))
        batch = token_batch(row, samples, found, entropies, given=given)
        loss, statistics = objective(batch, share)
        if tally is not None:
            tally.add(batch, loss, statistics)
        # FSDP takes the mean over processes; the shares of the loss are to be added up.
        (loss * (0.0 if tally is None else processes.world() if self.settings.fsdp else 1.0)).backward()

    def _apply(self, loss: float, rate: float) -> float:
        """The gradient's norm; a step is made if it and the loss are finite. Gradients are gone afterwards."""
        limit = self.settings.clip_norm or math.inf
        norm = float(processes.whole(torch.nn.utils.clip_grad_norm_(self._learning, limit)))
        if math.isfinite(loss) and math.isfinite(norm):
            for group in self._optimiser.param_groups:
                group["lr"] = rate
            self._optimiser.step()
        self._optimiser.zero_grad(set_to_none=True)
        return norm

    def _count(self, skipped: bool, norm: float, loss: float) -> None:
        if not skipped:
            self.steps, self._failed = self.steps + 1, 0
            return
        self._failed += 1
        if self._failed >= self.settings.patience:
            raise LearningFailed(
                f"{self._failed} steps in a row had no finite gradient (loss {loss}, norm {norm}); the weights are as "
                "before them. Look at step.learning_rate, at step.precision, and at the samples' log-probabilities"
            )


def _optimiser(model: Any, settings: StepSettings) -> torch.optim.Optimizer:
    learning = [one for one in model.parameters() if one.requires_grad]
    if not learning:
        raise LearningFailed("no weight of the model may learn")
    # Norms and biases are not drawn to 0: their size is what they are for.
    groups = [
        {"params": [one for one in learning if one.ndim >= 2], "weight_decay": settings.weight_decay},
        {"params": [one for one in learning if one.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(
        [group for group in groups if group["params"]],
        lr=settings.learning_rate,
        betas=settings.betas,
        eps=settings.eps,
        fused=True,
    )


def _memory_mb(device: Any) -> float:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
