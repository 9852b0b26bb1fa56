"""Reading what endpoints answer, each in its own dialect."""

import pytest

from agent.endpoint.reply import Joined, NotACompletion, read_reply


def test_a_stream_is_joined_to_what_would_have_come_in_one_piece() -> None:
    joined = Joined()
    pieces = [
        joined.add({"model": "m", "choices": [{"index": 0, "delta": {"role": "assistant", "content": "Hel"}}]}),
        joined.add({"choices": [{"index": 1, "delta": {"content": "other"}, "finish_reason": "length"}]}),
        joined.add({"choices": [{"index": 0, "delta": {"content": "lo"}}]}),
    ]
    assert not joined.finished
    joined.add({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    joined.add({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2, "prompt_tokens_details": None}})
    assert joined.finished
    assert pieces == ["Hel", "", "lo"]
    reply = read_reply(joined.raw, {})
    assert [(each.text, each.finish) for each in reply.completions] == [("Hello", "stop"), ("other", "length")]
    assert (reply.model, reply.encoded, reply.cached, reply.decoded) == ("m", 3, 0, 2)


def test_counts_of_each_sample_are_added_up_and_the_prompt_they_share_counts_once() -> None:
    joined = Joined()
    for index, decoded in enumerate((5, 7)):
        joined.add({"choices": [{"index": index, "delta": {"content": "x"}, "finish_reason": "stop"}]})
        joined.add({"choices": [], "usage": {"prompt_tokens": 30, "completion_tokens": decoded}})
    reply = read_reply(joined.raw, {})
    assert (reply.encoded, reply.decoded) == (30, 12)


def test_calls_that_come_in_pieces_are_joined_numbered_or_not() -> None:
    for numbered in (True, False):
        joined = Joined()
        for call, (id_, name, arguments) in enumerate(
            [("x", "a", ""), ("", "", '{"k":'), ("", "", "1}"), ("y", "b", "{}")]
        ):
            place = {"index": 1 if call == 3 else 0} if numbered else {}
            part = {**place, "id": id_ or None, "function": {"name": name, "arguments": arguments}}
            joined.add({"choices": [{"delta": {"tool_calls": [part]}, "finish_reason": "tool_calls"}]})
        calls = read_reply(joined.raw, {"a": "s/a"}).completions[0].message.tool_calls
        assert [(call.id, call.name, call.arguments) for call in calls] == [("x", "s/a", {"k": 1}), ("y", "b", {})]


@pytest.mark.parametrize(
    ("told", "cached"),
    [
        ({"usage": {"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 4}}}, 4),
        ({"usage": {"prompt_tokens": 9, "prompt_cache_hit_tokens": 5}}, 5),
        ({"usage": {"prompt_tokens": 9}, "timings": {"cache_n": 6}}, 6),
        ({"usage": {"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 99}}}, 9),
        ({"usage": None}, 0),
    ],
)
def test_cached_tokens_are_read_in_every_dialect(told: dict[str, object], cached: int) -> None:
    assert read_reply({"choices": [{"message": {"content": ""}}], **told}, {}).cached == cached


def test_content_may_be_missing_or_a_list_of_parts_and_arguments_an_object() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    calls = [{"function": {"name": "t", "arguments": {"k": 1}}}]
    reply = read_reply({"choices": [{"message": {"content": parts, "tool_calls": calls}}, {"message": {}}]}, {})
    first, second = reply.completions
    assert (first.text, first.message.tool_calls[0].arguments, second.text) == ("ab", {"k": 1}, "")


@pytest.mark.parametrize("raw", [None, [], {}, {"choices": []}, {"choices": [{}]}, {"choices": "no"}])
def test_what_is_no_completion_is_told(raw: object) -> None:
    with pytest.raises(NotACompletion):
        read_reply(raw, {})
