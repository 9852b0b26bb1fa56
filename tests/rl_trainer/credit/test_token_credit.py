"""KTAE on actions, GTPO and GRPO-S: what within a run goes with its outcome."""

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rl_trainer.credit.contingency import Table, effect_size, fisher_exact, information_gain
from rl_trainer.credit.key_actions import features_of
from rl_trainer.credit.registry import needs
from rl_trainer.credit.settings import (
    Centred,
    CreditSettings,
    EntropySequences,
    EntropyTokens,
    GroupRelative,
    KeyActions,
    MemoryTurns,
)
from rl_trainer.errors import CreditImpossible, RecipeWrong
from tests.rl_trainer.credit.conftest import a_group, a_run, credited, few, flat, groups, same, with_turns

COUNTS = st.integers(0, 8)
TABLES = st.builds(Table, COUNTS, COUNTS, COUNTS, COUNTS)


@pytest.mark.parametrize(
    ("table", "p"),
    [
        (Table(8, 2, 1, 5), 0.03496503496503495),
        (Table(3, 1, 1, 3), 34 / 70),
        (Table(4, 0, 0, 4), 2 / 70),
        (Table(5, 3, 0, 0), 1.0),
    ],
)
def test_fishers_exact_test_has_the_known_p_values(table: Table, p: float) -> None:
    assert fisher_exact(table) == pytest.approx(p, rel=1e-12)


@few
@given(TABLES)
def test_swapping_solved_and_unsolved_turns_the_direction_and_nothing_else(table: Table) -> None:
    other = Table(table.unsolved_with, table.solved_with, table.unsolved_without, table.solved_without)
    assert fisher_exact(other) == fisher_exact(table)
    assert 0 < fisher_exact(table) <= 1
    assert information_gain(other) == pytest.approx(information_gain(table), abs=1e-12)
    assert effect_size(other) == -effect_size(table)


def test_a_feature_that_tells_all_gains_all_the_information_there_is() -> None:
    assert information_gain(Table(4, 0, 0, 4)) == 1
    assert information_gain(Table(2, 2, 2, 2)) == 0
    assert effect_size(Table(4, 0, 0, 4)) == pytest.approx(math.pi / 2)


def test_features_are_tools_runs_of_tools_and_files() -> None:
    run = a_run(0, "ab", 1.0)
    turns = (run.turns[0], msgspec.structs.replace(run.turns[1], action='edit {"file": "src/a.py", "line": 3.5}'))
    assert features_of(msgspec.structs.replace(run, turns=turns), 2) == [
        ["do a", "file a.py"],
        ["do edit", "do a > edit", "file src/a.py"],
    ]


@few
@given(st.text("abc", min_size=1, max_size=4), st.lists(st.sampled_from([0.0, 1.0]), min_size=1, max_size=6))
def test_ktae_adds_nothing_where_all_runs_did_the_same(word: str, rewards: list[float]) -> None:
    group = a_group([word] * len(rewards), rewards)
    assert flat(credited(group, GroupRelative(), KeyActions()).advantages) == flat(credited(group).advantages)


@few
@given(st.lists(st.text("abc", min_size=1, max_size=4), min_size=1, max_size=6), st.sampled_from([0.0, 1.0]))
def test_ktae_adds_nothing_where_all_runs_came_to_the_same(words: list[str], reward: float) -> None:
    assert not credited(a_group(words, [reward] * len(words)), GroupRelative(), KeyActions()).informative


def test_ktae_favours_what_solved_runs_did_and_is_bounded_by_its_scale() -> None:
    group = a_group(["ax", "ax", "ay", "ay"], [1, 1, 0, 0])
    plain, found = flat(credited(group).advantages), flat(credited(group, GroupRelative(), KeyActions()).advantages)
    extra = [[found[run][turn][0] - plain[run][turn][0] for turn in (0, 1)] for run in range(4)]
    assert [run[0] for run in extra] == pytest.approx([0.0] * 4)
    assert [math.copysign(1, run[1]) for run in extra] == [1, 1, -1, -1]
    assert extra[0][1] == pytest.approx(-extra[2][1])
    tenth = flat(credited(group, GroupRelative(), KeyActions(scale=0.1)).advantages)
    assert 0 < tenth[0][1][0] - plain[0][1][0] < 0.1


def test_ktae_without_either_measure_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="alpha and beta"):
        msgspec.convert({"modifiers": [{"name": "ktae", "alpha": 0.0, "beta": 0.0}]}, CreditSettings)


@few
@given(groups())
def test_gtpo_and_grpo_s_without_entropy_are_grpo(group) -> None:
    plain = credited(group).advantages
    assert same(credited(group, EntropyTokens(entropy=0.0)).advantages, plain)
    assert flat(credited(group, EntropySequences(entropy=0.0)).advantages) == flat(plain)


def test_gtpo_gives_more_to_uncertain_tokens_of_solved_and_takes_more_from_certain_ones_of_failed_runs() -> None:
    group = a_group(["a", "a", "b", "b"], [1, 1, 0, 0])
    for member, entropies in enumerate([(0.9, 0.1), (0.3, 0.1), (0.9, 0.1), (0.3, 0.1)]):
        group = with_turns(group, member, entropies=[entropies])
    values = [run[0] for run in flat(credited(group, EntropyTokens()).advantages)]
    assert values[0][0] > values[0][1] > values[1][0] > 0
    assert values[3][0] < values[2][0] < 0
    assert values[0][1] == values[1][1]
    assert sum(map(sum, values)) == pytest.approx(0, abs=1e-9)


def test_gtpo_has_the_shares_of_its_formula() -> None:
    group = a_group(["a", "a", "b"], [1, 1, 0])
    for member, entropies in enumerate([(0.6, 0.5), (0.2, 0.5), (0.4, 0.5)]):
        group = with_turns(group, member, entropies=[entropies])
    shaped = [[1 + 0.1 * 1.5, 1.1], [1 + 0.1 * 0.5, 1.1], [-0.1, -0.1]]
    means = [sum(run) / 2 for run in shaped]
    centre = sum(means) / 3
    scale = math.sqrt(sum((each - centre) ** 2 for each in means) / 3) + 1e-6
    found = [run[0] for run in flat(credited(group, EntropyTokens()).advantages)]
    for run, expected in zip(found, shaped, strict=True):
        assert run == pytest.approx([(each - centre) / scale for each in expected])


@few
@given(groups())
def test_joint_normalisation_keeps_every_solved_run_above_every_failed_one(group) -> None:
    means = [sum(map(sum, run)) / sum(map(len, run)) for run in flat(credited(group, EntropyTokens()).advantages)]
    solved = [mean for mean, run in zip(means, group.trajectories, strict=True) if run.passed]
    failed = [mean for mean, run in zip(means, group.trajectories, strict=True) if not run.passed]
    if solved and failed:
        assert min(solved) > max(failed)


@pytest.mark.parametrize("estimator", [EntropyTokens(), EntropySequences()])
def test_without_entropies_they_say_so(estimator) -> None:
    group = with_turns(a_group(["ab", "a"], [1, 0]), 0, entropies=[(0.1, 0.1), ()])
    with pytest.raises(CreditImpossible, match=r"turn 1 of run 0 .* has none"):
        credited(group, estimator)


def test_modifiers_act_in_the_order_of_the_recipe_on_whatever_estimator_there_is() -> None:
    group = a_group(["ax", "ay"], [1, 0])
    credit = credited(group, Centred(), KeyActions())
    assert not same(credit.advantages, credited(group, Centred()).advantages)


def test_a_modifier_may_be_given_once() -> None:
    with pytest.raises(RecipeWrong, match="ktae"):
        credited(a_group(["a", "b"], [1, 0]), Centred(), KeyActions(), KeyActions(alpha=0.5))


def test_what_must_be_recorded_is_known_before_anything_runs() -> None:
    settings = CreditSettings(estimator=EntropyTokens(), modifiers=(MemoryTurns(), KeyActions()))
    assert needs(settings) == {"entropies", "values"}
    assert needs(CreditSettings()) == set()
