"""The plan tree as a person sees it."""

from agent import event as kinds
from agent.call import Call, Outcome
from agent.event import PlannedCall
from agent.plan import key_of
from agent.plan_picture import picture, to_dict
from agent.plan_state import PlanState, plan_after

_SEARCH = PlannedCall(tool_id="box/search", arguments={"query": "invoice"})
_READ_A = PlannedCall(tool_id="box/read", arguments={"path": "a.txt"})
_READ_B = PlannedCall(tool_id="box/read", arguments={"path": "b.txt"})
_ASK = PlannedCall(tool_id="box/ask", arguments={})


def _state() -> PlanState:
    search, read_a, read_b = map(key_of, (_SEARCH, _READ_A, _READ_B))
    events = [
        kinds.PlanMade(
            plans=((_SEARCH, _READ_A), (_SEARCH, _READ_B), (_ASK,)),
            sampled=4,
            cost={"calls": 1.7, "decisions": 2, "tokens": 1234, "iterative_tokens": 5678},
        ),
        kinds.Decided(path=(search,), by="votes"),
        kinds.Acting(calls=(Call(id="c1", tool_id="box/search", arguments={}, node=(search,)),)),
        kinds.CallSettled(call_id="c1", outcome=Outcome.SUCCEEDED),
        kinds.NodeFailed(path=(search, read_a), error="no such file\nat all"),
        kinds.Decided(path=(search, read_b), by="single"),
    ]
    state: PlanState | None = None
    for event in events:
        state = plan_after(state, event)
    assert state is not None
    return state


def test_the_picture_shows_what_was_taken_what_failed_and_what_is_open() -> None:
    assert picture(_state()).splitlines() == [
        '✓ box/search {"query":"invoice"}  · 2 plans',
        '├─ ✗ box/read {"path":"a.txt"}  · no such file at all',
        "│  └─ – END",
        '└─ ▸ box/read {"path":"b.txt"}',
        "   └─ ○ END",
        "○ box/ask {}",
        "└─ ○ END",
        "expected: calls about 1.7, decisions 2, tokens 1,234 (one action at a time: 5,678)",
    ]


def test_lines_keep_to_the_width() -> None:
    assert all(len(line) <= 40 for line in picture(_state(), width=40).splitlines()[:-1])


def test_the_page_gets_the_same_as_data() -> None:
    (search, ask) = to_dict(_state())["children"]
    assert (search["state"], search["tool"], search["plans"], search["call"]) == ("taken", "box/search", 2, "c1")
    assert [child["state"] for child in search["children"]] == ["failed", "here"]
    assert search["children"][0]["error"] == "no such file\nat all"
    assert ask["state"] == "open"


def test_a_run_without_plans_says_so() -> None:
    assert picture(PlanState()) == "no plan"
