import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_registry.errors import BadServer, MissingSecret
from mcp_registry.server import (
    Http,
    ServerSpec,
    Stdio,
    as_server_name,
    check_server_name,
    command_line,
    references,
    resolve,
    transport_from_json,
    transport_to_json,
)


def spec(transport: Stdio | Http) -> ServerSpec:
    return ServerSpec(name="s", transport=transport)


def test_references_are_filled_from_the_environment_when_it_is_opened() -> None:
    given_ = spec(Stdio(command="run", args=("--key", "${KEY}"), env={"TOKEN": "Bearer ${KEY}"}, cwd="${ROOT}/x"))
    found = resolve(given_, {"KEY": "k1", "ROOT": "/r"}).transport
    assert found == Stdio(command="run", args=("--key", "k1"), env={"TOKEN": "Bearer k1"}, cwd="/r/x")
    assert references(given_.transport) == ["KEY", "ROOT"]


def test_every_missing_reference_is_named_and_none_is_guessed() -> None:
    with pytest.raises(MissingSecret, match=r"'s' needs \$\{A\}, \$\{B\}"):
        resolve(spec(Http(url="http://x/${A}", headers={"Authorization": "${B}"})), {})


def test_a_default_stands_in_and_an_optional_setting_without_value_is_left_out() -> None:
    found = resolve(spec(Stdio(command="run", env={"LEVEL": "${LEVEL:-info}", "EXTRA": "${EXTRA:-}", "EMPTY": ""})), {})
    assert isinstance(found.transport, Stdio)
    assert found.transport.env == {"LEVEL": "info", "EMPTY": ""}


@pytest.mark.parametrize("name", ["", "a/b", "a b", "a\nb", "x" * 201])
def test_names_that_cannot_be_told_apart_in_an_id_are_refused(name: str) -> None:
    with pytest.raises(BadServer):
        check_server_name(name)


@given(st.text())
def test_any_text_gives_an_allowed_name(text: str) -> None:
    check_server_name(as_server_name(text))


@pytest.mark.parametrize("transport", [Stdio(command=""), Http(url="ftp://x"), Http(url="file:///etc/passwd")])
def test_a_server_that_cannot_be_reached_as_written_is_refused(transport: Stdio | Http) -> None:
    with pytest.raises(BadServer):
        spec(transport)


@pytest.mark.parametrize(
    "transport",
    [
        Stdio(command="run", args=("a", "b c"), env={"K": "v"}, cwd="/x"),
        Http(url="https://x/mcp", headers={"A": "b"}),
        Http(url="https://x/sse", kind="sse"),
    ],
)
def test_the_configuration_form_comes_back_as_it_was(transport: Stdio | Http) -> None:
    assert transport_from_json(transport_to_json(transport)) == transport


def test_the_command_is_shown_exactly_and_with_references_instead_of_values() -> None:
    assert command_line(Stdio(command="run", args=("a b", "$(x)"), env={"K": "${K}"})) == "K='${K}' run 'a b' '$(x)'"
