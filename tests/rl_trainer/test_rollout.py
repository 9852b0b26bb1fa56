"""Rollouts of the production agent: what is recorded, whatever the policy writes."""

import asyncio
from collections.abc import Sequence
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest

from rl_trainer.environments.repairs.expert import NoisyExpert
from rl_trainer.environments.repairs.renderer import RepairRenderer
from rl_trainer.environments.repairs.vocabulary import END, IDS, WORDS
from rl_trainer.environments.repairs.world import RepairEnvironment
from rl_trainer.errors import WorldFailed
from rl_trainer.policy import Sampling, Written
from rl_trainer.recording import keyed_seed
from rl_trainer.rollout import roll_groups, roll_one
from rl_trainer.samples import branches, imitation_samples


class Babbler:
    """Writes any ids at all, as an untrained model does; now and then an action."""

    id, version = "babbler", 3

    async def complete(self, prompt: Sequence[int], *, sampling: Sampling, seed: int) -> Written:
        drawn = np.random.default_rng(seed)
        if drawn.random() < 0.4:
            return await NoisyExpert(share_right=0.2).complete(prompt, sampling=sampling, seed=seed)
        length = int(drawn.integers(1, sampling.max_tokens + 1))
        ids = [int(id_) for id_ in drawn.integers(0, len(WORDS), length)]
        ids = [id_ for id_ in ids if id_ != IDS[END]]
        ids = [*ids, IDS[END]] if drawn.random() < 0.7 or not ids else ids
        return Written(ids=tuple(ids), logprobs=(-1.0,) * len(ids), finish="stop", version=3)

    async def effective(self) -> Sampling:
        return Sampling()


async def test_every_turn_has_the_ids_of_the_prompt_and_of_what_was_sampled(rig: Any, repairs: Any) -> None:
    groups = await roll_groups(repairs[:4], rig(), seed="a")
    runs = [each for group in groups for each in group.trajectories]
    assert len(runs) == 16
    assert any(each.passed for each in runs)
    assert any(not each.passed for each in runs)
    for each in runs:
        assert each.turns
        assert each.status == "done"
        for turn in each.turns[1:]:
            before = each.turns[turn.parent]
            assert turn.prompt[: len(before.prompt) + len(before.completion)] == before.prompt + before.completion


async def test_what_is_sampled_is_never_tokenised_again_whatever_it_is(rig: Any, repairs: Any) -> None:
    """The prefix property over turns with broken actions, texts that end nowhere, and mistakes told back."""
    groups = await roll_groups(repairs[:10], rig(Babbler(), turns=12), seed="b")
    runs = [each for group in groups for each in group.trajectories]
    assert any(turn.malformed for each in runs for turn in each.turns)
    assert all(each.facts["rerendered"] == 0 for each in runs)
    for each in runs:
        learnt: dict[int, int] = {}
        for sample in imitation_samples([each], mask_malformed=False):
            for place in set(sample.turns[sample.mask].tolist()):
                ids = sample.ids[sample.turns == place]
                assert tuple(ids.tolist()) == each.turns[place].completion
                learnt[place] = learnt.get(place, 0) + 1
        assert learnt == dict.fromkeys(range(len(each.turns)), 1), "every sampled id is learnt once"


async def test_a_forgotten_mistake_begins_a_branch_and_is_not_context_of_what_follows(rig: Any, repairs: Any) -> None:
    groups = await roll_groups(repairs[:10], rig(Babbler(), turns=12), seed="b")
    runs = [each for group in groups for each in group.trajectories]
    with_mistakes = [each for each in runs if any(turn.malformed for turn in each.turns[:-2])]
    assert with_mistakes
    assert any(len(branches(each.turns)) > 1 for each in with_mistakes)
    without = [each for each in runs if not any(turn.malformed for turn in each.turns)]
    assert all(len(branches(each.turns)) == 1 for each in without)


async def test_the_same_seed_gives_the_same_runs_however_many_run_at_once(rig: Any, repairs: Any) -> None:
    def told(groups: Any) -> Any:
        return [[(each.turns, each.rewards) for each in group.trajectories] for group in groups]

    one = told(await roll_groups(repairs[:5], rig(Babbler(), concurrency=1), seed="c"))
    assert told(await roll_groups(repairs[:5], rig(Babbler(), concurrency=64), seed="c")) == one
    assert told(await roll_groups(repairs[:5], rig(Babbler()), seed="d")) != one


async def test_runs_that_go_on_too_long_are_kept_as_they_are(rig: Any, repairs: Any) -> None:
    class Viewer(Babbler):
        async def complete(self, prompt: Sequence[int], *, sampling: Sampling, seed: int) -> Written:
            ids = (IDS["view"], IDS[END])
            return Written(ids=ids, logprobs=(-1.0, -1.0), finish="stop", version=0)

    (group,) = await roll_groups(repairs[:1], rig(Viewer()), seed="e")
    for each in group.trajectories:
        assert (len(each.turns), each.truncated, each.status) == (8, True, "out_of_steps")
        assert each.rewards == {"outcome": 0.0}
    (short,) = await roll_groups(repairs[:1], rig(Viewer(), context=60), seed="e")
    assert short.trajectories[0].status == "out_of_tokens"
    assert len(short.trajectories[0].turns[-1].prompt) + 2 <= 60


async def test_a_world_that_breaks_is_tried_again_and_blamed_on_nobody(rig: Any, repairs: Any) -> None:
    class Fragile(RepairEnvironment):
        opened = 0

        @asynccontextmanager
        async def open(self, task: Any) -> Any:
            type(self).opened += 1
            if type(self).opened % 3:
                raise WorldFailed("the machine was too busy")
            async with super().open(task) as world:
                yield world

    fragile = rig(concurrency=1)
    fragile.environments["repairs"] = Fragile()
    rolled = await roll_one(repairs[0], 0, fragile, seed="f")
    assert rolled.trajectory.infra == ""
    assert rolled.trajectory.turns == (await roll_one(repairs[0], 0, rig(), seed="f")).trajectory.turns
    fragile = rig(retries=1)
    fragile.environments["repairs"] = Fragile()
    lost = (await roll_one(repairs[0], 0, fragile, seed="f")).trajectory
    assert (lost.infra, lost.turns, lost.rewards) == ("the machine was too busy", (), {})


async def test_checkpoints_are_scores_after_each_edit(rig: Any, repairs: Any) -> None:
    groups = await roll_groups(repairs[:3], rig(checkpoints="turns"), seed="g")
    for group in groups:
        for each in group.trajectories:
            assert all(turn.score is not None for turn in each.turns)
            assert each.turns[-1].score == each.share
    plain = await roll_groups(repairs[:1], rig(), seed="g")
    assert all(turn.score is None for each in plain[0].trajectories for turn in each.turns[:-1])


async def test_a_reward_that_raises_stops_everything(rig: Any, repairs: Any) -> None:
    async def broken(trajectory: Any, task: Any) -> Any:
        raise ZeroDivisionError

    bad = rig()
    object.__setattr__(bad, "reward", broken)
    with pytest.raises(ExceptionGroup) as raised:
        async with asyncio.timeout(10):
            await roll_groups(repairs[:2], bad, seed="h")
    assert raised.group_contains(ZeroDivisionError)


def test_seeds_depend_on_their_parts_alone() -> None:
    assert keyed_seed("a", 1) == keyed_seed("a", 1)
    assert len({keyed_seed("a", number) for number in range(100)} | {keyed_seed("b", 1)}) == 101
    assert RepairRenderer().stop == (IDS[END],)
