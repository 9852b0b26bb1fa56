from collections.abc import Mapping

import msgspec

from rl_trainer.environments.repairs.demonstrations import demonstrations
from rl_trainer.environments.repairs.episode import Episode
from rl_trainer.environments.repairs.expert import TURNS, NoisyExpert, read
from rl_trainer.environments.repairs.renderer import RepairRenderer
from rl_trainer.environments.repairs.specs import right_lines
from rl_trainer.environments.repairs.tasks import NAME, Repairs
from rl_trainer.environments.repairs.vocabulary import WORDS
from rl_trainer.environments.repairs.world import RepairEnvironment
from rl_trainer.policy import Policy, Written
from rl_trainer.rollout import Rig, roll_groups
from rl_trainer.rollout_settings import RolloutSettings
from rl_trainer.task import Task
from rl_trainer.trajectory import Group, Trajectory
from tests.rl_trainer.environments.repairs.conftest import ids_of


async def outcome(trajectory: Trajectory, task: Task) -> Mapping[str, float]:
    del task
    return {"outcome": float(trajectory.passed)}


def rig(policy: Policy) -> Rig:
    return Rig(
        environments={NAME: RepairEnvironment()},
        policy=policy,
        renderer=RepairRenderer(),
        reward=outcome,
        settings=RolloutSettings(group=2, turns=TURNS, max_tokens=16),
    )


def learnt_from(group: Group) -> Group:
    """What training reads of it: not the clock, and not what only people read."""
    plain = [
        msgspec.structs.replace(each, seconds=0.0, facts={}, texts=(), observations=(), run_id="", status="")
        for each in group.trajectories
    ]
    turns = [
        msgspec.structs.replace(each, turns=tuple(msgspec.structs.replace(turn, score=None) for turn in each.turns))
        for each in plain
    ]
    return msgspec.structs.replace(group, trajectories=tuple(turns))


async def test_demonstrations_are_what_the_agent_makes_with_the_same_expert(repairs: Repairs) -> None:
    tasks = repairs.train[:12]
    rolled = await roll_groups(tasks, rig(NoisyExpert(share_right=0.5)), seed="7")
    made = demonstrations(tasks, "7/0", 0.5, each=2)
    assert [learnt_from(group) for group in made] == [learnt_from(group) for group in rolled]
    for one, other in zip(made, rolled, strict=True):
        for mine, its in zip(one.trajectories, other.trajectories, strict=True):
            assert mine.facts["scripted"] == 1
            assert {name: its.facts[name] for name in mine.facts if name != "scripted"} == {
                name: value for name, value in mine.facts.items() if name != "scripted"
            }


def test_an_expert_that_is_always_right_mends_whatever_it_has_viewed(repairs: Repairs) -> None:
    runs = [group.trajectories[0] for group in demonstrations(repairs.train, 0, 1.0)]
    viewed = [run for run in runs if run.facts["edits"] and "view" in run.turns[0].action]
    assert len(viewed) > len(runs) / 2
    assert all(run.passed for run in viewed)


def test_the_less_often_the_expert_is_right_the_fewer_runs_pass(repairs: Repairs) -> None:
    passed = [sum(group.solved for group in demonstrations(repairs.train, 0, share)) for share in (0.1, 0.4, 0.7, 1.0)]
    assert passed == sorted(passed)


def test_every_action_is_shown_and_none_is_malformed(repairs: Repairs) -> None:
    turns = [turn for group in demonstrations(repairs.train, 0, 0.3, each=2) for turn in group.trajectories[0].turns]
    assert {turn.action.split()[0] for turn in turns} == {
        "repairs/view",
        "repairs/edit",
        "repairs/test",
        "repairs/submit",
        "repairs/give_up",
    }
    assert not any(turn.malformed for turn in turns)
    assert max(len(turn.prompt) + len(turn.completion) for turn in turns) < 160


def test_a_prompt_is_read_with_the_edits_that_were_made(task: Task) -> None:
    episode = Episode(task, turns=TURNS)
    for action in ("view", "edit 2: s = 4", "test"):
        ids = tuple(ids_of(f"{action} <end>"))
        episode.act(Written(ids=ids, logprobs=(0.0,) * len(ids), finish="stop", version=0))
    reading = read([WORDS[id_] for id_ in episode.prompt])
    assert reading.spec == tuple(task.goal.split())
    assert reading.lines[1] == "s = 4"
    assert reading.lines[3] == task.data["lines"][3] != right_lines(reading.spec)[3]
    assert (reading.turns, reading.edits, reading.passed) == (3, 1, episode.world.passed())


def test_a_malformed_answer_is_told_and_costs_a_turn(task: Task) -> None:
    episode = Episode(task, turns=2)
    for words in ("zero one", "<end>"):
        ids = tuple(ids_of(words))
        episode.act(Written(ids=ids, logprobs=(0.0,) * len(ids), finish="length", version=0))
    run = episode.trajectory()
    assert episode.done
    assert run.truncated
    assert [turn.malformed for turn in run.turns] == [True, True]
    assert run.turns[1].prompt[-6:] == tuple(ids_of("<act> zero one <end> <seen> <error> <act>"))[-6:]
