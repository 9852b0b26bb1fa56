"""The estimate of how many tokens a text takes."""

from hypothesis import given
from hypothesis import strategies as st

from agent.message import Message, ToolCall, user
from agent.tokens import count_message_tokens, count_tokens


def test_four_ascii_characters_are_one_token_and_a_started_one_counts() -> None:
    assert [count_tokens(text) for text in ("", "a", "four", "fours")] == [0, 1, 1, 2]


def test_other_scripts_take_more_tokens_a_character() -> None:
    assert count_tokens("東京都庁") == 3
    assert count_tokens("привет") == 3


def test_half_a_surrogate_pair_is_counted_too() -> None:
    assert count_tokens("\ud83d") == 1


@given(st.text(), st.text())
def test_a_longer_text_never_counts_less_and_parts_never_less_than_the_whole(left: str, right: str) -> None:
    whole = count_tokens(left + right)
    assert max(count_tokens(left), count_tokens(right)) <= whole
    assert whole <= count_tokens(left) + count_tokens(right) + 1  # a pair of surrogates is shorter joined than apart


def test_a_prompt_counts_its_messages_and_their_tool_calls() -> None:
    asked = Message(role="assistant", tool_calls=(ToolCall(id="1", name="time/now", arguments={"zone": "Asia"}),))
    assert count_message_tokens([user("four")]) == 5
    assert count_message_tokens([user("four"), asked]) > 5 + 4
