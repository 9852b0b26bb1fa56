"""Tasks from records of every form; a bad one is told and skipped."""

import gzip
import json
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec
import pytest

from rl_trainer.environments.swe.task import swe_task
from rl_trainer.errors import TaskInvalid, TrainingDataMissing, TrainingToolsMissing
from rl_trainer.task import Task
from rl_trainer.tasks import BadRecord, Wanted, load_tasks
from rl_trainer.tasks.contents import from_clones
from rl_trainer.tasks.patch import apply

SAMPLES = Path(__file__).parents[2] / "data" / "swe"

INSTANCE: dict[str, Any] = {
    "instance_id": "octo__cat-12",
    "repo": "octo/cat",
    "base_commit": "abc123",
    "problem_statement": "It purrs twice.",
    "patch": "--- a/cat.py\n+++ b/cat.py\n@@ -1 +1 @@\n-purr(2)\n+purr(1)\n",
    "test_patch": "--- /dev/null\n+++ b/tests/test_purr.py\n@@ -0,0 +1,2 @@\n+def test_purr():\n+    pass\n",
    "FAIL_TO_PASS": '["tests/test_purr.py::test_purr"]',
    "PASS_TO_PASS": ["tests/test_cat.py::test_meow"],
}


def wrote(folder: Path, *records: Any) -> Path:
    file = folder / "records.jsonl"
    file.write_text("".join((each if isinstance(each, str) else json.dumps(each)) + "\n" for each in records))
    return file


@pytest.mark.parametrize(("file", "count"), [("exercism_bugs", 7), ("exercism", 3), ("humanevalfix", 4)])
def test_each_form_is_recognised_by_its_fields(file: str, count: int) -> None:
    tasks = list(load_tasks(SAMPLES / f"{file}.jsonl"))
    assert len(tasks) == count
    assert all(task.licence == "MIT" and task.source and task.kind and task.group for task in tasks)


def test_an_exercise_with_a_bug_keeps_its_tests_protected_and_knows_its_gold() -> None:
    task = next(load_tasks(SAMPLES / "exercism_bugs.jsonl"))
    found = swe_task(task)
    assert set(found.protected) == set(found.hidden_files)
    assert "timeout" not in found.test_cmd
    assert found.gold_files.keys() < found.files.keys()
    assert all(found.files[path] != text for path, text in found.gold_files.items())


def test_an_exercise_to_be_written_names_the_tests_of_its_file() -> None:
    found = swe_task(next(load_tasks(SAMPLES / "exercism.jsonl")))
    assert all("::test_" in test for test in found.fail_to_pass)


def test_hidden_tests_of_a_function_are_not_among_its_files() -> None:
    for task in load_tasks(SAMPLES / "humanevalfix.jsonl"):
        found = swe_task(task)
        assert "test_hidden.py" in found.hidden_files
        assert "test_hidden.py" not in found.files


def test_octopacks_own_form_becomes_a_module_and_two_test_files(tmp_path: Path) -> None:
    record = {
        "task_id": "Python/7",
        "prompt": 'def double(x):\n    """Twice x."""\n',
        "declaration": "def double(x):\n",
        "canonical_solution": "    return 2 * x\n",
        "buggy_solution": "    return 3 * x\n",
        "entry_point": "double",
        "docstring": "Twice x.",
        "test": "\n\ndef check(double):\n    assert double(2) == 4\n\ncheck(double)",
        "example_test": "def check(double):\n    assert double(0) == 0\ncheck(double)\n",
        "bug_type": "value misuse",
        "failure_symptoms": "incorrect output",
    }
    (task,) = load_tasks(wrote(tmp_path, record))
    found = swe_task(task)
    assert task.id == "humanevalfix/7"
    assert found.fail_to_pass == ("test_hidden.py::test_hidden",)
    assert found.pass_to_pass == ("test_visible.py::test_examples",)
    names: dict[str, Any] = {}
    exec(found.files["solution.py"], names)
    assert names["double"](2) == 6
    assert found.hidden_files["test_hidden.py"].count("check(double)") == 2


def test_an_instance_is_opened_from_its_image_and_its_new_test_files_are_hidden(tmp_path: Path) -> None:
    (task,) = load_tasks(wrote(tmp_path, INSTANCE))
    found = swe_task(task)
    assert found.repository is not None
    assert found.repository.image == "swebench/sweb.eval.x86_64.octo_1776_cat-12:latest"
    assert found.repository.commit == "abc123"
    assert found.hidden_files == {"tests/test_purr.py": "def test_purr():\n    pass\n"}
    assert found.test_cmd == "python -m pytest -q tests/test_cat.py tests/test_purr.py"
    assert task.group == "octo/cat"


def cloned(folder: Path, **files: str) -> Path:
    """A Git repository with one commit."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    git = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@b"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "c"]):
        subprocess.run([*git, *words], check=True)
    return folder


def test_an_instance_of_swe_smith_has_its_bug_laid_over_the_image_and_reversed(tmp_path: Path) -> None:
    cloned(tmp_path / "swesmith__cat.abc", cat="purr(2)\n")
    record = {**INSTANCE, "repo": "swesmith/cat.abc", "image_name": "smith:1", "test_patch": ""}
    (task,) = load_tasks(wrote(tmp_path, record), contents=from_clones(tmp_path))
    found = swe_task(task)
    assert found.files == {"cat.py": "purr(1)\n"}
    assert "-purr(1)\n+purr(2)" in found.gold_patch
    assert apply(found.gold_patch, found.files) == {"cat.py": "purr(2)\n"}


def test_tests_that_are_changed_are_read_from_the_clone_and_without_one_the_record_is_told(tmp_path: Path) -> None:
    clone = cloned(tmp_path / "octo__cat", test_cat="def test_meow():\n    pass\n")
    patch = "--- a/test_cat.py\n+++ b/test_cat.py\n@@ -1,2 +1,2 @@\n-def test_meow():\n+def test_purr():\n     pass\n"
    head = subprocess.run(["git", "-C", str(clone), "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    record = {**INSTANCE, "test_patch": patch, "base_commit": head.stdout.strip()}
    record["FAIL_TO_PASS"] = ["test_cat.py::test_purr"]
    (task,) = load_tasks(wrote(tmp_path, record), contents=from_clones(tmp_path))
    assert swe_task(task).hidden_files == {"test_cat.py": "def test_purr():\n    pass\n"}
    refused: list[BadRecord] = []
    assert not list(load_tasks(wrote(tmp_path, record), report=refused.append))
    assert "name a folder of clones" in refused[0].reason


def test_the_papers_filters_leave_out_what_changes_too_much(tmp_path: Path) -> None:
    large = {**INSTANCE, "instance_id": "octo__cat-13"}
    large["patch"] = "--- a/cat.py\n+++ b/cat.py\n@@ -0,0 +1,600 @@\n" + "+x\n" * 600
    refused: list[BadRecord] = []
    wanted = Wanted(most_files=7, most_lines=499)
    tasks = list(load_tasks(wrote(tmp_path, INSTANCE, large), wanted=wanted, report=refused.append))
    assert [task.id for task in tasks] == ["octo__cat-12"]
    assert "600 changed lines" in refused[0].reason


def test_bad_records_are_told_by_line_and_the_others_are_kept(tmp_path: Path) -> None:
    own = {"id": "a", "goal": "g", "environment": "swe", "data": {}}
    refused: list[BadRecord] = []
    file = wrote(tmp_path, own, "{broken", {"what": 1}, own, {**own, "id": "b"}, {**INSTANCE, "FAIL_TO_PASS": "no"})
    tasks = list(load_tasks(file, report=refused.append))
    assert [task.id for task in tasks] == ["a", "b"]
    assert [bad.line for bad in refused] == [2, 3, 4, 6]
    assert "a second task 'a'" in refused[2].reason


def test_the_projects_own_form_comes_back_as_it_was_written(tmp_path: Path) -> None:
    tasks = list(load_tasks(SAMPLES / "exercism_bugs.jsonl"))
    file = tmp_path / "tasks.jsonl.gz"
    file.write_bytes(gzip.compress(b"".join(msgspec.json.encode(task) + b"\n" for task in tasks)))
    assert list(load_tasks(file)) == tasks


def test_quixbugs_cases_become_one_hidden_test_each(tmp_path: Path) -> None:
    for path, text in (
        ("python_programs/gcd.py", "def gcd(a, b):\n    return b\n"),
        ("correct_python_programs/gcd.py", "def gcd(a, b):\n    return a\n"),
        ("json_testcases/gcd.json", "[[4, 2], 4]\n[[7, 3], 7]\n"),
    ):
        (tmp_path / path).parent.mkdir()
        (tmp_path / path).write_text(text)
    (task,) = load_tasks(tmp_path)
    found = swe_task(task)
    assert found.fail_to_pass == ("test_hidden.py::test_0", "test_hidden.py::test_1")
    assert "check([7, 3], 7)" in found.hidden_files["test_hidden.py"]


def test_bugsinpy_reads_the_projects_clone_before_the_fix_and_the_tests_after_it(tmp_path: Path) -> None:
    clone = tmp_path / "repositories" / "cat"
    commits: list[str] = []
    for purrs, test in (("2", ""), ("1", "def test_purr():\n    pass\n")):
        cloned(clone, cat=f"purrs = {purrs}\n", test_cat=test)
        head = ["git", "-C", str(clone), "rev-parse", "HEAD"]
        commits.append(subprocess.run(head, check=True, capture_output=True, text=True).stdout)
    bug = tmp_path / "projects" / "cat" / "bugs" / "1"
    bug.mkdir(parents=True)
    (bug / "bug.info").write_text(
        f'buggy_commit_id="{commits[0].strip()}"\nfixed_commit_id="{commits[1].strip()}"\ntest_file="test_cat.py"\n'
    )
    (bug / "run_test.sh").write_text("python -m unittest -q test_cat.test_purr\n")
    (bug / "bug_patch.txt").write_text("--- a/cat.py\n+++ b/cat.py\n@@ -1 +1 @@\n-purrs = 2\n+purrs = 1\n")
    (task,) = load_tasks(tmp_path)
    found = swe_task(task)
    assert found.files["cat.py"] == "purrs = 2\n"
    assert found.gold_files == {"cat.py": "purrs = 1\n"}
    assert found.fail_to_pass == ("test_cat.py::test_purr",)
    assert "test_purr" in found.hidden_files["test_cat.py"]


def test_what_is_not_there_and_what_no_form_has_is_said(tmp_path: Path) -> None:
    with pytest.raises(TrainingDataMissing, match="no tasks at"):
        next(load_tasks(tmp_path / "none.jsonl"))
    with pytest.raises(TaskInvalid, match="there are tasks, exercism-bugs"):
        next(load_tasks(tmp_path, format="cobol"))


@pytest.mark.skipif(find_spec("datasets") is not None, reason="datasets is installed, and would ask the hub")
def test_a_name_on_the_hub_needs_a_library_that_the_error_names() -> None:
    with pytest.raises(TrainingToolsMissing, match="pip install datasets"):
        next(load_tasks("someone/tasks"))


def test_tasks_carry_their_data_through_json() -> None:
    for task in load_tasks(SAMPLES / "humanevalfix.jsonl"):
        assert msgspec.json.decode(msgspec.json.encode(task), type=Task) == task
