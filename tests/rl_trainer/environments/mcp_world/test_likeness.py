"""How much of what should change, or did, is right."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from rl_trainer.environments.mcp_world.state import likeness

VALUES = st.recursive(
    st.integers(0, 3), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner)
)
STATES = st.dictionaries(st.sampled_from(["x", "y"]), VALUES)


@settings(max_examples=40)
@given(STATES, STATES, STATES)
def test_likeness_is_a_share_that_is_1_only_at_the_gold(start: Any, gold: Any, found: Any) -> None:
    assert 0 <= likeness(start, gold, found) <= 1
    assert (likeness(start, gold, found) == 1) == (found == gold)
    assert likeness(start, gold, start) == (1 if start == gold else 0)
