"""`quartermaster train check`: what there is, and how to get what is not."""

import importlib.util
import json

from typer.testing import CliRunner

from rl_trainer.cli.train import app


def test_what_is_missing_is_named_with_what_brings_it() -> None:
    told = CliRunner().invoke(app, ["check"], catch_exceptions=False).stdout
    found = json.loads(CliRunner().invoke(app, ["check", "--json"], catch_exceptions=False).stdout)
    assert {each["kind"] for each in found["sandboxes"]} >= {"local", "docker"}
    for name, number in found["libraries"].items():
        if importlib.util.find_spec(name) is None:
            assert number is None
            assert f"{name:14} missing: pip install" in told
        else:
            assert number in told
