"""`quartermaster bench`, as it is typed."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import quartermaster
from retrieval.errors import LabelledDataWrong, PlotsMissing
from retrieval.strategies.opened import STRATEGIES


def _bench(*arguments: str | Path) -> Any:
    return CliRunner().invoke(quartermaster.app, ["bench", *map(str, arguments)])


def test_a_set_is_measured_reported_and_drawn(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = _bench("retrieval", "--data", folder, "--strategy", "bm25", "--strategy", "hybrid", "--k", "1,3",
                  "--out", out, "--work", tmp_path / "work")  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "## small: 3 queries over 4 tools" in done.stdout
    assert "| Completeness | hybrid" in done.stdout
    assert "Difference to bm25" in done.stdout
    assert "space/launch" in done.stderr
    figures = json.loads((out / "retrieval.json").read_text())["sets"][0]
    assert [each["strategy"] for each in figures["strategies"]] == ["bm25", "hybrid"]
    assert "![small](small.png)" in (out / "retrieval.md").read_text()
    assert (out / "small.png").exists()


def test_json_is_all_that_stands_on_stdout(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "split.txt").write_text("q1\nq2\n")
    done = _bench("retrieval", "small", "--data", folder, "--strategy", "bm25", "--only", tmp_path / "split.txt",
                  "--json", "--work", tmp_path / "work")  # fmt: skip
    assert done.exit_code == 0, done.output
    results = json.loads(done.stdout)
    assert results["sets"][0]["queries"] == 2
    assert "of those in split.txt" in " ".join(results["conditions"])


def test_stress_runs_both_grids_where_the_data_are(tmp_path: Path) -> None:
    cards = [{"name": f"server-{number}", "summary": f"does thing {number}"} for number in range(6)]
    (tmp_path / "server_cards.jsonl").write_text("".join(json.dumps(card) + "\n" for card in cards))
    (tmp_path / "catalogue_servers.jsonl").write_text('{"server": "own", "title": "Own", "overview": "feeds cats"}\n')
    (tmp_path / "mcpm_servers.queries.jsonl").write_text(
        '{"query_id": "1", "query": "feed my cats", "relevant_servers": ["own"]}\n'
    )
    done = _bench("stress", "--data", tmp_path, "--key", "server-3", "--counts", "1,6", "--strategy", "bm25",
                  "--out", tmp_path / "out", "--work", tmp_path / "work")  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "## Web-search tasks" in done.stdout
    assert "## Labelled requests" in done.stdout
    assert (tmp_path / "out" / "stress_web_search.png").exists()
    assert len(json.loads((tmp_path / "out" / "stress.json").read_text())["grids"]) == 2


def test_stress_without_labels_says_which_file_it_leaves_out(tmp_path: Path) -> None:
    (tmp_path / "server_cards.jsonl").write_text('{"name": "one", "summary": "does a thing"}\n')
    done = _bench("stress", "--data", tmp_path, "--key", "one", "--counts", "1", "--strategy", "bm25", "--json",
                  "--work", tmp_path / "work")  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "catalogue_servers.jsonl" in done.stderr
    assert len(json.loads(done.stdout)["grids"]) == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("retrieval", "--strategy", "psychic"), "bm25"),
        (("retrieval", "--k", "0,3"), "whole numbers from 1 on"),
        (("retrieval", "--questions", "x.sqlite"), "go together"),
        (("stress", "--counts", "many"), "whole numbers from 1 on"),
    ],
)
def test_an_option_that_is_wrong_is_answered_with_what_is_right(arguments: tuple[str, ...], says: str) -> None:
    done = _bench(*arguments)
    assert done.exit_code == 2
    assert says in " ".join(done.stderr.replace("│", " ").split())


@pytest.mark.parametrize("command", ["retrieval", "stress"])
def test_without_data_it_says_which_files_it_wants(tmp_path: Path, command: str) -> None:
    done = _bench(command, "--data", tmp_path)
    assert isinstance(done.exception, LabelledDataWrong)
    assert "--data" in str(done.exception)
    assert ".jsonl[.gz]" in str(done.exception)


def test_without_matplotlib_plots_are_refused_before_anything_is_measured(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    done = _bench("retrieval", "--data", folder, "--out", tmp_path / "out")
    assert isinstance(done.exception, PlotsMissing)
    assert "pip install 'quartermaster[bench]'" in str(done.exception)
    assert not (tmp_path / "out").exists()


def test_the_strategies_are_listed_with_a_line_each() -> None:
    done = _bench("strategies")
    assert all(f"{name} " in done.stdout and line in done.stdout for name, line in STRATEGIES.items())
