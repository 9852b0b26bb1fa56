"""The token model: what plans cost, and how many of them pay off."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import event as kinds
from agent.llm import Profile
from agent.planners.cost import PHI, Sizes, break_even_plans, iterative_tokens, plans_to_sample, tree_tokens
from tests.agent.planners.conftest import Model, Tools, plan, ran

_PAPER = Sizes(steps=10, action=10, sampling=2_000, deciding=2_000, acting=2_000)


@pytest.mark.parametrize(("price", "plans"), [(1.0, 181), (0.5, 91), (0.25, 46), (0.1, 19)])
def test_the_break_even_is_that_of_the_formula(price: float, plans: int) -> None:
    assert round(break_even_plans(_PAPER, cache_price=price)) == plans


@given(st.integers(2, 40), st.integers(5, 200), st.integers(500, 20_000))
def test_below_the_break_even_a_tree_is_cheaper_even_if_every_step_is_a_decision(m: int, action: int, rho: int) -> None:
    """With rho_gd + phi for each decision instead of rho_ps; decisions see less, here nothing but the decision."""
    sizes = Sizes(steps=m, action=action, sampling=rho, deciding=0, acting=rho)
    plans = break_even_plans(sizes)
    assert tree_tokens(sizes, plans=plans - 1, branchings=m) <= iterative_tokens(sizes) + m * PHI


def test_fewer_plans_are_sampled_where_a_cached_token_costs_less() -> None:
    def wanted(price: float) -> int:
        return plans_to_sample(3_000, Profile(samples=True, cache_price=price))

    assert wanted(0.0) <= wanted(0.1) <= wanted(0.5) <= wanted(1.0) == 4
    assert wanted(0.0) == 2


def test_an_endpoint_that_samples_one_by_one_is_asked_for_few() -> None:
    assert plans_to_sample(3_000, Profile(samples=False, cache_price=1.0)) == 3
    assert plans_to_sample(3_000, Profile(samples=False), 7) == 7


async def test_a_tree_says_what_it_is_expected_to_cost(box: Tools) -> None:
    plans = [plan(("list", {}), ("read", {"path": "a.txt"})), plan(("list", {}))]
    profile = Profile(shapes="response_format", samples=True, encode_usd=1.0)
    done = await ran(Model(plans=[plans], profile=profile), box, plans=2)
    cost = done.of(kinds.PlanMade)[0].cost
    assert (cost["calls"], cost["decisions"]) == (1.5, 1.5)
    assert cost["tokens"] > 0
    assert cost["usd"] > 0
