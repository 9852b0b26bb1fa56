"""Opening a model: finding it, probing it once, believing what was found for a while."""

from pathlib import Path
from typing import Any

import pytest

from agent.endpoint import LlmSettings, SmallLlmSettings, open_llm
from agent.endpoint.testing import Abilities, Body, Failure, Said, scripted_endpoint
from agent.errors import BadAgentSettings, LlmRefused, LlmUnavailable
from agent.llm import Profile
from mcp_registry.home import Home
from mcp_registry.settings import load_section


def talkative(body: Body) -> Said:
    """Says hello, and calls what it is given."""
    calls = tuple((tool["function"]["name"], '{"word": "hello"}') for tool in body.get("tools") or ())
    return Said(text="" if calls else "Hello!", calls=calls)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "profiles.json"


async def profile(url: str, file: Path, **settings: Any) -> Profile:
    async with open_llm(LlmSettings(url=url, **settings), profile_file=file) as llm:
        return llm.profile


@pytest.mark.parametrize("shapes", ["structured_outputs", "grammar", "response_format", "prompt"])
async def test_what_an_endpoint_can_do_is_found_out(file: Path, shapes: Any) -> None:
    abilities = Abilities(shapes=(shapes,), context_tokens=4096)
    with scripted_endpoint(talkative, abilities) as endpoint:
        found = await profile(endpoint.base_url, file)
    assert found.shapes == shapes
    assert found.context_tokens == 4096
    assert found.samples
    assert found.logprobs
    assert found.tool_calls


async def test_what_an_endpoint_cannot_do_is_found_out(file: Path) -> None:
    def strict(body: Body) -> str | Failure:
        known = {"model", "messages", "temperature", "max_tokens"}
        return "Hello!" if body.keys() <= known else Failure(status=400, body="unknown field")

    with scripted_endpoint(strict) as endpoint:
        found = await profile(endpoint.base_url, file)
    assert found == Profile(shapes="prompt", samples=False, logprobs=False, tool_calls=False)


async def test_it_is_probed_once_until_that_is_old_or_told_to(file: Path) -> None:
    with scripted_endpoint(talkative) as endpoint:
        first = await profile(endpoint.base_url, file)
        asked = len(endpoint.requests)
        assert await profile(endpoint.base_url, file) == first
        assert len(endpoint.requests) == asked
        await profile(endpoint.base_url, file, model="another")
        assert len(endpoint.requests) == 2 * asked
        await profile(endpoint.base_url, file, profile_days=0)
        assert len(endpoint.requests) == 3 * asked
        async with open_llm(LlmSettings(url=endpoint.base_url), profile_file=file, reprobe=True):
            assert len(endpoint.requests) == 4 * asked
    assert [path.name for path in file.parent.iterdir()] == ["profiles.json"]


@pytest.mark.parametrize("content", ["", "{", '{"version": 0, "profiles": {}}', "[]"])
async def test_a_file_of_another_version_or_a_broken_one_is_written_anew(file: Path, content: str) -> None:
    file.parent.mkdir()
    file.write_text(content)
    with scripted_endpoint(talkative) as endpoint:
        assert (await profile(endpoint.base_url, file)).samples
    assert '"version": 1' in file.read_text()


async def test_what_the_operator_says_comes_before_what_was_found(file: Path) -> None:
    with scripted_endpoint(talkative) as endpoint:
        found = await profile(
            endpoint.base_url, file, shapes="prompt", samples=False, context_tokens=99, small=True, encode_usd=1.5
        )
    assert (found.shapes, found.samples, found.context_tokens) == ("prompt", False, 99)
    assert (found.small, found.encode_usd) == (True, 1.5)


async def test_settings_that_say_everything_leave_nothing_to_probe(file: Path) -> None:
    said = {"shapes": "grammar", "samples": True, "logprobs": True, "tool_calls": False, "context_tokens": 8192}
    with scripted_endpoint(talkative) as endpoint:
        found = await profile(endpoint.base_url, file, model="tiny", **said)
        assert endpoint.requests == []
    assert (found.shapes, found.logprobs, found.tool_calls, found.context_tokens) == ("grammar", True, False, 8192)
    assert not file.exists()


async def test_the_first_model_of_the_endpoint_is_taken_where_none_is_named(file: Path) -> None:
    with scripted_endpoint(talkative, Abilities(models=("tiny", "huge"))) as endpoint:
        async with open_llm(LlmSettings(url=endpoint.base_url), profile_file=file) as llm:
            assert llm.id == "tiny"
    with (
        scripted_endpoint(talkative, Abilities(models=())) as endpoint,
        pytest.raises(BadAgentSettings, match=r"lists no model: name one in llm\.model"),
    ):
        await profile(endpoint.base_url, file)


async def test_a_wrong_key_is_told_before_anything_is_believed(file: Path) -> None:
    with (
        scripted_endpoint(lambda _: Failure(status=401, body="who are you?")) as endpoint,
        pytest.raises(LlmRefused, match="401 who are you"),
    ):
        await profile(endpoint.base_url, file)
    assert not file.exists()


async def test_nobody_at_home_is_told(file: Path) -> None:
    with scripted_endpoint(talkative) as endpoint:
        pass
    for model in ("", "tiny"):
        with pytest.raises(LlmUnavailable):
            await profile(endpoint.base_url, file, model=model, attempts=1)


@pytest.mark.parametrize("url", ["", "localhost:8080", "ftp://host/v1", "http://", "http://host:port/v1"])
async def test_an_address_that_is_none_is_told_with_the_setting(file: Path, url: str) -> None:
    with pytest.raises(BadAgentSettings, match="QUARTERMASTER_LLM_URL"):
        await profile(url, file)


def test_the_settings_come_from_the_file_and_the_variables_and_the_key_is_none_of_them(tmp_path: Path) -> None:
    (tmp_path / "quartermaster.toml").write_text('[llm]\nmodel = "tiny"\nencode_usd = 0.5\n[llm.extra]\ntop_k = 1\n')
    variables = {
        "QUARTERMASTER_LLM_URL": "http://localhost/v1",
        "QUARTERMASTER_LLM_KEY": "hush",
        "QUARTERMASTER_LLM_SMALL": "true",
    }
    settings = load_section(Home(tmp_path), "llm", LlmSettings, variables)
    assert settings == LlmSettings(
        url="http://localhost/v1", model="tiny", encode_usd=0.5, small=True, extra={"top_k": 1}
    )


def test_a_small_model_has_a_key_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "quartermaster.toml").write_text('[small_llm]\nurl = "http://localhost:1/v1"\n')
    settings = load_section(Home(tmp_path), "small_llm", SmallLlmSettings, {"QUARTERMASTER_SMALL_LLM_MODEL": "tiny"})
    assert (settings.url, settings.model) == ("http://localhost:1/v1", "tiny")
    assert settings.key_variable == "QUARTERMASTER_SMALL_LLM_KEY" != LlmSettings().key_variable
