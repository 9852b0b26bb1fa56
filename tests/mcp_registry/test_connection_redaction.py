from mcp_registry.server import Http, ServerSpec, Stdio, Transport, resolve
from mcp_registry.transports.redaction import place, redaction


def hider(transport: Transport, environment: dict[str, str] | None = None):
    spec = ServerSpec(name="vault", transport=transport)
    return redaction(spec, resolve(spec, environment or {}), environment or {})


def test_the_value_of_every_reference_is_hidden_wherever_it_stands() -> None:
    stdio = Stdio(command="serve", args=("--url=https://${HOST_NAME}/",), env={"API_KEY": "${API_KEY}"})
    hide = hider(stdio, {"API_KEY": "sk-123", "HOST_NAME": "inside.example"})
    assert hide("sk-123 is refused by inside.example") == "${API_KEY} is refused by ${HOST_NAME}"


def test_a_secret_that_was_written_out_is_hidden_too() -> None:
    stdio = Stdio(
        command="serve",
        args=("--token", "t0ps3cret", "--api-key=k3y-k3y", "--port", "8080"),
        env={"DB_PASSWORD": "pass!"},
    )
    hide = hider(stdio)
    assert hide("t0ps3cret k3y-k3y pass! 8080") == "${token} ${api-key} ${DB_PASSWORD} 8080"


def test_headers_are_hidden_with_and_without_their_scheme() -> None:
    hide = hider(Http(url="https://api.example/mcp?key=qu3ry", headers={"Authorization": "Bearer abc.def"}))
    assert hide("sent 'Bearer abc.def'; token abc.def; key qu3ry") == (
        "sent '${Authorization}'; token ${Authorization}; key ${key}"
    )


def test_a_short_value_is_not_blotted_out_of_every_word() -> None:
    hide = hider(Stdio(command="serve", env={"DEBUG_KEY": "1"}))
    assert hide("failed at 11:11") == "failed at 11:11"


def test_a_secret_inside_a_longer_one_does_not_uncover_it() -> None:
    hide = hider(Stdio(command="serve", env={"KEY_A": "abcd", "KEY_B": "abcd-efgh"}))
    assert hide("abcd-efgh abcd") == "${KEY_B} ${KEY_A}"


def test_of_a_url_only_its_place_is_shown() -> None:
    assert place("https://me:pw@api.example:8443/mcp?key=1#x") == "https://api.example:8443/mcp"
