"""No program, however odd, escapes the interpreter, breaks it or keeps it busy."""

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.code_mode import builtins
from agent.code_mode.interpreter import Ended
from agent.code_mode.meter import Meter
from agent.code_mode.names import named
from agent.code_mode.replay import Broken, Searches, Waits, replay
from retrieval.tool import ToolSpec

SCHEMA = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
NAMES = named([ToolSpec(server="files", name="read", input_schema=SCHEMA, annotations={"readOnlyHint": True})])
METHODS = ["join", "split", "replace", "append", "extend", "insert", "pop", "index", "count", "sort", "items", "get"]
NEWLINE = "\n"
names = st.sampled_from(["x", "y", "z"])
leaves = names | st.sampled_from(
    ["0", "1", "-3", "2.5", "'ab'", "''", "[]", "{}", "()", "None", "True", "10 ** 9", "1e308", "'%s{}'", "range(9)"]
)


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    operator = st.sampled_from(["+", "-", "*", "/", "//", "%", "**", "==", "<", "in", "not in", "and", "or", "is"])
    function = st.sampled_from(sorted(builtins.NAMES - {"print", "search_tools"}))
    method = st.sampled_from(METHODS)
    odd = st.sampled_from(
        ["__class__", "({}).__dict__", "getattr({}, 1)", "open({})", "files.read", "(lambda x: {})(1)"]
    )
    return st.one_of(
        st.builds("({} {} {})".format, inner, operator, inner),
        st.builds("{}({})".format, function, inner),
        st.builds("{}({}, {})".format, function, inner, inner),
        st.builds("sorted({}, key=lambda x: {})".format, inner, inner),
        st.builds("({}).{}({})".format, inner, method, inner),
        st.builds("({}).{}({}, {})".format, names, method, inner, inner),
        st.builds("({})[{}]".format, inner, inner),
        st.builds("({})[{}:]".format, inner, inner),
        st.builds("[{}, {}]".format, inner, inner),
        st.builds("[{} for x in {} if {}]".format, inner, inner, inner),
        st.builds("{{{}: {}}}".format, inner, inner),
        st.builds("files.read(path=str({}))".format, inner),
        st.builds("f'{{{}!r:>9}}'".format, names),
        st.builds(lambda form, a: form.replace("{}", a), odd, inner),
    )


expressions = st.recursive(leaves, _grown, max_leaves=8)
statements = st.one_of(
    st.builds("{} = {}".format, names, expressions),
    st.builds("x += {}".format, expressions),
    st.builds("{}[{}] = {}".format, names, expressions, expressions),
    st.builds("{}.append({})".format, names, names),
    st.builds("print({})".format, expressions),
    st.builds("for y in {}:\n    x = {}\n    z.append(x)".format, expressions, expressions),
    st.builds("while {}:\n    x = {}".format, expressions, expressions),
    st.builds("try:\n    x = {}\nexcept Exception as y:\n    z = {}".format, expressions, expressions),
)


@settings(max_examples=120)
@given(st.lists(statements, min_size=1, max_size=8))
def test_whatever_a_program_is_it_ends_waits_searches_or_is_told_what_is_wrong(lines: list[str]) -> None:
    tried = [f"try:\n    {line.replace(NEWLINE, NEWLINE + '    ')}\nexcept Exception:\n    pass" for line in lines]
    source = "\n".join(["x, y, z = 3, 'text', [1, 'a', {'k': [2]}]", *tried, "print(x, y, z)"])
    came = replay(source, NAMES, {}, Meter(fuel=5_000))
    assert isinstance(came, Ended | Waits | Searches | Broken)
    if isinstance(came, Ended):
        assert "built-in method" not in came.text
        assert "<function" not in came.text


@settings(max_examples=100)
@given(st.text(max_size=200))
def test_whatever_text_a_model_writes_nothing_is_raised(source: str) -> None:
    assert replay(source, NAMES, {}, Meter(fuel=1_000))
