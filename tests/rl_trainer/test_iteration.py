"""One iteration: groups are gathered until enough of them teach something, and nothing is lost silently."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from rl_trainer.continuing import RetracingPolicy, valued
from rl_trainer.credit.registry import credit_of
from rl_trainer.credit.settings import CreditSettings
from rl_trainer.curriculum import Informative
from rl_trainer.environments.repairs.expert import NoisyExpert
from rl_trainer.environments.repairs.vocabulary import END, IDS
from rl_trainer.errors import EngineFailed, WorldFailed
from rl_trainer.fleet.backlog import AheadSettings
from rl_trainer.forks import ForkSettings
from rl_trainer.iteration import Draw, batches, gather, gather_ahead
from rl_trainer.policy import Sampling, Written
from rl_trainer.pool import Pool
from rl_trainer.recipe import EngineSettings, read_recipe
from rl_trainer.rolling_out import here, open_rolling_ahead
from rl_trainer.rollout import roll_groups
from rl_trainer.selection import D3S, Pods
from rl_trainer.stages import DapoStage

GROUP = credit_of(CreditSettings())


def _stage(**fields: Any) -> DapoStage:
    return DapoStage(**{"name": "rl", "iterations": 5, "problems": 3, **fields})


async def _gather(rig: Any, tasks: Any, pool: Pool | None = None, iteration: int = 0, **fields: Any) -> Any:
    draw = Draw(iteration=iteration, tasks=tasks, seed="s", roll=here(rig))
    return await gather(_stage(**fields), rig, GROUP, pool or Pool(), draw)


async def test_groups_without_variance_are_dropped_counted_and_refilled(rig: Any, repairs: Any) -> None:
    found = await _gather(rig(NoisyExpert(share_right=0.9), group=2), repairs, generations=6)
    assert len(found.chosen) == 3
    assert found.generations > 1
    assert all(worth.credit.informative for worth in found.chosen)
    taught = sum(len({each.reward for each in group.trajectories}) > 1 for group in found.rolled)
    assert found.uninformative == len(found.rolled) - taught
    assert found.pool.drawn == len(found.rolled) == 3 * found.generations


async def test_refilling_neither_goes_on_for_ever_nor_fails(rig: Any, repairs: Any) -> None:
    class Lost(NoisyExpert):
        async def complete(self, prompt: Sequence[int], *, sampling: Sampling, seed: int) -> Written:
            return Written(ids=(IDS["give_up"], IDS[END]), logprobs=(0.0, 0.0), finish="stop", version=0)

    found = await _gather(rig(Lost(), group=2), repairs, generations=2)
    assert (found.generations, found.uninformative, found.chosen) == (2, 6, ())
    assert batches(found.chosen, 8, 0, "s") == []


async def test_surplus_groups_wait_for_later_iterations_and_expire(rig: Any, repairs: Any) -> None:
    first = await _gather(rig(group=6), repairs, problems=4, generations=3)
    surplus = len(first.pool.waiting)
    again = await _gather(rig(group=6), repairs, first.pool, iteration=1, problems=2, generations=3)
    assert again.carried == min(2, surplus)
    late = await _gather(rig(group=6), repairs, first.pool, iteration=9, problems=2, generations=3)
    assert (late.carried, late.expired) == (0, surplus)


async def test_plain_grpo_keeps_groups_without_variance_in_its_denominators(rig: Any, repairs: Any) -> None:
    found = await _gather(rig(NoisyExpert(share_right=1.0), group=2), repairs, drop=False, generations=1, carry=0)
    assert len(found.chosen) == 3
    assert found.uninformative > 0


async def test_every_update_gets_whole_groups_and_every_trajectory_once(rig: Any, repairs: Any) -> None:
    found = await _gather(rig(group=4), repairs, problems=6, generations=4)
    for updates in (0, 2):
        made = batches(found.chosen, 8, updates, "s")
        assert len(made) == (3 if updates == 0 else 2)
        learnt = [(sample.task_id, tuple(sample.ids)) for step in made for sample in step]
        assert len(learnt) >= 24
        assert [len(step) for step in made] == [len(step) for step in batches(found.chosen, 8, updates, "s")]
        assert sum(len({(each.task_id, each.trajectory) for each in step}) for step in made) == 24


async def test_tasks_may_be_drawn_by_how_hard_they_were(rig: Any, repairs: Any) -> None:
    found = await _gather(rig(group=4), repairs, draw=Informative(group=4), carry=0, generations=1)
    assert len({group.task_id for group in found.rolled}) == 3
    again = await _gather(rig(group=4), repairs, draw=Informative(group=4), carry=0, generations=1)
    assert [group.task_id for group in again.rolled] == [group.task_id for group in found.rolled]


async def test_a_batch_may_be_thinned_out(rig: Any, repairs: Any) -> None:
    pods = await _gather(rig(group=6), repairs, select=Pods(keep=2), generations=3)
    assert {len(worth.group.trajectories) for worth in pods.chosen} == {2}
    d3s = await _gather(rig(group=6), repairs, select=D3S(rollouts=(0.5, 0.5), tokens=(1.0, 1.0)), generations=3)
    assert sum(len(worth.group.trajectories) for worth in d3s.chosen) == 9


async def test_continuations_give_turns_their_values(rig: Any, repairs: Any) -> None:
    forking = rig(group=3, forks=ForkSettings(continuations=3))
    groups = await roll_groups(repairs[:1], forking, seed="v")
    found, made = await valued(groups, repairs[:1], forking, seed="v")
    turns = [turn for each in found[0].trajectories for turn in each.turns]
    assert all(turn.value is not None and 0 <= turn.value <= 1 for turn in turns)
    assert made == 3 * sum(len(each.turns) - 1 for each in found[0].trajectories)
    again, _ = await valued(groups, repairs[:1], forking, seed="v")
    assert again == found, "values depend on the seed alone"


async def test_a_run_is_not_retraced_in_a_world_that_answers_otherwise(repairs: Any, rig: Any) -> None:
    (group,) = await roll_groups(repairs[:1], rig(group=1), seed="w")
    (other,) = await roll_groups(repairs[5:6], rig(group=1), seed="w")
    policy = RetracingPolicy(NoisyExpert(), group.trajectories[0].turns)
    first = group.trajectories[0].turns[0]
    written = await policy.complete(first.prompt, sampling=rig().sampling, seed=0)
    assert written.ids == first.completion
    with pytest.raises(WorldFailed, match="retraced"):
        await policy.complete(other.trajectories[0].turns[1].prompt, sampling=rig().sampling, seed=0)


class Versioned(NoisyExpert):
    """Says the version that it has been given, as an engine does."""

    now = 0

    async def complete(self, prompt: Sequence[int], *, sampling: Sampling, seed: int) -> Written:
        written = await super().complete(prompt, sampling=sampling, seed=seed)
        return msgspec.structs.replace(written, version=self.now)


async def test_an_engine_that_takes_no_weights_is_found_out(rig: Any, repairs: Any) -> None:
    recipe = msgspec.structs.replace(read_recipe("laptop"), engine=EngineSettings(ahead=AheadSettings(versions=1)))
    async with open_rolling_ahead(_stage(problems=1), recipe, here(rig(group=2)), Pool(), (repairs, "s", 0)) as ahead:
        assert ahead is not None
        await ahead.advance(9)
        with pytest.raises(EngineFailed, match="does not take new weights"):
            await gather_ahead(_stage(problems=1), rig(group=2), GROUP, Pool(), ahead)


async def test_rollouts_ahead_give_the_same_kind_of_batch(rig: Any, repairs: Any) -> None:
    recipe = read_recipe("laptop")
    recipe = msgspec.structs.replace(recipe, engine=EngineSettings(ahead=AheadSettings(versions=1)))
    policy = Versioned(share_right=0.5)
    stage, own = _stage(generations=5), rig(policy, group=4)
    async with open_rolling_ahead(stage, recipe, here(own), Pool(), (repairs, "s", 0)) as ahead:
        assert ahead is not None
        pool = Pool()
        for version in (1, 2, 3):
            found = await gather_ahead(stage, own, GROUP, pool, ahead)
            assert len(found.chosen) == 3
            assert all(worth.credit.informative for worth in found.chosen)
            pool = found.pool
            policy.now = version
            await ahead.advance(version)
        assert pool.drawn >= 9
