"""What programs of code mode can do, and what none of them can."""

from typing import Any

import pytest

from agent.call import Call, Outcome, Step
from agent.code_mode.interpreter import Ended
from agent.code_mode.meter import Meter
from agent.code_mode.names import named
from agent.code_mode.replay import Broken, Came, Searches, Waits, replay
from retrieval.tool import ToolSpec

READS = {"readOnlyHint": True}
READ = ToolSpec(
    server="files",
    name="read",
    input_schema={"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]},
    annotations=READS,
)
WRITE = ToolSpec(
    server="files",
    name="write",
    input_schema={
        "type": "object",
        "properties": {"text": {"type": "string"}, "path": {"type": "string"}},
        "required": ["path", "text"],
    },
)
LIST = ToolSpec(server="files", name="list", annotations=READS)
NAMES = named([READ, WRITE, LIST])


def run(source: str, **settled: Step) -> Came:
    return replay(source, NAMES, settled, Meter(fuel=50_000))


def text_of(source: str) -> str:
    came = run(source)
    assert isinstance(came, Ended), came
    return came.text


def error_of(source: str) -> str:
    came = run(source)
    assert isinstance(came, Broken), came
    return came.error


def play(source: str, answers: dict[tuple[str, str], Any]) -> tuple[Came, list[list[str]]]:
    """The program with its tools answering, and the calls of each turn; a failing tool answers with an exception."""
    settled: dict[str, Step] = {}
    turns: list[list[str]] = []
    while isinstance(came := replay(source, NAMES, settled), Waits):
        turns.append([])
        for wanted in came.calls:
            turns[-1].append(f"{wanted.tool.name}:{'|'.join(map(str, wanted.arguments.values()))}")
            answer = answers[wanted.tool.name, str(next(iter(wanted.arguments.values()), ""))]
            failed = isinstance(answer, Exception)
            settled[wanted.site] = Step(
                call=Call(id=wanted.site, tool_id=wanted.tool.tool_id, arguments=wanted.arguments),
                outcome=Outcome.FAILED if failed else Outcome.SUCCEEDED,
                text=str(answer),
                structured=None if failed or isinstance(answer, str) else answer,
            )
    return came, turns


@pytest.mark.parametrize(
    ("source", "printed"),
    [
        ("print(1 + 2 * 3 ** 2, 7 // 2, 7 % 4, -1)", "19 3 3 -1"),
        ("x = [n * n for n in range(5) if n % 2]\nprint(x, sum(x))", "[1, 9] 10"),
        ("d = {'a': 1}\nd['b'] = 2\nfor k, v in d.items():\n    print(f'{k}={v:03d}')", "a=001\nb=002"),
        ("n = 0\nwhile True:\n    n += 1\n    if n > 3: break\nelse:\n    print('never')\nprint(n)", "4"),
        ("a, (b, c) = 1, [2, 3]\nprint(a if b > c else c, a < b < c, not a)", "3 true false"),
        ("rows = [{'n': 3}, {'n': 1}]\nprint(sorted(rows, key=lambda r: r['n'])[0]['n'])", "1"),
        ("print(max([1, 5, 3]), min('cab'), max(['aa', 'b'], key=len))", "5 a aa"),
        ("print(', '.join(['a', 'b']).upper().split(', '))", '["A", "B"]'),
        ("x = 'text'\nreturn x[1:3] + x[-1]", "ext"),
        ("return {'answer': (1, 2)}", '{"answer": [1, 2]}'),
        (
            "try:\n    print({'a': 1}['b'])\nexcept Exception as e:\n    print('no', e)",
            "no there is no key 'b'; there are ['a']",
        ),
        ("print({n: str(n) for n in set([2, 1, 2])}, isinstance(3, int))", '{"2": "2", "1": "1"} true'),
        ("x = [1]\ny = x\ny += [2]\nprint(x, len(y), any(n > 1 for n in x))", "[1, 2] 2 true"),
        ("print(f'{3.14159:.2f} {\"a\"!r:>5} {1_000_000:,}')", "3.14   'a' 1,000,000"),
    ],
)
def test_programs_do_what_they_do_in_python(source: str, printed: str) -> None:
    assert text_of(source) == printed


@pytest.mark.parametrize(
    "source",
    [
        "import os",
        "from os import path",
        "__import__('os')",
        "print(().__class__)",
        "x = ''.__class__.__mro__",
        "'{0.__class__}'.format(1)",
        "print('%s' % 1)",
        "getattr(1, 'real')",
        "eval('1')",
        "exec('1')",
        "open('/etc/passwd')",
        "globals()",
        "vars()",
        "type(1)",
        "breakpoint()",
        "def f(): pass",
        "f = lambda x: x",
        "print((lambda x: x)(1))",
        "class A: pass",
        "x = {1, 2}",
        "with open('x') as f: pass",
        "async def f(): pass",
        "await files.read(path='x')",
        "raise Exception",
        "del x",
        "global x",
        "assert 1",
        "yield 1",
        "x = (y := 1)",
        "print(*[1])",
        "x.y = 1",
        "print(files)",
        "print(files.read)",
        "files = 1",
        "len = 1",
        "print(b'x')",
        "print(1j)",
        "print(...)",
        "match 1:\n    case _: pass",
        "try:\n    pass\nexcept BaseException:\n    pass",
        "try:\n    pass\nfinally:\n    pass",
        "@files\ndef f(): pass",
        "print(str.mro())",
        "print([].append.__self__)",
        "break",
        "print(f'{1:{10**9}}')",
        "print(f'{\"x\":>999999999}')",
        "'x'.join.real",
        "sorted([1], key=print)",
        "print(dict.fromkeys([1]))",
    ],
)
def test_nothing_beyond_the_subset_runs(source: str) -> None:
    assert error_of(source)


@pytest.mark.parametrize(
    "source",
    [
        "while True: pass",
        "for i in range(10 ** 12): pass",
        "x = 'a' * 10 ** 9",
        "x = [0] * 10 ** 9",
        "x = 'ab'\nwhile True: x += x",
        "x = [1]\nwhile True: x += x",
        "x = [1]\nfor i in range(99): x = x + x",
        "x = 9 ** 9 ** 9",
        "x = 3\nwhile True: x = x * x",
        "x = 7\nfor i in range(9999): x = x ** 2",
        "x = 'a,' * 400000\nfor i in range(999): y = x.split(',')",
        "x = 'a' * 900000\nwhile True: y = x.replace('a', 'aaaa')",
        "x = 'a' * 900000\ny = [x for n in range(9999)]\nz = ''.join(y)",
        "x = []\nwhile True: x.append(x)",
        "x = []\nx.append(x)\nprint(x)",
        "x = []\nx.append(x)\nprint(x == x)",
        "x = [1]\nfor i in range(60): x = [x, x]\nprint(x)",
        "x = [1]\ny = [1]\nfor i in range(35): x = [x, x]\nfor i in range(35): y = [y, y]\nprint(x == y)",
        "x = (1,)\nfor i in range(35): x = (x, x)\nd = {x: 1}",
        "x = [1]\nfor i in range(35): x = [x, x]\nfiles.write(path='x', text=x)",
        "print([[[1 for a in range(999)] for b in range(999)] for c in range(999)])",
        "x = list(range(40000))\nwhile True: x.insert(0, 1)",
        "x = list(range(40000))\nfor n in x: print(n in x)",
        "x = 'x' * 100000\nwhile True: print(x)",
        "try:\n    while True: pass\nexcept Exception:\n    print('caught')",
        "x = {}\nn = 0\nwhile True:\n    x[n] = 'a' * 5000\n    n += 1",
        "print(sum([10 ** 1200] * 40000) * 10 ** 1200)",
    ],
)
def test_every_program_ends_and_stays_small(source: str) -> None:
    assert error_of(source)


@pytest.mark.parametrize(
    "source",
    [
        "(" * 15_000,
        "-" * 15_000 + "1",
        "+".join(["1"] * 9_000),
        "x" + ".a" * 9_000,
        "x" + "[0]" * 5_000,
        "[" * 90 + "]" * 90,
        "".join(f"{' ' * depth}if 1:\n" for depth in range(99)) + " " * 99 + "pass",
        "x = 1\n" * 10_000,
        "x = '\0'",
        "9" * 10_000,
        "print('\ud800')",
    ],
)
def test_source_that_would_break_a_parser_is_refused(source: str) -> None:
    assert isinstance(run(source), Broken | Ended)


def test_an_error_says_where_and_what() -> None:
    assert error_of("x = 1\nprint(x.real)") == (
        "line 2: values have no attribute 'real'; items are reached by ['real']"
    )
    assert error_of("print(1 / 0)") == "line 1: ZeroDivisionError: division by zero"
    assert error_of("files.rede()") == "line 1: server 'files' has no tool 'rede'; it has read, write, list"
    assert "line 1: wrong arguments for files/read" in error_of("files.read(way='x')")


def test_results_are_values_and_calls_are_made_in_order() -> None:
    source = "text = files.read(path='a')\nfiles.write(path='b', text=text.upper())\nprint('done', text)"
    came, turns = play(source, {("read", "a"): "milk", ("write", "b"): "ok"})
    assert turns == [["read:a"], ["write:b|MILK"]]
    assert came == Ended(text="done milk")


def test_json_text_and_structured_results_are_read_alike() -> None:
    source = "for name in files.list()['names']:\n    print(name)"
    assert play(source, {("list", ""): {"names": ["a", "b"]}})[0] == Ended(text="a\nb")
    assert play(source, {("list", ""): '{"names": ["a", "b"]}'})[0] == Ended(text="a\nb")


def test_reads_of_a_comprehension_are_made_side_by_side_and_writes_one_by_one() -> None:
    answers: dict[tuple[str, str], Any] = {("read", name): f"<{name}>" for name in "abc"}
    answers |= {("write", f"<{name}>"): "ok" for name in "abc"}
    came, turns = play("print([files.read(path=p) for p in ['a', 'b', 'c']])", answers)
    assert turns == [["read:a", "read:b", "read:c"]]
    came, turns = play("return len([files.write(path=files.read(path=p), text=p) for p in ['a', 'b', 'c']])", answers)
    assert [len(turn) for turn in turns[-3:]] == [1, 1, 1]
    assert [turn[0] for turn in turns if turn[0].startswith("write")] == ["write:<a>|a", "write:<b>|b", "write:<c>|c"]
    assert came == Ended(text="3")


def test_the_same_call_in_a_loop_is_made_each_time() -> None:
    came, turns = play(
        "for n in range(3):\n    files.write(path='log', text='x')\nprint('ok')", {("write", "log"): "ok"}
    )
    assert turns == [["write:log|x"]] * 3
    assert came == Ended(text="ok")


def test_an_element_that_depends_on_the_one_before_gets_its_own_result() -> None:
    source = "seen = []\nx = [seen.append(files.read(path=str(len(seen)))) for n in range(3)]\nprint(seen)"
    came, _ = play(source, {("read", str(n)): f"<{n}>" for n in range(3)})
    assert came == Ended(text='["<0>", "<1>", "<2>"]')


def test_a_failing_tool_stops_the_program_unless_it_is_caught() -> None:
    answers: dict[tuple[str, str], Any] = {("read", "a"): RuntimeError("gone"), ("read", "b"): "milk"}
    came, _ = play("print(files.read(path='a'))", answers)
    assert isinstance(came, Broken)
    came, _ = play(
        "try:\n    x = files.read(path='a')\nexcept ToolError as e:\n    x = files.read(path='b')\nprint(x)", answers
    )
    assert came == Ended(text="milk")


def test_a_program_cannot_go_on_when_nobody_knows_whether_a_call_ran() -> None:
    source = "try:\n    files.write(path='a', text='b')\nexcept Exception:\n    files.write(path='a', text='b')"
    came = run(source)
    assert isinstance(came, Waits)
    call = Call(id="1", tool_id="files/write", arguments={})
    ended = replay(source, NAMES, {came.calls[0].site: Step(call=call, outcome=Outcome.UNKNOWN)})
    assert isinstance(ended, Broken)
    assert "nobody knows whether" in ended.error


def test_a_program_may_ask_for_other_tools() -> None:
    assert run("search_tools('send a letter', 'show commits')") == Searches(("send a letter", "show commits"))


def test_what_json_does_not_have_is_not_sent() -> None:
    for value in ("str", "10 ** 30", "1e308 * 10", "{1: 2}"):
        assert isinstance(run(f"files.list({{'x': {value}}})"), Broken), value


def test_names_are_python_and_do_not_change_when_others_come() -> None:
    def spec(server: str, name: str) -> ToolSpec:
        return ToolSpec(server=server, name=name)

    tools = [spec("brave-search", "web.search"), spec("brave_search", "1st"), spec("print", "class"), spec("a", "x-y")]
    first = [name for name, _ in named(tools).items()]
    assert first == ["brave_search.web_search", "brave_search_2.n1st", "print_2.class_", "a.x_y"]
    more = [name for name, _ in named([*tools, spec("a", "x.y"), spec("né", "日本")]).items()]
    assert [name for name in more if name in first] == first
    assert "a.x_y_2" in more
