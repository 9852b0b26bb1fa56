"""Whatever a file holds, reading it gives a feed or says that it cannot be imported; nothing else ever escapes."""

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcp_registry.errors import BadImport
from mcp_registry.feeds.read import read_feed
from mcp_registry.server import check_server_name

KEYS = """
    mcpServers servers context_servers mcp projects inputs command args env url type headers timeout disabled enabled
    name server description input_schema inputSchema tool_id tools result title annotations summary version tags id
    href metadata server_config server_command sse_url category github installations arguments image run remote config
    secrets parameters properties required volumes value default source packages remotes identifier registryType
    packageArguments environmentVariables isRequired transport _meta recommended remote_or_local author_name stars
""".split()  # noqa: SIM905
WORDS = [
    "npx",
    "-y",
    "${A}",
    "${input:a}",
    "${a-b}",
    "{{a.b|volume}}",
    "<your key>",
    "docker",
    "run",
    "-e",
    "sse",
    "stdio",
]
WORDS += [
    "https://u:p@h/x?token=1",
    "/path/to/x",
    "client",
    "$2b",
    "[]",
    '{"mcpServers": {}}',
    "KEY=1 npx x",
    "a/b",
    "",
]
texts = st.sampled_from(WORDS) | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 10**6) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS) | texts, inner, max_size=8),
    max_leaves=40,
)
records = st.dictionaries(st.sampled_from(KEYS), values, max_size=12)
entries = st.fixed_dictionaries({"command": texts, "args": st.lists(texts), "env": st.dictionaries(texts, values)})


def read_or_refuse(path):
    try:
        return read_feed(path)
    except BadImport:
        return None


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(records, max_size=4)
    | records
    | st.fixed_dictionaries({"mcpServers": st.dictionaries(texts, entries | values)})
    | st.lists(st.fixed_dictionaries({"server": texts, "overview": texts}, optional=dict.fromkeys(KEYS[50:70], values)))
    | st.lists(st.fixed_dictionaries({"name": texts, "packages": st.lists(records)}))
    | st.lists(st.fixed_dictionaries({"href": texts}, optional={"metadata": records}))
)
def test_any_content_is_a_feed_or_a_clear_refusal(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("any") / "content.json"
    path.write_text(json.dumps(content))
    feed = read_or_refuse(path)
    if feed is not None:
        names = [spec.name for spec in feed.servers] + [offer.name for offer in feed.offers]
        assert len(set(names)) == len(names)
        for name in names:
            check_server_name(name)
        assert len({tool.tool_id for tool in feed.tools}) == len(feed.tools)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_feed_or_a_clear_refusal(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("any") / "content"
    path.write_bytes(content)
    read_or_refuse(path)
