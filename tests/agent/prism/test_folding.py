"""The log is folded when that pays by the price of cached tokens, or when it must be."""

import pytest

from agent.llm import Profile
from agent.prism.folding import folded_if_due, measured_cache_price
from agent.prism.memory import Memory
from agent.prism.schema_source import parse_schema
from agent.revision import Revision
from agent.usage import Usage

_SCHEMA = parse_schema("class Memory:\n facts: dict[str, str]\n long_name_of_a_field: dict[str, dict[str, str]]")


def _memory(adds: int, updates: int = 0, budget: int | None = None) -> Memory:
    memory = Memory(schema=_SCHEMA, budget=budget)
    made = [Revision(op="add", path=("facts", f"key {n}"), value=f"value {n}") for n in range(adds)]
    made += [Revision(op="update", path=("facts", "key 0"), value=f"again {n}") for n in range(updates)]
    return memory.revise(made).memory


def test_a_short_log_stays() -> None:
    assert folded_if_due(_memory(5), cache_price=1.0, calls_left=1_000) is None


def _amended(changes: int, chunks: int) -> Memory:
    """A folded memory of 200 facts, and changes to it from some chunks."""
    memory = _memory(200).fold()
    for chunk in range(chunks):
        more = range(chunk, changes, chunks)
        made = [Revision(op="update", path=("facts", f"key {n}"), value="changed") for n in more]
        memory = memory.revise(made, source=f"chunk {chunk}").memory
    return memory


@pytest.mark.parametrize(("cache_price", "calls_left", "folds"), [(0, 1_000, False), (0.5, 2, False), (0.5, 80, True)])
def test_the_log_is_folded_when_later_prompts_save_more_than_one_miss_costs(
    cache_price: float, calls_left: int, folds: bool
) -> None:
    memory = _amended(60, chunks=20)
    folded = folded_if_due(memory, cache_price=cache_price, calls_left=calls_left)
    assert (folded is not None) is folds
    if folded is not None:
        assert folded.value == memory.value


def test_the_log_is_not_folded_before_it_has_cost_as_much_as_a_miss() -> None:
    assert folded_if_due(_amended(60, chunks=2), cache_price=0.5, calls_left=80) is None
    assert folded_if_due(_amended(60, chunks=2), cache_price=1.0, calls_left=80) is not None


def test_a_log_half_as_long_again_as_its_value_is_folded_at_any_price() -> None:
    assert folded_if_due(_memory(40, updates=120), cache_price=0.0, calls_left=0) is not None


def test_a_log_over_its_budget_is_folded_into_it() -> None:
    folded = folded_if_due(_memory(200, budget=500), cache_price=0.0, calls_left=0)
    assert folded is not None
    assert len(folded.render()) < 4 * 500
    assert len(folded.value["facts"]) == 200


def test_an_endpoint_that_has_nothing_of_shared_prompts_cached_is_charged_in_full() -> None:
    profile = Profile(cache_price=0.1)
    assert measured_cache_price(profile, Usage(encoded=9_000), 5_000) == 1.0
    assert measured_cache_price(profile, Usage(encoded=9_000, cached=2_500), 5_000) == pytest.approx(0.55)
    assert measured_cache_price(profile, Usage(encoded=900), 500) == 0.1
