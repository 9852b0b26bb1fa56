"""`quartermaster read` over a real endpoint: an answer, the memory with its sources, and going on from a file."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from agent.cli.read import app
from agent.endpoint.testing import Abilities, ScriptedEndpoint, scripted_endpoint

_RUNNER = CliRunner()


def _script(body: dict[str, Any]) -> str:
    text = "\n".join(str(message["content"]) for message in body["messages"])
    if "The piece:" not in text:
        return "Ann is a cook." if "cook" in text else "Nobody knows."
    found = "Ann is a cook" in body["messages"][-1]["content"]
    entity = {"kind": "person", "state": {"job": "cook"}}
    return json.dumps({"revisions": [{"op": "add", "path": ["entities", "Ann"], "value": entity}] if found else []})


@pytest.fixture
def endpoint() -> Iterator[ScriptedEndpoint]:
    with scripted_endpoint(_script, Abilities()) as running:
        yield running


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "book.txt"
    path.write_text("\n\n".join(["It rained. " * 30] * 6 + ["Ann is a cook."] + ["It rained. " * 30] * 6), "utf-8")
    return path


def _read(endpoint: ScriptedEndpoint, book: Path, *options: str) -> Any:
    home = book.parent / "home"
    given = ["--llm-url", endpoint.base_url, "--model", "scripted", "--home", str(home), "--schema", "timeline"]
    before = os.environ.copy()
    try:
        return _RUNNER.invoke(app, [str(book), "--ask", "What is Ann?", *given, "--chunk-tokens", "200", *options])
    finally:
        os.environ.clear()
        os.environ.update(before)


def test_the_answer_is_printed_and_progress_goes_to_stderr(endpoint: ScriptedEndpoint, book: Path) -> None:
    done = _read(endpoint, book, "--show-memory")
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("Ann is a cook.\n")
    assert "entities.Ann.state.job" in done.stdout
    assert "book.txt#" in done.stdout
    assert "longest prompt" in done.stderr


def test_json_has_the_memory_with_its_sources(endpoint: ScriptedEndpoint, book: Path) -> None:
    found = json.loads(_read(endpoint, book, "--json").stdout)
    assert found["memory"] == {"entities": {"Ann": {"kind": "person", "state": {"job": "cook"}}}}
    assert all(row["untrusted"] and row["sources"][0].startswith("book.txt#") for row in found["provenance"])
    assert found["usage"]["calls"] == found["chunks"] + 1


def test_a_second_question_reads_nothing_again(endpoint: ScriptedEndpoint, book: Path) -> None:
    memory = str(book.with_suffix(".memory.json"))
    _read(endpoint, book, "--memory", memory)
    before = len(endpoint.requests)
    done = _read(endpoint, book, "--memory", memory)
    assert done.stdout == "Ann is a cook.\n"
    assert sum("The piece:" in str(body) for body in endpoint.requests[before:]) == 0


@pytest.mark.parametrize("options", [["--form", "sideways"], ["--schema", "nothing-such"]])
def test_what_cannot_be_is_refused(endpoint: ScriptedEndpoint, book: Path, options: list[str]) -> None:
    done = _read(endpoint, book, *options)
    assert done.exit_code != 0


def test_a_file_that_is_no_memory_is_left_alone(endpoint: ScriptedEndpoint, book: Path) -> None:
    done = _read(endpoint, book, "--memory", str(book))
    assert done.exit_code != 0
    assert "is no memory" in str(done.exception)
    assert "Ann is a cook." in book.read_text("utf-8")
