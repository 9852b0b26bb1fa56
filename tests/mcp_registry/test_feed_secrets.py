"""Secrets are recognised by name and by value, and not one character of them is kept."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mcp_registry.feeds.hide import Variables, hide_secrets
from mcp_registry.feeds.secret import looks_secret
from mcp_registry.server import Http, ServerSpec, Stdio, references, resolve

# Put together here, so that no scanner takes this file for a leak.
GITHUB = "gh" + "p_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
OPENAI = "s" + "k-proj-" + "Ab12Cd34Ef56Gh78"
JWT = "ey" + "JhbGciOiJIUzI1NiJ9.ey" + "JzdWIiOiIxMjM0NTY3ODkwIn0.abc"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SLACK_BOT_TOKEN", "xoxb-1"),
        ("API_KEY", "abc"),
        ("MY_KEY", "abc123"),
        ("notionApiKey", "n"),
        ("WXFLOWS_APIKEY", "w"),
        ("CLIENT_SECRET", "s"),
        ("PGPASSWORD", "p"),
        ("DB_PASS", "p"),
        ("REDIS_PWD", "p"),
        ("Authorization", "Bearer abc"),
        ("Authorization", "Basic dTpw"),
        ("X-Api-Key", "k"),
        ("Cookie", "session=1"),
        ("API_KEY_2", "k"),
        ("API_KEY", "YOUR_API_KEY"),
        ("DATABASE_URL", "postgresql://user:pw@host:5432/db"),
        ("MONGO", "mongodb+srv://user:p@ss/w@rd@host/db"),
        ("ENDPOINT", "https://host/path?api_key=abc123"),
        ("WEBHOOK_URL", "https://hooks.slack.com/services/T00/B00/abcdef"),
        ("SENTRY_DSN", "https://0123456789abcdef0123@o1.ingest.example.com/2"),
        ("ANYTHING", GITHUB),
        ("ANYTHING", OPENAI),
        ("ANYTHING", JWT),
        ("ANYTHING", "AKIA" + "IOSFODNN7EXAMPLE"),
        ("ANYTHING", "-----BEGIN RSA PRIVATE KEY-----\nMIIB"),
        ("ANYTHING", "9f86d081884c7d659a2feaa0c55ad015"),
        ("HEADERS", '{"Authorization": "Bearer abcdefgh", "Version": "1"}'),
        ("CONFIG", '{"apiKey": "abc"}'),
    ],
)
def test_secrets_are_recognised(name, value):
    assert looks_secret(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "8080"),
        ("DEBUG", "true"),
        ("MEMORY_FILE_PATH", "/home/ann/memory.jsonl"),
        ("DB_URL", "sqlite:///data/app.db"),
        ("BASE_URL", "http://localhost:8080/@scope/x"),
        ("NODE_OPTIONS", "--max-old-space-size=4096"),
        ("MODEL", "claude-3-5-sonnet-20241022"),
        ("EMBEDDING_MODEL", "sentence-transformers/all-MiniLM-L6-v2"),
        ("MAX_TOKENS", "4096"),
        ("TOKENIZERS_PARALLELISM", "false"),
        ("USE_TOKEN", "true"),
        ("TOKEN_FILE", "/run/secrets/token"),
        ("SECRET_NAME", "production"),
        ("AUTH_TYPE", "oauth"),
        ("AUTH", "basic"),
        ("GOOGLE_APPLICATION_CREDENTIALS", "/home/ann/key.json"),
        ("SSH_AUTH_SOCK", "/tmp/ssh/agent.1"),
        ("SORT_KEY", "name"),
        ("PUBLIC_KEY", "abc"),
        ("MONKEY", "george"),
        ("HOTKEY", "ctrl+k"),
        ("KEYCLOAK_URL", "https://keycloak.example.com"),
        ("PWD", "/home/ann"),
        ("PROJECT_ID", "550e8400-e29b-41d4-a716-446655440000"),
        ("AWS_REGION", "eu-central-1"),
        ("API_KEY", ""),
        ("API_KEY", "${API_KEY}"),
        ("Authorization", "Bearer ${TOKEN}"),
        ("DATABASE_URL", "postgres://user:${PASSWORD}@host/db"),
    ],
)
def test_what_is_no_secret_is_kept(name, value):
    assert not looks_secret(name, value)


def hidden(transport, server="srv"):
    return hide_secrets(transport, server=server)


def test_an_env_entry_is_referred_to_by_its_own_key():
    result = hidden(Stdio(command="npx", env={"SLACK_BOT_TOKEN": "xoxb-1", "PORT": "80"}))
    assert result.transport.env == {"SLACK_BOT_TOKEN": "${SLACK_BOT_TOKEN}", "PORT": "80"}
    assert result.variables == {"SLACK_BOT_TOKEN": "env SLACK_BOT_TOKEN"}


def test_a_header_is_named_after_the_server_and_keeps_its_scheme():
    result = hidden(Http(url="https://x.example/mcp", headers={"Authorization": "Bearer abc", "X-Org": "me"}), "my hub")
    assert result.transport.headers == {"Authorization": "Bearer ${MY_HUB_AUTHORIZATION}", "X-Org": "me"}


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (("--api-key", "abc"), ("--api-key", "${SRV_API_KEY}")),
        (("--api-key=abc",), ("--api-key=${SRV_API_KEY}",)),
        (("--api-key=abc:def",), ("--api-key=${SRV_API_KEY}",)),
        (("K_TOKEN=abc:def",), ("K_TOKEN=${K_TOKEN}",)),
        (("--auth=abcdefghi",), ("--auth=${SRV_AUTH}",)),
        (("--token", "-AbC123defGHI"), ("--token", "${SRV_TOKEN}")),
        (("--token", "--verbose"), ("--token", "--verbose")),
        (("DB=postgres://u:p@h/x",), ("DB=postgres://u:${SRV_PASSWORD}@h/x",)),
        (("-e", "GITHUB_TOKEN=abc", "img"), ("-e", "GITHUB_TOKEN=${GITHUB_TOKEN}", "img")),
        (("-e", "GITHUB_TOKEN", "img"), ("-e", "GITHUB_TOKEN", "img")),
        (("--header", "Authorization: Bearer abc"), ("--header", "Authorization: Bearer ${SRV_AUTHORIZATION}")),
        (("--header=X-Api-Key:abc",), ("--header=X-Api-Key:${SRV_X_API_KEY}",)),
        (("--header", "Accept: text/html"), ("--header", "Accept: text/html")),
        (("postgresql://u:p@ss@h/db",), ("postgresql://u:${SRV_PASSWORD}@h/db",)),
        (("https://h/mcp?token=abc&x=1",), ("https://h/mcp?token=${SRV_TOKEN}&x=1",)),
        (("--config", '{"apiKey":"abc","n":1}'), ("--config", '{"apiKey":"${SRV_API_KEY}","n":1}')),
        (("start", GITHUB), ("start", "${SRV_SECRET}")),
        (("--no-auth", "./server.js"), ("--no-auth", "./server.js")),
        (("-y", "@scope/server@1.2.3"), ("-y", "@scope/server@1.2.3")),
        (("git+https://github.com/x/y@" + "0a" * 20,), ("git+https://github.com/x/y@" + "0a" * 20,)),
        (("--token", "${TOKEN}"), ("--token", "${TOKEN}")),
    ],
)
def test_secrets_in_arguments_are_replaced_where_they_stand(args, expected):
    assert hidden(Stdio(command="npx", args=args)).transport.args == expected


def test_a_url_keeps_everything_but_its_secrets():
    result = hidden(Http(url="https://ann:pw@x.example/mcp?api_key=abc&profile=ann"))
    assert result.transport.url == "https://ann:${SRV_PASSWORD}@x.example/mcp?api_key=${SRV_API_KEY}&profile=ann"


def test_a_default_that_is_a_secret_is_dropped_and_another_one_stays():
    result = hidden(Stdio(command="npx", env={"A": "${API_KEY:-abc}", "B": "${REGION:-eu}"}))
    assert result.transport.env == {"A": "${API_KEY}", "B": "${REGION:-eu}"}


def test_one_variable_never_stands_for_two_secrets():
    variables = Variables()
    first = hide_secrets(Stdio(command="a", env={"API_KEY": "one"}), server="a", variables=variables)
    second = hide_secrets(Stdio(command="b", env={"API_KEY": "two"}), server="b", variables=variables)
    third = hide_secrets(Stdio(command="c", env={"API_KEY": "one"}), server="c", variables=variables)
    assert [item.transport.env["API_KEY"] for item in (first, second, third)] == [
        "${API_KEY}",
        "${B_API_KEY}",
        "${API_KEY}",
    ]


secrets = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="\"'\\/@:?&#=${}<>,;"), min_size=6
)


@settings(deadline=None)
@given(secrets, st.sampled_from(["API_TOKEN", "CLIENT_SECRET", "password", "githubToken", "Authorization"]))
@example("token1", "API_TOKEN")
def test_no_named_secret_survives_anywhere(secret, name):
    if not looks_secret(name, secret):
        return
    marked = f"<{secret}>"
    stdio = hidden(Stdio(command="run", args=(f"--{name}", marked, f"--{name}={marked}"), env={name: marked}))
    http = hidden(Http(url=f"https://u:{secret}@h.example/?{name}={secret}", headers={name: f"Bearer {marked}"}))
    shown = repr([stdio, http]).replace(name, "")
    assert marked not in shown
    assert f":{secret}@" not in shown
    assert f"={secret}" not in shown


@settings(deadline=None)
@given(secrets)
def test_exporting_what_was_hidden_gives_the_transport_back(secret):
    original = Stdio(command="run", args=("--port", "80"), env={"API_TOKEN": secret, "HOST": "h"})
    result = hidden(original)
    environment = dict.fromkeys(references(result.transport), secret)
    assert resolve(ServerSpec(name="s", transport=result.transport), environment).transport == original


@settings(deadline=None)
@given(st.dictionaries(st.text(max_size=10), st.text(max_size=40)), st.lists(st.text(max_size=40)))
def test_hiding_twice_is_hiding_once(env, args):
    once = hidden(Stdio(command="run", args=tuple(args), env=env))
    assert hidden(once.transport).transport == once.transport
