"""`quartermaster models` on the command line."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from agent.cli import models
from agent.errors import BadAgentSettings, ModelError
from agent.models.manifest import own_models_file
from agent.models.shelf import sha256_of
from mcp_registry.home import Home


@pytest.fixture
def mine(home: Home, tiny_model: Path) -> str:
    """A model that is to be pulled from a URL where nobody answers."""
    sha256, size = sha256_of(tiny_model), tiny_model.stat().st_size
    own_models_file(home).write_text(
        f'[mine]\nurl = "http://127.0.0.1:9/mine.gguf"\nsha256 = "{sha256}"\nsize = {size}\nlicence = "CC0"\n'
    )
    return "mine"


def test_the_list_says_what_can_be_pulled_and_what_is(home: Home, mine: str, tiny_model: Path) -> None:
    assert {row["name"]: row["state"] for row in _json("list")} == {
        "mine": "not pulled",
        "qwen2.5-coder-1.5b": "not pulled",
        "qwen2.5-coder-0.5b": "not pulled",
        "smollm2-135m": "not pulled",
    }
    _run("pull", mine, "--source", str(tiny_model))
    assert _json("list")[0]["state"] == "pulled"
    shown = _run("list").stdout
    assert "CC0" in shown
    assert "491 MB" in shown


def test_half_a_model_shows_how_much_of_it_has_come(home: Home, mine: str, tiny_model: Path) -> None:
    partial = home.path / "models" / "mine.gguf.partial"
    partial.parent.mkdir()
    partial.write_bytes(tiny_model.read_bytes()[: tiny_model.stat().st_size // 2])
    assert _json("list")[0]["state"] == "50 % pulled"


def test_pulling_prints_the_path_and_how_to_use_it(home: Home, mine: str, tiny_model: Path) -> None:
    pulled = _run("pull", mine, "--source", str(tiny_model))
    assert pulled.stdout.strip() == str(home.path / "models" / "mine.gguf")
    assert "--model local:mine" in pulled.stderr
    assert _json("pull", mine)["state"] == "pulled"


def test_a_pull_that_fails_is_an_error_in_words(mine: str) -> None:
    with pytest.raises(ModelError, match="cannot pull mine: hub: "):
        _run("pull", mine)


def test_removing_says_what_it_freed(home: Home, mine: str, tiny_model: Path) -> None:
    _run("pull", mine, "--source", str(tiny_model))
    assert _json("remove", mine) == {"name": "mine", "freed": tiny_model.stat().st_size}
    assert "there was nothing" in _run("remove", mine).stderr


def test_serving_prints_the_url_and_ends_when_it_is_interrupted(home: Home, mine: str, tiny_model: Path) -> None:
    _run("pull", mine, "--source", str(tiny_model))
    program = "import sys; from agent.cli.models import app; sys.argv[0] = 'models'; app()"
    command = [sys.executable, "-c", program, "serve", "--port", "0", "--threads", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as served:
        assert served.stdout is not None
        url = served.stdout.readline().strip()
        assert httpx.get(f"{url}/models", trust_env=False).json()["data"][0]["id"] == "mine"
        served.send_signal(signal.SIGINT)
        served.communicate(timeout=30)
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/models", trust_env=False)


def test_nothing_is_served_beyond_this_machine_without_a_key(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(models.KEY_VARIABLE, raising=False)
    with pytest.raises(BadAgentSettings, match=models.KEY_VARIABLE):
        _run("serve", "--host", "0.0.0.0")


def test_serving_without_any_model_says_how_to_get_one(home: Home) -> None:
    with pytest.raises(ModelError, match="quartermaster models pull"):
        _run("serve")


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(models.app, list(arguments), catch_exceptions=False, env=dict(os.environ))


def _json(*arguments: str) -> Any:
    return json.loads(_run(*arguments, "--json").stdout)
