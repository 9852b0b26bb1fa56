"""Walk-through (c): an agent run, as its user has it: commands, a real MCP server, a model behind a real endpoint."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.endpoint.testing import scripted_endpoint

_WAIT_S = 40.0


@pytest.fixture
def agent(new_quartermaster: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The command line with a ledger server registered, and a model that says what `agent.says` has, in turn."""
    quartermaster = new_quartermaster()
    quartermaster.ledger = quartermaster.folder / "ledger.jsonl"
    quartermaster.add("ledger", "ledger.py", str(quartermaster.ledger))
    quartermaster.run("servers", "sync")
    quartermaster.says = []
    with scripted_endpoint(lambda body: quartermaster.says.pop(0)) as endpoint:
        (quartermaster.folder / "home" / "quartermaster.toml").write_text(
            f'[llm]\nurl = "{endpoint.base_url}"\nmodel = "scripted"\nshapes = "response_format"\nsamples = true\n'
            "logprobs = false\ntool_calls = false\ncontext_tokens = 32000\n"
            '[agent]\nplanner = "react"\nequipment = "all"\n'
        )
        yield quartermaster


def _call(tool: str, **arguments: Any) -> str:
    return json.dumps({"tool": f"ledger/{tool}", "arguments": arguments})


def _answer(text: str) -> str:
    return json.dumps({"answer": text})


def _effects(agent: Any) -> list[str]:
    return (
        [json.loads(line)["text"] for line in agent.ledger.read_text("utf-8").splitlines()]
        if agent.ledger.exists()
        else []
    )


def _run(agent: Any, *arguments: str) -> tuple[int, list[dict[str, Any]]]:
    """The exit code, and the lines of --json."""
    done = subprocess.run(
        [*agent.argv, *arguments, "--json"],
        env=agent.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_WAIT_S,
        check=False,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines, done.stderr
    return done.returncode, lines


def test_a_goal_is_pursued_with_a_real_server_and_answered(agent: Any) -> None:
    agent.says += [_call("read"), _answer("nothing is noted yet")]
    code, lines = _run(agent, "run", "What is in the ledger?")
    assert code == 0
    assert lines[-1]["answer"] == "nothing is noted yet"
    assert [line["event"]["type"] for line in lines[:-1]].count("call_settled") == 1
    assert "nothing is noted yet" in agent.run("runs", "show", lines[-1]["id"])


def test_a_write_waits_for_a_person_and_is_made_once_after_approval(agent: Any) -> None:
    agent.says += [_call("note", text="milk")]
    code, lines = _run(agent, "run", "Remember what we need")
    run_id = lines[-1]["id"]
    assert (code, lines[-1]["status"]) == (3, "waiting")
    assert _effects(agent) == []
    agent.run("runs", "approve", run_id)
    agent.says += [_answer("noted")]
    code, lines = _run(agent, "runs", "resume", run_id)
    assert (code, lines[-1]["answer"]) == (0, "noted")
    assert _effects(agent) == ["milk"]
    assert json.loads(agent.ledger.read_text("utf-8"))["call"] == lines[-1]["calls"][0]["id"]


@pytest.mark.parametrize("approve", [(), ("--yes-to-all",)])
def test_a_run_killed_between_a_tools_effect_and_its_answer_repeats_nothing_and_says_so(
    agent: Any, approve: tuple[str, ...]
) -> None:
    agent.says += [_call("slow", text="milk")]
    if approve:
        run_id = _killed_in_the_call(agent, "run", *approve, "Note milk slowly")
    else:
        _, lines = _run(agent, "run", "Note milk slowly")
        agent.run("runs", "approve", lines[-1]["id"], fails=False)
        run_id = _killed_in_the_call(agent, "runs", "resume", lines[-1]["id"])
    agent.ledger.with_suffix(".go").touch()
    if approve:
        agent.says += [_call("read"), _answer("it was noted")]
        code, lines = _run(agent, "runs", "resume", run_id)
        assert (code, lines[-1]["answer"]) == (0, "it was noted")
    else:
        code, lines = _run(agent, "runs", "resume", run_id)
        assert (code, lines[-1]["status"]) == (3, "waiting")
        agent.says += [_answer("noted")]
        agent.run("runs", "settle", run_id, lines[-1]["calls"][0]["id"], "succeeded")
        code, lines = _run(agent, "runs", "resume", run_id)
        assert code == 0
    assert _effects(agent) == ["milk"], "made twice"


def _killed_in_the_call(agent: Any, *arguments: str) -> str:
    """The id of a run whose process was killed (-9) after the tool had its effect and before it answered."""
    process = subprocess.Popen(
        [*agent.argv, *arguments],
        env=agent.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + _WAIT_S
        while not _effects(agent):
            assert process.poll() is None, "the run ended before its call"
            assert time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)
    return agent.json("runs", "list")[0]["id"]


def test_a_fork_takes_another_way(agent: Any) -> None:
    agent.says += [_call("read"), _answer("first")]
    _, lines = _run(agent, "run", "What is in the ledger?")
    settled = next(line["seq"] for line in lines if line.get("event", {}).get("type") == "call_settled")
    forked = agent.run("runs", "fork", lines[-1]["id"], "--at", str(settled)).strip()
    agent.says += [_answer("second")]
    _, lines = _run(agent, "runs", "resume", forked)
    assert lines[-1]["answer"] == "second"
    assert len(agent.json("runs", "list")) == 2


def test_what_cannot_be_done_is_one_line_that_says_what_to_do(agent: Any, tmp_path: Path) -> None:
    for arguments, said in (
        (("run", "--set", "planer=react", "go"), "did you mean 'planner'"),
        (("run", "--planner", "magic", "go"), "magic"),
        (("run", "--model", "local:nothing", "go"), "models"),
        (("runs", "show", "nothing"), "runs list"),
    ):
        done = subprocess.run(
            [*agent.argv, *arguments],
            env=agent.environment,
            capture_output=True,
            text=True,
            timeout=_WAIT_S,
            check=False,
        )
        assert done.returncode == 1, arguments
        assert done.stderr.startswith("error: "), done.stderr
        assert said in done.stderr
        assert "Traceback" not in done.stderr
