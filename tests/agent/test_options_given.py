"""Options of a run as people write them."""

import pytest

from agent.errors import BadAgentSettings
from agent.options import Options
from agent.options_given import pairs, with_options


def test_options_are_written_as_name_and_value() -> None:
    assert with_options(Options(), pairs(["max-steps=3", "planner=react"])) == Options(max_steps=3, planner="react")


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("planner", "is not NAME=VALUE"),
        ("planer=react", "did you mean 'planner'"),
        ("planner=magic", "one of tree, react"),
    ],
)
def test_what_cannot_be_is_said_with_what_can(named: str, said: str) -> None:
    with pytest.raises(BadAgentSettings, match=said):
        with_options(Options(), pairs([named]))
