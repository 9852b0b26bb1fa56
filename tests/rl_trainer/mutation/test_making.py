"""Tasks from a project: verified, in an order of the seed's, and the same whether stopped on the way or not."""

import json
from pathlib import Path

import msgspec
import pytest

from rl_trainer.environments.swe.settings import SweSettings
from rl_trainer.environments.swe.task import swe_task
from rl_trainer.errors import TaskInvalid
from rl_trainer.mutation.issue import Failures, by_rule
from rl_trainer.mutation.making import MutationSettings, make_tasks
from rl_trainer.mutation.project import Project, read_project
from rl_trainer.tasks import load_tasks
from rl_trainer.tasks.patch import apply
from rl_trainer.tasks.verifying import verify

KINDS = ("augmented_operator", "comparison_boundary", "swap_operands", "return_none")
FEW = MutationSettings(repeats=2, operators=KINDS)


async def test_made_tasks_fail_as_they_start_and_pass_with_their_gold(
    project: Project, tmp_path: Path, swe: SweSettings
) -> None:
    out = tmp_path / "tasks.jsonl"
    made = await make_tasks(project, out, settings=FEW, swe=swe)
    tasks = list(load_tasks(out))
    assert made.outcomes == {"survived": 1, "task": 4}
    assert made.by_kind["return_none"] == {"survived": 1, "task": 1}
    assert made.flaky_tests == ("test_prices.py::TotalTest::test_chance",)
    for task in tasks:
        found = swe_task(task)
        assert (task.licence, task.group) == ("MIT", f"shop/{next(iter(found.gold_files))}")
        assert apply(found.gold_patch, found.files) == found.gold_files
        assert not any("test_chance" in test for test in (*found.fail_to_pass, *found.pass_to_pass))
        assert ".venv/lib.py" not in found.files
        assert "The shop adds up prices." in task.goal
    assert [verdict.reason async for verdict in verify(tasks[:2], settings=swe)] == ["", ""]


async def test_what_was_stopped_goes_on_and_comes_to_the_same(
    project: Project, tmp_path: Path, swe: SweSettings
) -> None:
    whole, parts = tmp_path / "whole.jsonl", tmp_path / "parts.jsonl"
    settings = MutationSettings(repeats=1, confirm=False, operators=KINDS)
    await make_tasks(project, whole, settings=settings, swe=swe)
    await make_tasks(project, parts, settings=msgspec.structs.replace(settings, most=2), swe=swe)
    assert len(parts.read_bytes().splitlines()) == 2
    for torn in (parts, parts.with_name("parts.jsonl.tried")):
        with torn.open("ab") as file:
            file.write(b'{"id": "cut')
    await make_tasks(project, parts, settings=settings, swe=swe)
    assert parts.read_bytes() == whole.read_bytes()


async def test_another_seed_or_project_is_not_mixed_in(project: Project, tmp_path: Path, swe: SweSettings) -> None:
    out = tmp_path / "tasks.jsonl"
    settings = MutationSettings(repeats=1, operators=("swap_operands",), confirm=False)
    await make_tasks(project, out, settings=settings, swe=swe)
    with pytest.raises(TaskInvalid, match="with other settings"):
        await make_tasks(project, out, settings=MutationSettings(repeats=1, seed=1), swe=swe)
    out.with_name("tasks.jsonl.tried").unlink()
    with pytest.raises(TaskInvalid, match="is there already"):
        await make_tasks(project, out, settings=settings, swe=swe)


async def test_bugs_that_break_the_import_or_never_end_are_no_tasks(
    folder: Path, tmp_path: Path, swe: SweSettings
) -> None:
    (folder / "prices.py").write_text(
        "START = [0][0]\nEND = {}\n\n\ndef total(prices, discount=0):\n    left = list(prices)\n    result = 0\n"
        "    while left:\n        result += left[0]\n        left = left[1:]\n    return result - discount\n"
    )
    tests = (folder / "test_prices.py").read_text()
    (folder / "test_prices.py").write_text(tests.replace("total([100, 1]), 1", "total([100, 1]), 101"))
    settings = MutationSettings(repeats=1, confirm=False, operators=("constant_off_by_one", "slice_bound"))
    quick = SweSettings(sandbox=swe.sandbox, python=swe.python, stall_s=60.0, test_cpu_s=0.3)
    made = await make_tasks(read_project(folder), tmp_path / "t.jsonl", settings=settings, swe=quick)
    assert made.by_kind["slice_bound"]["endless"] == 1
    assert made.by_kind["constant_off_by_one"]["import"] == 1


async def test_tests_that_need_pytest_are_run_by_it(folder: Path, tmp_path: Path, swe: SweSettings) -> None:
    (folder / "test_prices.py").write_text(
        "import pytest\n\nfrom prices import total\n\n\n"
        '@pytest.mark.parametrize("price", [1, 2])\ndef test_one(price):\n    assert [total([price])] == [price]\n'
    )
    settings = MutationSettings(repeats=1, confirm=False, operators=("augmented_operator",))
    await make_tasks(read_project(folder), tmp_path / "t.jsonl", settings=settings, swe=swe)
    (task,) = load_tasks(tmp_path / "t.jsonl")
    assert set(swe_task(task).fail_to_pass) == {"test_prices.py::test_one[1]", "test_prices.py::test_one[2]"}
    assert "assert [-1] == [1]" in task.goal
    assert "get more diff" not in task.goal


async def test_with_hidden_tests_the_issue_names_none(project: Project, tmp_path: Path, swe: SweSettings) -> None:
    out = tmp_path / "tasks.jsonl"
    settings = MutationSettings(repeats=1, confirm=False, visible=0.0, bugs=2, most=1, operators=KINDS)
    await make_tasks(project, out, settings=settings, swe=swe)
    (task,) = load_tasks(out)
    assert task.kind == "several"
    assert "test_" not in task.goal
    assert "test_prices.py" not in swe_task(task).files


async def test_verifying_finds_what_is_no_task(project: Project, tmp_path: Path, swe: SweSettings) -> None:
    out = tmp_path / "tasks.jsonl"
    settings = MutationSettings(repeats=1, confirm=False, operators=("swap_operands",))
    await make_tasks(project, out, settings=settings, swe=swe)
    record = json.loads(out.read_text())
    mended = {**record, "id": "mended", "data": {**record["data"], "files": project.files}}
    unsolved = {**record, "id": "unsolved", "data": {**record["data"], "gold_files": {"prices.py": "x = 1\n"}}}
    out.write_text(json.dumps(mended) + "\n" + json.dumps(unsolved) + "\n")
    reasons = [verdict.reason async for verdict in verify(load_tasks(out), settings=swe)]
    assert "nothing to mend" in reasons[0]
    assert "its gold patch does not pass" in reasons[1]


async def test_a_project_without_a_passing_test_is_refused(folder: Path, tmp_path: Path, swe: SweSettings) -> None:
    (folder / "prices.py").write_text("def total():\n    pass\n")
    with pytest.raises(TaskInvalid, match="no test passes 2 times in 2 runs: TypeError"):
        await make_tasks(read_project(folder), tmp_path / "t.jsonl", settings=MutationSettings(repeats=2), swe=swe)
    (folder / "test_prices.py").unlink()
    with pytest.raises(TaskInvalid, match="found no tests"):
        read_project(folder)


async def test_an_issue_says_what_is_seen_and_not_where() -> None:
    failed = {f"test_a.py::ATest::test_case_{n}": "AssertionError: 1 != 2" for n in range(5)}
    told = await by_rule(Failures(task_id="x", project="a", failed=failed))
    hidden = await by_rule(Failures(task_id="x", project="a", failed=failed, named=False))
    assert "`test_a.py::ATest::test_case_0`: AssertionError: 1 != 2" in told
    assert "- case 0: AssertionError: 1 != 2" in hidden
    assert "2 more" in told
    assert told == await by_rule(Failures(task_id="x", project="a", failed=failed))
