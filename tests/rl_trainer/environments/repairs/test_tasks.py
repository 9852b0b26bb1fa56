from collections import Counter

import pytest

from rl_trainer.environments.repairs.mutations import OPERATORS, mutants
from rl_trainer.environments.repairs.program import results
from rl_trainer.environments.repairs.specs import SLOTS, all_specs, right_lines
from rl_trainer.environments.repairs.tasks import Repairs, make_tasks
from rl_trainer.task import Task


def every(repairs: Repairs) -> tuple[Task, ...]:
    return (*repairs.train, *repairs.held_out_specs, *repairs.held_out_kinds)


def passes(task: Task, lines: tuple[str, ...]) -> bool:
    inputs = tuple(tuple(each) for each in task.data["inputs"])
    return results(lines, inputs) == tuple(task.data["wanted"])


def test_every_task_fails_a_test_and_passes_all_when_its_one_line_is_mended(repairs: Repairs) -> None:
    for task in every(repairs):
        wrong, right = tuple(task.data["lines"]), right_lines(task.goal.split())
        different = [place for place, (one, other) in enumerate(zip(wrong, right, strict=True), 1) if one != other]
        assert different == [slot.line for slot in SLOTS if slot.name == task.kind]
        assert not passes(task, wrong)
        assert passes(task, right)
        assert len(task.data["inputs"]) == 6


def test_no_constant_line_solves_more_than_a_fifth(repairs: Repairs) -> None:
    for tasks in (repairs.train, repairs.held_out_specs, repairs.held_out_kinds):
        counts = Counter(task.kind for task in tasks)
        assert len(set(counts.values())) == 1
        assert len(counts) == 5


def test_no_constant_edit_solves_more_than_a_tenth(repairs: Repairs) -> None:
    mended = Counter((task.kind, task.goal.split()[place]) for task in repairs.train for place in [_place(task)])
    assert max(mended.values()) <= len(repairs.train) / 10


def test_held_out_specs_and_operators_are_not_learnt_from(repairs: Repairs) -> None:
    specs = {task.group for task in repairs.train}
    assert not specs & {task.group for task in repairs.held_out_specs}
    assert {task.data["operator"] for task in repairs.train} == {"word", "constant", "operator"}
    assert {task.data["operator"] for task in repairs.held_out_kinds} == {"variable"}
    seen = {line for task in repairs.train for line in task.data["lines"]}
    assert not seen & {task.data["lines"][_place(task) + 1] for task in repairs.held_out_kinds}


def test_the_same_seed_gives_the_same_tasks_and_another_seed_others(repairs: Repairs) -> None:
    assert make_tasks(0, specs=12, held_out=4) == repairs
    assert make_tasks(1, specs=12, held_out=4).train != repairs.train


def test_ids_are_unique(repairs: Repairs) -> None:
    assert len({task.id for task in every(repairs)}) == len(every(repairs))


def test_the_words_of_a_spec_say_each_line() -> None:
    assert len(set(map(right_lines, all_specs()))) == len(all_specs()) == 1024


@pytest.mark.parametrize("slot", SLOTS, ids=lambda slot: slot.name)
def test_only_the_word_operator_gives_lines_that_another_word_asks_for(slot: object) -> None:
    assert slot in SLOTS
    for each in SLOTS:
        for word in each.lines:
            made = mutants(each, word)
            assert tuple(made) == OPERATORS
            others = set(each.lines.values()) - {each.lines[word]}
            assert set(made["word"]) == others
            assert not others & {line for name in OPERATORS[1:] for line in made[name]}


def test_an_operator_that_does_not_exist_is_named() -> None:
    with pytest.raises(ValueError, match="no mutation operator 'typo'"):
        make_tasks(0, held_out_operator="typo")


def _place(task: Task) -> int:
    return next(place for place, slot in enumerate(SLOTS) if slot.name == task.kind)
