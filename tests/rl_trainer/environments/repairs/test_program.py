import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rl_trainer.environments.repairs.grammar import HEAD, LineRefused, canonical, parse
from rl_trainer.environments.repairs.program import INDENTS, results
from rl_trainer.environments.repairs.specs import SLOTS, right_lines

_LINES = st.sampled_from(
    [
        *itertools.chain.from_iterable(slot.lines.values() for slot in SLOTS),
        "x = 2",
        "s = s * s",
        "if s > x :",
        "for s in a :",
    ]
)
_INPUTS = st.lists(st.integers(0, 6), max_size=6).map(tuple)


def in_python(lines: tuple[str, ...], given: tuple[int, ...]) -> int | None:
    """What Python itself gives for lines that were made here."""
    source = "\n".join("    " * indent + line for line, indent in zip(lines, INDENTS, strict=True))
    names: dict[str, object] = {}
    try:
        exec(source, names)
        function = names["f"]
        assert callable(function)
        found = function(list(given))
    except (SyntaxError, NameError):
        return None
    return found if isinstance(found, int) and abs(found) < 10**9 else None


@given(st.tuples(*[_LINES] * 5), _INPUTS)
def test_programs_give_what_python_gives(lines: tuple[str, ...], given: tuple[int, ...]) -> None:
    program = (HEAD, *lines)
    (found,) = results(program, (given,))
    if found is not None or program.count("s = s * s") == 0:
        assert found == in_python(program, given)


def test_a_spec_is_run_as_its_words_say() -> None:
    program = right_lines(("one", "rest", "even", "minus", "double"))
    assert program == (HEAD, "s = 1", "for x in a[1:] :", "if x % 2 == 0 :", "s = s - x", "return s * 2")
    assert results(program, ((4, 2, 3, 4), ())) == (-10, 2)


def test_a_number_that_grows_without_end_is_a_failure_and_takes_no_time() -> None:
    program = (HEAD, "s = 3", "for x in a :", "if x < 9 :", "s = s * s", "return s")
    assert results(program, ((1,) * 6,)) == (None,)


@pytest.mark.parametrize("place", range(1, 6))
def test_a_line_in_a_place_where_python_would_not_have_it_fails_every_test(place: int) -> None:
    lines = list(right_lines(("one", "all", "above", "sum", "plain")))
    lines[place] = HEAD
    assert results(tuple(lines), ((1, 2),)) == (None,)


def test_the_spelling_of_a_line_does_not_matter() -> None:
    assert canonical("  if x%2==0: ") == "if x % 2 == 0 :"
    assert canonical("for x in a[1:]:") == "for x in a[1:] :"
    assert canonical("if x > 2") == "if x > 2 :"
    assert canonical("def f(a) :") == HEAD
    assert parse("if x%2==0:") == parse("if x % 2 == 0 :")


def test_a_long_line_is_refused() -> None:
    with pytest.raises(LineRefused):
        parse("s = s" + " " * 60)
