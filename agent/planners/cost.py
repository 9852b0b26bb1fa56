"""What plans cost in tokens before they are made (Tree-Planner, arXiv 2310.08582, section 4.3), and how many to sample.

With rho_ps, rho_gd and rho_ip the tokens of a prompt for sampling plans, for deciding among children and for one
action at a time; |a| those of an action, M the actions of a plan, N the plans, B the places on the way where there is
something to decide, phi the tokens of a decision:

    iterative   M (rho_ip + |a|)
    tree        rho_ps + N M |a| + B (rho_gd + phi)

A tree is cheaper up to N_c = 1 + ((1 - 1/M) rho_ps - 1) / |a| plans. Where a cached token costs alpha of an encoded
one, the iterative prompts after the first are cheap, and N_c(alpha) = 1 + (alpha (1 - 1/M) rho_ps - 1) / |a|.
"""

import math
from dataclasses import dataclass

from agent.llm import Profile
from agent.plan import Path, PlanTree
from agent.tokens import count_tokens

PHI = 2
"""A decision is a label and the end of the text."""
_STEPS = 5
_ACTION = 40
"""Tokens of an action as JSON with its arguments, before any was seen."""
_FEWEST, _MOST = 2, 4
"""Beyond a few plans success does not grow any more, and every further one is paid for (docs/decisions/012)."""
_MOST_ONE_BY_ONE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """The symbols of the model, in tokens: steps is M, action |a|, sampling rho_ps, deciding rho_gd, acting rho_ip."""

    steps: float
    action: float
    sampling: float
    deciding: float
    acting: float


def iterative_tokens(sizes: Sizes) -> float:
    """What one action at a time costs (ReAct)."""
    return sizes.steps * (sizes.acting + sizes.action)


def tree_tokens(sizes: Sizes, *, plans: float, branchings: float) -> float:
    """What a tree of plans costs from its sampling to its end."""
    return sizes.sampling + plans * sizes.steps * sizes.action + branchings * (sizes.deciding + PHI)


def break_even_plans(sizes: Sizes, *, cache_price: float = 1.0) -> float:
    """N_c(alpha): up to so many plans a tree is cheaper than one action at a time, if each step is a decision.

    Example:
        rho_ps 2,000, |a| 10, M 10: 180.9 at a cache price of 1, 18.9 at 0.1
    """
    return 1 + (cache_price * (1 - 1 / sizes.steps) * sizes.sampling - 1) / sizes.action


def plans_to_sample(prompt_tokens: int, profile: Profile, wanted: int | None = None) -> int:
    """How many plans to ask for: as many as still pay off at the endpoint's prices, 2 to 4; `wanted` goes first.

    A plan's tokens are decoded, and count by that price. An endpoint that cannot give several samples in one call is
    asked for 3 at most: each costs it a prompt. A small model is asked for one, which it then writes without chance:
    what it writes by chance is seldom right.
    """
    if wanted is not None:
        return max(1, wanted)
    if profile.small:
        return 1
    action = _ACTION * profile.decode_price
    sizes = Sizes(steps=_STEPS, action=action, sampling=prompt_tokens, deciding=prompt_tokens, acting=prompt_tokens)
    most = _MOST if profile.samples else _MOST_ONE_BY_ONE
    return max(_FEWEST, min(most, math.floor(break_even_plans(sizes, cache_price=profile.cache_price))))


def estimate(tree: PlanTree, at: Path, *, sampling_tokens: int, profile: Profile) -> dict[str, float]:
    """What the plans below a place are expected to take, each as likely as it was sampled.

    calls: of tools. decisions: of the model. tokens: of the plans that were sampled and of the decisions to come.
    iterative_tokens: of one action at a time instead. usd: of `tokens`, where the endpoint has prices.
    """
    ways = [(path[len(at) :], _weight(tree, path)) for path in tree.paths(at)]
    total = sum(weight for _, weight in ways)
    if not total:
        return {}
    steps = sum((len(path) - 1) * weight for path, weight in ways) / total
    decisions = sum(_decisions(tree, at, path) * weight for path, weight in ways) / total
    plans = sum(child.plans for child in tree.open_children(at))
    lengths = [count_tokens(key) for path, _ in ways for key in path]
    sizes = Sizes(
        steps=max(steps, 1.0),
        action=sum(lengths) / len(lengths),
        sampling=sampling_tokens,
        deciding=sampling_tokens / 2,
        acting=sampling_tokens,
    )
    decoded = plans * steps * sizes.action + decisions * PHI
    encoded = sampling_tokens + decisions * sizes.deciding
    return {
        "calls": round(steps, 2),
        "decisions": round(decisions, 2),
        "tokens": round(encoded + decoded),
        "iterative_tokens": round(iterative_tokens(sizes)),
        "usd": round((encoded + decoded * profile.decode_price) * profile.encode_usd / 1e6, 6),
    }


def _weight(tree: PlanTree, path: Path) -> int:
    node = tree.node(path)
    return node.plans if node else 0


def _decisions(tree: PlanTree, at: Path, way: Path) -> int:
    """At how many places of a way the model is asked: where there are several children, and at its end."""
    several = sum(len(tree.open_children((*at, *way[:depth]))) > 1 for depth in range(len(way)))
    ends_alone = len(way) > 1 and len(tree.open_children((*at, *way[:-1]))) == 1
    return several + ends_alone
