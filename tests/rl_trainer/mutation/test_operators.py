"""Each operator makes its bug, at one place, and leaves the rest of the text as it was."""

import ast
import difflib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rl_trainer.errors import TaskInvalid
from rl_trainer.mutation.mutant import candidates, mutants
from rl_trainer.mutation.operators import OPERATORS
from rl_trainer.mutation.source import Source

IN_FUNCTION = "def f(a, b, xs):\n    {}\n    return a\n"

CASES = [
    ("constant_off_by_one", "a = 5", ["a = 6", "a = 4"]),
    ("flip_boolean", "a = True", ["a = False"]),
    ("range_bound", "a = range(b)", ["a = range(b - 1)", "a = range(b + 1)"]),
    ("range_bound", "a = range(b - 1)", ["a = range(b)"]),
    ("slice_bound", "a = xs[1:]", ["a = xs[0:]", "a = xs[2:]"]),
    ("index_off_by_one", "a = xs[b]", ["a = xs[b - 1]", "a = xs[b + 1]"]),
    ("binary_operator", "a = (a) + b  # a + b", ["a = (a) - b  # a + b"]),
    ("binary_operator", "a = a ** b", ["a = a * b"]),
    ("augmented_operator", "a += b", ["a -= b"]),
    ("swap_operands", "a = a - b", ["a = b - a"]),
    ("comparison_boundary", "a = a < b <= 3", ["a = a <= b <= 3", "a = a < b < 3"]),
    ("comparison_opposite", "a = a not in b", ["a = a in b"]),
    ("comparison_opposite", "a = a is  not b", ["a = a is b"]),
    ("and_or", "a = a and b and xs", ["a = a or b and xs", "a = a and b or xs"]),
    ("drop_not", "a = not b", ["a = b"]),
    ("negate_condition", "a = 1 if b else 2", ["a = 1 if not (b) else 2"]),
    ("remove_condition", "a = [x for x in xs if x if b]", ["a = [x for x in xs if b]", "a = [x for x in xs if x]"]),
    ("remove_call", "print(a)", [None]),
    ("remove_assignment", "a = b", [None]),
    ("return_none", "return b", ["return None"]),
    ("swap_arguments", "a = g(a, b, xs)", ["a = g(b, a, xs)", "a = g(a, xs, b)"]),
    ("drop_call", "a = sorted(xs)", ["a = xs"]),
    ("drop_method", "a = b.strip()", ["a = b"]),
    ("wrong_builtin", "a = min(xs)", ["a = max(xs)"]),
    ("wrong_method", "a = b.lower()", ["a = b.upper()"]),
    ("wrong_variable", "xs(b)", ["a(b)", "xs(xs)"]),
]


@pytest.mark.parametrize(("kind", "line", "expected"), CASES)
def test_an_operator_makes_its_bug(kind: str, line: str, expected: list[str | None]) -> None:
    source = Source("m.py", IN_FUNCTION.format(line))
    made = [edit(source.data).decode() for edit in OPERATORS[kind](source) if edit.line == 2]
    wanted = [IN_FUNCTION.format(each) if each else IN_FUNCTION.replace("    {}\n", "") for each in expected]
    assert made == wanted


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        ("remove_condition", "if a:\n    if b:\n        f()\n    g()\n", "if b:\n    f()\ng()\n"),
        ("remove_branch", "if a:\n    f()\nelse:\n    g()\n", "if a:\n    f()\nelse:\n    pass\n"),
        ("remove_branch", "if a:\n    f()\ng()\n", "g()\n"),
        ("remove_loop", "while a:\n    f()\ng()\n", "g()\n"),
        ("remove_loop", "def h():\n    for a in b:\n        f()\n", "def h():\n    pass\n"),
        ("break_continue", "for a in b:\n    break\n", "for a in b:\n    continue\n"),
        ("remove_raise", "if a:\n    raise ValueError\n", "if a:\n    pass\n"),
        ("remove_decorator", "@cache\ndef h(): ...\n", "\ndef h(): ...\n"),
        ("swap_statements", "def h():\n    a = 1\n    b = a\n", "def h():\n    b = a\n    a = 1\n"),
    ],
)
def test_an_operator_of_statements_keeps_blocks_whole(kind: str, before: str, after: str) -> None:
    source = Source("m.py", before)
    assert after in [edit(source.data).decode() for edit in OPERATORS[kind](source)]


def test_what_is_no_behaviour_is_left_alone() -> None:
    text = (
        '"""1 and 2."""\nimport os\n__version__ = 3\n\n\ndef f(a: "int | 4" = None) -> 5:\n    """Not 6."""\n'
        '    return f"{a + 7}"\n\n\nif __name__ == "__main__":\n    f(8)\n'
    )
    assert [mutant.kind for mutant in mutants({"m.py": text})] == ["return_none"]


def test_every_operator_finds_something_somewhere() -> None:
    text = (IN_FUNCTION * len(CASES)).format(*(line for _, line, _ in CASES))
    found = {
        mutant.kind for mutant in mutants({"m.py": text, "n.py": "@a\ndef f(b):\n    for c in b:\n        break\n"})
    }
    statements = {"remove_branch", "remove_raise", "swap_statements"}
    assert OPERATORS.keys() - found <= statements


def test_what_compiles_to_the_same_code_is_no_mutant_and_none_comes_twice() -> None:
    same = {"m.py": "def f(xs):\n    return xs[0:]\n"}
    made = [mutant.edit(same["m.py"].encode()).decode() for mutant in mutants(same)]
    assert len({ast.dump(ast.parse(text)) for text in made}) == len(made)
    assert not list(mutants({"m.py": "x = 1 +\n"}))


def test_an_unknown_operator_is_refused_by_name() -> None:
    with pytest.raises(TaskInvalid, match="no mutation operator wish; there are range_bound"):
        list(mutants({"m.py": ""}, ["wish"]))


@given(st.sampled_from(["é", "日本", "x"]), st.sampled_from(["\n", "\r\n"]))
def test_places_are_right_in_any_script_and_with_any_line_ends(word: str, end: str) -> None:
    text = f"def f(a):{end}    b = '{word}' # {word}{end}    return '{word}' * a + {len(word)}{end}"
    for mutant in mutants({"m.py": text}):
        changed = mutant.edit(text.encode()).decode()
        ast.parse(changed)
        removed = [line for line in difflib.ndiff(text.split(end), changed.split(end)) if line[0] in "+-"]
        assert len(removed) <= 2


def test_the_order_is_the_seeds_and_the_first_have_many_kinds() -> None:
    files = {"m.py": "def f(a, b):\n    if a < b and a > 1:\n        return a - b\n    return max(a, 3) + b[a]\n"}
    found = list(mutants(files))
    one, same, other = ([each.id for each in candidates(files, found, bugs=1, seed=s)] for s in (1, 1, 2))
    assert one == same != other
    assert sorted(one) == sorted(other)
    kinds = len({mutant.kind for mutant in found})
    assert len({each.partition(":")[2].rpartition("-")[0] for each in one[:kinds]}) == kinds


def test_several_bugs_of_one_task_stand_apart() -> None:
    files = {"m.py": "def f(a, b):\n    a += 1\n    b -= 2\n    return a < b\n", "n.py": "x = [1, 2]\n"}
    for candidate in candidates(files, list(mutants(files)), bugs=2, seed=0):
        assert candidate.kind == "several"
        assert len(candidate.mutants) == 2
        for text in candidate.files.values():
            ast.parse(text)
