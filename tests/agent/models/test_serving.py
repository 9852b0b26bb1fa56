"""Serving a real, if tiny, model with llama.cpp's own server: it answers, fails in words, and is never left behind."""

import json
import math
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from agent.endpoint.settings import LlmSettings
from agent.errors import ModelError
from agent.models import LocalModel, Serving, find_model, local_settings, open_local_model, pulled
from agent.models.manifest import ModelSpec, own_models_file
from agent.models.shelf import is_pulled
from mcp_registry.home import Home

pytest.importorskip("xllamacpp")

_ONE_THREAD = Serving(threads=1, context=512)
_DEFAULT_HOME = Home(Path(os.environ.get("QUARTERMASTER_HOME") or "~/.quartermaster").expanduser())
_REAL = "qwen2.5-coder-0.5b"
_ASKED = [{"role": "user", "content": "hello"}]
_SHAPE = {"type": "object", "properties": {"tool": {"enum": ["a", "b"]}}, "required": ["tool"]}


async def test_a_served_model_can_do_what_its_settings_say(home: Home, tiny_model: Path) -> None:
    async with open_local_model(tiny_model, home=home, serving=_ONE_THREAD) as local:
        said = local_settings(local, LlmSettings())
        assert (said.url, said.model, said.context_tokens) == (local.base_url, "tiny", 512)
        listed = await _get(local, "/models")
        assert listed["data"][0]["id"] == "tiny"
        assert listed["data"][0]["meta"]["n_ctx"] == 512

        assert said.samples
        answer = await _chat(local, n=5, max_tokens=4, temperature=1.0)
        assert len(answer["choices"]) == 5

        assert said.shapes == "grammar"
        answer = await _chat(local, grammar='root ::= "yes" | "no"', max_tokens=8, logprobs=True, top_logprobs=2)
        assert answer["choices"][0]["message"]["content"] in {"yes", "no"}
        assert said.logprobs
        assert len(answer["choices"][0]["logprobs"]["content"][0]["top_logprobs"]) == 2

        shaped = {"type": "json_schema", "json_schema": {"name": "answer", "schema": _SHAPE}}
        answer = await _chat(local, response_format=shaped, max_tokens=200, temperature=0)
        assert set(json.loads(answer["choices"][0]["message"]["content"])) == {"tool"}


async def test_the_prompt_is_kept_for_the_next_request(home: Home, tiny_model: Path) -> None:
    async with open_local_model(tiny_model, home=home, serving=_ONE_THREAD) as local:
        first = (await _chat(local, max_tokens=1))["usage"]
        again = (await _chat(local, max_tokens=1))["usage"]
    assert first["prompt_tokens_details"]["cached_tokens"] == 0
    assert again["prompt_tokens_details"]["cached_tokens"] == again["prompt_tokens"] - 1


async def test_the_probabilities_of_a_choice_can_be_had_after_its_grammar(home: Home, tiny_model: Path) -> None:
    exact = {"temperature": 1, "top_k": 0, "top_p": 1, "min_p": 0, "post_sampling_probs": True}
    async with open_local_model(tiny_model, home=home, serving=_ONE_THREAD) as local:
        answer = await _chat(
            local, grammar='root ::= "A" | "B" | "C"', max_tokens=1, logprobs=True, top_logprobs=3, **exact
        )
    first = answer["choices"][0]["logprobs"]["content"][0]["top_probs"]
    assert {each["token"] for each in first} == {"A", "B", "C"}
    assert math.isclose(sum(each["prob"] for each in first), 1, abs_tol=1e-3)


async def test_nobody_answers_after_it_was_left(home: Home, tiny_model: Path) -> None:
    async with open_local_model(tiny_model, home=home, serving=_ONE_THREAD) as local:
        assert not local.crashed()
    assert local.process.returncode is not None
    assert _refused(local.base_url)


async def test_a_key_is_asked_for_where_one_is_set(home: Home, tiny_model: Path) -> None:
    known = {"authorization": "Bearer secret"}
    async with (
        open_local_model(tiny_model, home=home, serving=Serving(threads=1, api_key="secret")) as local,
        httpx.AsyncClient(base_url=local.base_url, trust_env=False) as client,
    ):
        assert (await client.get("/models")).status_code == 401
        assert (await client.get("/models", headers=known)).status_code == 200


async def test_a_file_that_is_no_model_is_an_error_with_llama_cpps_reason(home: Home, tmp_path: Path) -> None:
    no_model = tmp_path / "no.gguf"
    no_model.write_text("hello")
    with pytest.raises(ModelError, match=r"does not start: .*no\.log.* says: invalid magic"):
        async with open_local_model(no_model, home=home):
            pass


async def test_what_takes_too_long_to_load_is_ended(home: Home, tiny_model: Path) -> None:
    with pytest.raises(ModelError, match="was not loaded after 0 s"):
        async with open_local_model(tiny_model, home=home, serving=Serving(start_s=0)):
            pass


async def test_a_model_that_is_not_pulled_is_an_error_that_says_how(home: Home) -> None:
    with pytest.raises(ModelError, match="quartermaster models pull smollm2-135m"):
        async with open_local_model("smollm2-135m", home=home):
            pass


async def test_a_server_that_crashes_takes_nobody_along_and_says_so(home: Home, tiny_model: Path) -> None:
    async with open_local_model(tiny_model, home=home, serving=_ONE_THREAD) as local:
        os.kill(local.process.pid, signal.SIGKILL)
        await local.process.wait()
        assert "ended with -9" in local.crashed()
        assert str(local.log) in local.crashed()


def test_the_server_ends_when_whoever_started_it_is_killed(home: Home, tiny_model: Path) -> None:
    program = """
import asyncio, sys
from pathlib import Path
from agent.models import open_local_model
from mcp_registry.home import find_home

async def main():
    async with open_local_model(Path(sys.argv[1]), home=find_home()) as local:
        print(local.base_url, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tiny_model)], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        url = parent.stdout.readline().strip()
        with socket.create_connection(_address(url), timeout=20) as connection:
            parent.kill()
            with suppress(ConnectionResetError):
                assert connection.recv(1) == b""
    assert _refused(url)


def test_models_of_ones_own_count_as_pulled(home: Home, tiny_model: Path) -> None:
    assert pulled(home) == []
    own_models_file(home).write_text(f'[mine]\npath = "{tiny_model}"\n')
    assert pulled(home) == ["mine"]
    assert is_pulled(home, ModelSpec(name="other", file="tiny.gguf", path=str(tiny_model)))


@pytest.mark.slow
@pytest.mark.skipif(_REAL not in pulled(_DEFAULT_HOME), reason=f"needs: quartermaster models pull {_REAL}")
async def test_a_real_model_chooses_a_tool_when_it_is_held_to_a_schema() -> None:
    assert find_model(_DEFAULT_HOME, _REAL).context == 32_768
    asked = "Tools: weather(city), calculator(expression). Which tool answers: What is the weather in Paris?"
    schema = {**_SHAPE, "properties": {"tool": {"enum": ["weather", "calculator"]}}}
    async with open_local_model(_REAL, home=_DEFAULT_HOME) as local:
        shaped = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
        messages = [{"role": "user", "content": asked}]
        answer = await _chat(local, messages=messages, response_format=shaped, max_tokens=30, temperature=0)
    assert json.loads(answer["choices"][0]["message"]["content"]) == {"tool": "weather"}


async def _chat(local: LocalModel, **fields: Any) -> Any:
    async with httpx.AsyncClient(base_url=local.base_url, trust_env=False, timeout=60) as client:
        answer = await client.post("/chat/completions", json={"messages": _ASKED, **fields})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def _get(local: LocalModel, path: str) -> Any:
    async with httpx.AsyncClient(base_url=local.base_url, trust_env=False, timeout=60) as client:
        return (await client.get(path)).json()


def _address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    return parts.hostname, parts.port


def _refused(url: str) -> bool:
    """Whether nobody listens there any more: a process that ends closes its sockets one after the other."""
    for _ in range(1000):
        try:
            socket.create_connection(_address(url), timeout=1).close()
        except ConnectionRefusedError:
            return True
        except ConnectionResetError:
            continue  # it was still in the kernel's queue when its listener went
    return False
