"""The official registry's server.json: packages become argv, remotes become URLs, in both spellings."""

import json
from pathlib import Path

import pytest

from mcp_registry.feeds.read import read_feed
from mcp_registry.server import Http, Stdio

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture(scope="module")
def offers():
    return {offer.name: offer for offer in read_feed(DATA / "official_registry.json").offers}


@pytest.fixture
def option_of(tmp_path):
    def read(**package):
        server = {"name": "com.example/srv", "description": "x", "version": "1", "packages": [package]}
        path = tmp_path / "server.json"
        path.write_text(json.dumps(server))
        return read_feed(path).offers[0].launch[0]

    return read


def test_a_package_is_pinned_and_its_settings_become_references(offers):
    npm, oci, remote = offers["com.example-weather"].launch
    assert npm.transport == Stdio(
        command="npx",
        args=("-y", "@example/weather-mcp@1.2.0", "serve", "--units", "${UNITS:-metric}"),
        env={
            "WEATHER_API_KEY": "${WEATHER_API_KEY}",
            "WEATHER_LANGUAGE": "${WEATHER_LANGUAGE:-en}",
            "WEATHER_CACHE": "${WEATHER_CACHE:-}",
        },
    )
    assert npm.needs == {"WEATHER_API_KEY": "Key of the forecast service"}
    assert oci.transport.args == (
        *("run", "-i", "--rm", "-v", "weather:/data", "-e", "WEATHER_API_KEY", "docker.io/example/weather-mcp:1.2.0"),
    )
    assert remote.transport == Http(
        url="https://weather.example.com/${WEATHER_TENANT}/mcp", headers={"X-API-Key": "${WEATHER_X_API_KEY}"}
    )


def test_the_latest_version_is_the_one_offered_and_deleted_servers_are_not(offers):
    assert list(offers) == ["com.example-weather", "io.example-notes"]
    assert offers["com.example-weather"].about["version"] == "1.2.0"


def test_the_older_spelling(offers):
    option = offers["io.example-notes"].launch[0]
    assert option.transport == Stdio(
        command="uvx", args=("notes-mcp@0.3.1", "--folder", "${NOTES_FOLDER}"), env={"NOTES_TOKEN": "${NOTES_TOKEN}"}
    )


def test_what_no_program_runs_is_told_of():
    problems = read_feed(DATA / "official_registry.json").problems
    assert any("mcpb package is no launch option" in problem for problem in problems)
    assert any("1 (com.example/gone) left out: the registry has deleted them" in problem for problem in problems)


@pytest.mark.parametrize(
    ("package", "argv"),
    [
        ({"registryType": "pypi", "identifier": "a", "version": "1"}, "uvx a@1"),
        ({"registryType": "pypi", "identifier": "a", "version": "latest"}, "uvx a"),
        ({"registryType": "npm", "identifier": "@a/b"}, "npx -y @a/b"),
        ({"registryType": "nuget", "identifier": "A", "version": "1"}, "dnx --yes A@1"),
        ({"registryType": "oci", "identifier": "a/b", "version": "1"}, "docker run -i --rm a/b:1"),
        ({"registryType": "oci", "identifier": "r:5000/a/b", "version": "1"}, "docker run -i --rm r:5000/a/b:1"),
        (
            {
                "registryType": "pypi",
                "identifier": "a",
                "runtimeArguments": [{"type": "named", "name": "--python", "value": "3.13"}],
                "packageArguments": [
                    {"type": "positional", "value": "; rm -rf /"},
                    {"type": "named", "name": "--verbose"},
                    {"type": "positional", "valueHint": "optional"},
                ],
            },
            "uvx --python 3.13 a ; rm -rf / --verbose",
        ),
    ],
)
def test_packages_become_argv(option_of, package, argv):
    assert " ".join(option_of(**package).transport.argv) == argv


def test_a_required_argument_is_a_reference(option_of):
    option = option_of(
        registryType="npm",
        identifier="a",
        packageArguments=[
            {"type": "positional", "valueHint": "project_folder", "isRequired": True, "description": "The project"},
            {"type": "named", "name": "--token", "isRequired": True, "isSecret": True},
        ],
    )
    assert option.transport.args == ("-y", "a", "${SRV_PROJECT_FOLDER}", "--token", "${SRV_TOKEN}")
    assert option.needs == {"SRV_PROJECT_FOLDER": "The project", "SRV_TOKEN": ""}


def test_a_literal_secret_is_not_kept(option_of):
    option = option_of(
        registryType="npm", identifier="a", environmentVariables=[{"name": "API_KEY", "value": "hunter2"}]
    )
    assert "hunter2" not in repr(option)
