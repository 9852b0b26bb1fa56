# pyright: basic, reportMissingImports=false
"""`InProcessPolicy`: the very model that learns, sampled in lock step. Its log-probabilities are the trainer's own."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from rl_trainer.policy import Sampling, Written


@dataclass(frozen=True, slots=True)
class _Asked:
    prompt: tuple[int, ...]
    sampling: Sampling
    seed: int
    answer: asyncio.Future[Written]


class InProcessPolicy:
    """A `rl_trainer.policy.Policy` over a transformers model.

    Whoever rolls out takes a seat; when everyone who sits has asked, all are answered in one go. So what shares a batch
    depends on nothing but the seeds, and the same rollouts give the same bits again. Without seats every request is
    answered by itself. batch: sequences at once, at most. positions: of all of them together, prompts padded and
    answers at their longest: what the cache of keys and values must hold. precision: of the arithmetic, the trainer's.
    """

    def __init__(
        self,
        model: Any,
        *,
        batch: int = 256,
        positions: int = 2**19,
        precision: str = "float32",
        name: str = "in-process",
    ) -> None:
        self.model = model
        self.version = 0
        self._name, self._batch, self._positions, self._precision = name, batch, positions, precision
        self._seats = 0
        self._asked: list[_Asked] = []

    @property
    def id(self) -> str:
        return self._name

    @contextmanager
    def seat(self) -> Iterator[None]:
        """Take part in the lock step until the block is left."""
        self._seats += 1
        try:
            yield
        finally:
            self._seats -= 1
            self._when_all_have_asked()

    async def complete(self, prompt: Sequence[int], *, sampling: Sampling, seed: int) -> Written:
        answer: asyncio.Future[Written] = asyncio.get_running_loop().create_future()
        self._asked.append(_Asked(tuple(prompt), sampling, seed, answer))
        self._when_all_have_asked()
        return await answer

    async def effective(self) -> Sampling:
        return Sampling()

    def _when_all_have_asked(self) -> None:
        if not self._asked or len(self._asked) < self._seats:
            return
        asked, self._asked = self._asked, []
        # By length, so that little is padded; by seed, so that the order of asking does not matter.
        asked.sort(key=lambda each: (each.sampling.temperature, len(each.prompt), each.seed))
        while asked:
            size = self._fitting(asked)
            self._answer(asked[:size])
            asked = asked[size:]

    def _fitting(self, asked: Sequence[_Asked]) -> int:
        """How many of them, the shortest first, are answered together."""
        longest = 0
        for size, each in enumerate(asked[: self._batch]):
            longest = max(longest, len(each.prompt) + each.sampling.max_tokens)
            if size and (size + 1) * longest > self._positions:
                return size
        return min(len(asked), self._batch)

    def _answer(self, asked: Sequence[_Asked]) -> None:
        try:
            given = [(each.prompt, each.sampling, each.seed) for each in asked]
            written = generate(self.model, given, self.version, precision=self._precision)
        except Exception as error:  # noqa: BLE001 - whoever waits for an answer is told why there is none
            for each in asked:
                if not each.answer.done():
                    each.answer.set_exception(error)
            return
        for each, one in zip(asked, written, strict=True):
            if not each.answer.done():
                each.answer.set_result(one)


@torch.no_grad()
def generate(
    model: Any, asked: Sequence[tuple[tuple[int, ...], Sampling, int]], version: int, *, precision: str = "float32"
) -> list[Written]:
    """A continuation of each prompt, all in step; ids are drawn with random numbers of each sequence's own seed.

    Prompts are padded on the left; sequences that have ended leave the batch when half of it has. precision: float32 or
    bfloat16, as `StepSettings.precision`: weights and the distribution that ids are drawn from stay float32.
    """
    was_training = model.training
    model.eval()
    device = next(model.parameters()).device
    try:
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
            return _generate(model, asked, version)
    finally:
        model.train(was_training)


def _generate(model: Any, asked: Sequence[tuple[tuple[int, ...], Sampling, int]], version: int) -> list[Written]:
    device = next(model.parameters()).device
    longest = max(len(prompt) for prompt, _, _ in asked)
    ids = torch.zeros((len(asked), longest), dtype=torch.long)
    mask = torch.zeros((len(asked), longest), dtype=torch.long)
    for row, (prompt, _, _) in enumerate(asked):
        ids[row, longest - len(prompt) :] = torch.tensor(prompt)
        mask[row, longest - len(prompt) :] = 1
    ids, mask = ids.to(device), mask.to(device)
    places = (mask.cumsum(-1) - 1).clamp(min=0)
    most = max(sampling.max_tokens for _, sampling, _ in asked)
    drawn = torch.zeros((len(asked), most), dtype=torch.float64)
    for row, (_, sampling, seed) in enumerate(asked):
        chance = np.random.Generator(np.random.Philox(key=seed)).random(sampling.max_tokens)
        drawn[row, : sampling.max_tokens] = torch.from_numpy(chance)
    drawn = drawn.to(device)
    heat = torch.tensor([[sampling.temperature] for _, sampling, _ in asked], device=device)
    rows = list(range(len(asked)))  # the sequence that each row of the batch belongs to
    out: list[tuple[list[int], list[float], list[float]]] = [([], [], []) for _ in asked]
    ends: dict[int, str] = {}
    cache = None
    for step in range(most):
        given = model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=places,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        cache = given.past_key_values
        logs = torch.log_softmax(given.logits[:, -1].float() / heat, dim=-1)
        chances = logs.exp()
        entropies = -(chances * logs).nan_to_num().sum(-1)
        summed = chances.double().cumsum(-1)
        at = drawn[:, step : step + 1] * summed[:, -1:]
        picked = torch.searchsorted(summed, at, right=True).clamp(max=logs.shape[-1] - 1)
        # One way back from the device a step; ids and single precision go through double precision unchanged.
        found = torch.stack([picked[:, 0].double(), logs.gather(-1, picked)[:, 0].double(), entropies.double()], -1)
        for row, (id_, log, entropy) in zip(rows, found.tolist(), strict=True):
            if row in ends:
                continue
            _, sampling, _ = asked[row]
            for values, value in zip(out[row], (int(id_), log, entropy), strict=True):
                values.append(value)
            if id_ in sampling.stop:
                ends[row] = "stop"
            elif len(out[row][0]) >= sampling.max_tokens:
                ends[row] = "length"
        alive = [place for place, row in enumerate(rows) if row not in ends]
        if not alive:
            break
        ids, places = picked, places[:, -1:] + 1
        mask = torch.cat([mask, mask.new_ones((len(rows), 1))], dim=-1)
        if len(alive) <= len(rows) // 2:
            keep = torch.tensor(alive, device=device)
            ids, mask, places, drawn, heat = ids[keep], mask[keep], places[keep], drawn[keep], heat[keep]
            cache.batch_select_indices(keep)
            rows = [rows[place] for place in alive]
    return [
        Written(ids=tuple(ids_), logprobs=tuple(logs), entropies=tuple(ent), finish=ends[row], version=version)
        for row, (ids_, logs, ent) in enumerate(out)
    ]
