"""Every planner solves every world's tasks when nothing goes wrong, and a trial says what that took."""

import msgspec
import pytest

from agent.evaluation.mind import Rates
from agent.evaluation.tasks import WORLDS, draw_task
from agent.evaluation.trial import Setting, run_trial
from agent.options import Options, Status

PLANNERS = ["tree", "react", "plan-execute", "local-replan", "global-replan"]
PERFECT = Setting(rates=Rates().scaled(0))


def _options(planner: str) -> Options:
    fields = {"planner": planner, "equipment": "all", "memory": "full", "approve": "all", "plans": 3}
    return msgspec.convert(fields, Options)


@pytest.mark.parametrize("kind", WORLDS)
@pytest.mark.parametrize("planner", PLANNERS)
async def test_without_mistakes_the_task_is_solved_in_as_many_calls_as_it_needs(planner: str, kind: str) -> None:
    task = draw_task(kind, 1)
    trial = await run_trial(task, _options(planner), seed=0, setting=PERFECT)
    assert trial.success
    assert trial.status is Status.DONE
    assert trial.failed_calls == trial.corrections == 0
    assert trial.calls == len(task.gold)


async def test_the_same_seed_gives_the_same_trial() -> None:
    task, setting = draw_task("tickets", 2), Setting(others=True)
    trials = [await run_trial(task, _options("tree"), seed=5, setting=setting) for _ in range(2)]
    assert trials[0] == trials[1]


async def test_the_tools_of_the_other_worlds_lengthen_the_prompts() -> None:
    task = draw_task("home", 1)
    own, all_four = [
        await run_trial(task, _options("react"), seed=0, setting=Setting(rates=PERFECT.rates, others=others))
        for others in (False, True)
    ]
    assert all_four.success
    assert all_four.usage.encoded > own.usage.encoded


async def test_a_prefix_cache_changes_what_is_cached_and_nothing_else() -> None:
    task = draw_task("files", 1)
    cached, alone = [
        await run_trial(task, _options("react"), seed=0, setting=Setting(rates=PERFECT.rates, remembers=remembers))
        for remembers in (8, 0)
    ]
    assert cached.usage.cached > alone.usage.cached == 0
    assert cached.usage.encoded == alone.usage.encoded


async def test_a_wrong_world_is_no_success_whatever_the_run_says() -> None:
    task = draw_task("files", 1)
    setting = Setting(rates=Rates(wrong_argument=1.0))
    trial = await run_trial(task, _options("plan-execute"), seed=0, setting=setting)
    assert not trial.success
