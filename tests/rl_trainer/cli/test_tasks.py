"""`quartermaster train tasks`: made, listed, shown, verified, split."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rl_trainer.cli.tasks import app

SAMPLES = Path(__file__).parents[2] / "data" / "swe"


def ran(*words: str | Path, code: int = 0) -> str:
    result = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.stdout


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "sums"
    folder.mkdir()
    (folder / "sums.py").write_text("def add(a, b):\n    return a + b\n")
    (folder / "test_sums.py").write_text(
        "import unittest\n\nfrom sums import add\n\n\nclass AddTest(unittest.TestCase):\n"
        "    def test_add(self):\n        self.assertEqual(add(2, 3), 5)\n"
    )
    return folder


def test_tasks_are_made_listed_shown_and_verified(project: Path, tmp_path: Path) -> None:
    out = tmp_path / "tasks.jsonl"
    made = json.loads(ran("make", project, "--out", out, "--most", "1", "--sandbox", "unfenced", "--json"))
    assert made["tasks"] == 1
    (listed,) = json.loads(ran("list", out, "--json"))
    shown = ran("show", out, listed["id"], "--gold")
    assert "fail_to_pass: test_sums.py::AddTest::test_add" in shown
    assert "+    return a + b" in shown
    checked = json.loads(ran("verify", out, "--sandbox", "unfenced", "--json"))
    assert checked == {"tasks": 1, "good": 1, "bad": []}


def test_a_bad_task_is_named_and_ends_with_1(tmp_path: Path) -> None:
    file = tmp_path / "bad.jsonl"
    task = {"id": "a", "goal": "g", "environment": "swe", "data": {"files": {"a.py": ""}}}
    file.write_text(json.dumps(task) + "\n")
    assert "a: task 'a': its data are no SWE task" in ran("verify", file, code=1)


def test_a_split_is_written_a_file_a_part(tmp_path: Path) -> None:
    source = SAMPLES / "exercism_bugs.jsonl"
    counts = json.loads(
        ran(
            "split",
            source,
            "--out",
            tmp_path,
            "--shares",
            "train=0.5,test=0.5",
            "--held-out",
            "func_pm_op_change",
            "--json",
        )
    )
    assert set(counts) == {"train", "test", "held_out_kinds"}
    for name, count in counts.items():
        assert len((tmp_path / f"{name}.jsonl").read_text().splitlines()) == count


def test_records_are_imported_in_the_projects_own_form_with_tests_hidden(tmp_path: Path) -> None:
    out = tmp_path / "own.jsonl"
    assert "7 tasks" in ran("import", SAMPLES / "exercism_bugs.jsonl", "--out", out, "--visible", "0")
    (task, *_) = [json.loads(line) for line in out.read_text().splitlines()]
    assert not set(task["data"]["files"]) & set(task["data"]["hidden_files"])
