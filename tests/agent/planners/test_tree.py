"""The tree planner, over a scripted model."""

from collections.abc import Mapping
from typing import Any

from agent import event as kinds
from agent.compensation import Compensation
from agent.llm import Profile, Purpose
from agent.options import Status
from mcp_registry.policy import Decision
from mcp_registry.result import ToolResult
from tests.agent.planners.conftest import WRITES, Model, Tools, plan, ran, tool

LIST = ("list", {})
READ_A = ("read", {"path": "a.txt"})
READ_B = ("read", {"path": "b.txt"})
READ_NONE = ("read", {"path": "none.txt"})
WRITE = ("write", {"path": "c.txt", "text": "x"})
DELETE_A = ("delete", {"path": "a.txt"})


async def test_a_plan_on_which_all_samples_agree_is_made_without_asking_but_for_its_end(box: Tools) -> None:
    done = await ran(Model(plans=[[plan(LIST, READ_A)]]), box)
    assert done.state.status is Status.DONE
    assert done.called == ["list", "read a.txt"]
    assert done.purposes == [Purpose.PLAN, Purpose.DECIDE, Purpose.ANSWER]
    assert "END. END: the goal is reached" in done.prompts(Purpose.DECIDE)[0]
    assert done.state.answer == "done"


async def test_where_plans_part_the_model_chooses_once(box: Tools) -> None:
    model = Model(plans=[[plan(LIST, READ_A), plan(LIST, READ_B)]], prefers=["b.txt"])
    done = await ran(model, box)
    assert done.called == ["list", "read b.txt"]
    assert done.purposes == [Purpose.PLAN, Purpose.DECIDE, Purpose.DECIDE, Purpose.ANSWER]
    decided = next(event for event in done.of(kinds.Decided) if event.by != "single")
    assert decided.by == "votes"
    assert decided.votes == {'box/read {"path":"b.txt"}': 1.0}


async def test_after_a_failure_the_others_are_decided_on_with_the_error_in_view(box: Tools) -> None:
    model = Model(plans=[[plan(LIST, READ_NONE), plan(LIST, READ_A), plan(LIST, READ_B)]], prefers=["none", "b.txt"])
    done = await ran(model, box)
    assert done.called == ["list", "read none.txt", "read b.txt"]
    assert done.state.corrections == 1
    again = done.prompts(Purpose.DECIDE)[1]
    assert "no file none.txt" in again
    assert "A corrective choice" in again
    assert '{"path":"none.txt"}' not in again.split("Among these next steps:")[1]


async def test_what_was_climbed_past_is_no_part_of_the_history(box: Tools) -> None:
    """The paper's code keeps one retracted action in the history that it shows (its `plan[:t+1]`)."""
    plans = [
        plan(LIST, READ_A, READ_NONE),
        plan(LIST, ("wait", {"seconds": 1}), READ_B),
        plan(LIST, ("wait", {"seconds": 2}), READ_B),
    ]
    done = await ran(Model(plans=[plans], prefers=["a.txt", '{"seconds":1}']), box)
    assert done.called == ["list", "read a.txt", "read none.txt", "wait 1", "read b.txt"]
    (climbed,) = done.of(kinds.Climbed)
    assert climbed.path == ("box/list {}",)
    last = done.prompts(Purpose.DECIDE)[-2]
    history = last.split("Steps done:")[1].split("These steps went wrong")[0]
    assert "a.txt" not in history.splitlines()[1]
    assert "2. " not in history
    assert done.state.plan is not None
    assert [node.key for node in done.state.plan.taken] == [
        "box/list {}",
        'box/wait {"seconds":1}',
        'box/read {"path":"b.txt"}',
        "END",
    ]


async def test_a_success_that_changed_something_is_not_gone_back_past(box: Tools) -> None:
    model = Model(plans=[[plan(WRITE, READ_NONE), plan(READ_A)], [plan(READ_B)]], prefers=["c.txt"])
    done = await ran(model, box)
    assert done.called == ["write c.txt x", "read none.txt", "read b.txt"]
    assert not done.of(kinds.Climbed)
    assert model.samplings == 2
    told = done.prompts(Purpose.PLAN)[1]
    assert '1. box/write {"path":"c.txt","text":"x"}' in told
    assert "Your first step is number 2" in told
    assert "no file none.txt" in told


async def test_a_step_that_can_be_taken_back_is_taken_back_first(box: Tools, files: dict[str, str]) -> None:
    model = Model(plans=[[plan(WRITE, READ_NONE), plan(READ_A)]], prefers=["c.txt"])
    undo = {"box/write": Compensation(tool_id="box/delete", arguments={"path": "$arguments.path"})}
    done = await ran(model, box, compensations=undo)
    assert done.called == ["write c.txt x", "read none.txt", "delete c.txt", "read a.txt"]
    assert "c.txt" not in files
    assert done.state.plan is not None
    assert [node.key for node in done.state.plan.taken] == ['box/read {"path":"a.txt"}', "END"]


async def test_when_taking_back_fails_the_run_stays_where_it_is(box: Tools) -> None:
    model = Model(plans=[[plan(WRITE, READ_NONE), plan(READ_A)], [plan(READ_B)]], prefers=["c.txt"])
    undo = {"box/write": Compensation(tool_id="box/delete", arguments={"path": "nowhere"})}
    done = await ran(model, box, compensations=undo)
    assert done.called == ["write c.txt x", "read none.txt", "delete nowhere", "read b.txt"]
    assert done.state.status is Status.DONE


async def test_plans_that_cannot_be_carried_out_are_dropped_with_the_reason(box: Tools) -> None:
    plans = [
        plan(("fly", {})),
        plan(("read", {"file": "a.txt"})),
        plan(LIST, ("read", {"path": "$2.files"})),
        "no plan at all",
        plan(("wait", {"seconds": "3"})),
    ]
    done = await ran(Model(plans=[plans]), box, plans=5)
    (made,) = done.of(kinds.PlanMade)
    assert made.sampled == 5
    assert [len(each) for each in made.plans] == [1]
    assert made.plans[0][0].arguments == {"seconds": 3}
    reasons = "\n".join(made.dropped)
    assert "there is no tool 'box/fly'" in reasons
    assert "'path' is required" in reasons
    assert "$2.files is no result of a step before it" in reasons
    assert "no JSON" in reasons
    assert done.called == ["wait 3"]


async def test_references_are_filled_in_from_earlier_results(box: Tools) -> None:
    done = await ran(Model(plans=[[plan(LIST, ("read", {"path": "$1.files.1"}))]]), box)
    assert done.called == ["list", "read b.txt"]
    call = done.steps[1].call
    assert call.filled_from == (done.steps[0].call.id,)
    assert not call.untrusted_prompt


async def test_a_reference_that_leads_nowhere_fails_its_step_without_a_call(box: Tools) -> None:
    plans = [plan(LIST, ("read", {"path": "$1.names[0]"})), plan(LIST, READ_A)]
    done = await ran(Model(plans=[plans], prefers=["names"]), box)
    assert done.called == ["list", "read a.txt"]
    (failed,) = done.of(kinds.NodeFailed)
    assert "there are files" in failed.error


async def test_none_leads_to_new_plans_from_here(box: Tools) -> None:
    model = Model(plans=[[plan(LIST, READ_A), plan(LIST, READ_B)], [plan(DELETE_A)]], said=["NONE"])
    done = await ran(model, box)
    assert done.called == ["list", "delete a.txt"]
    assert "None of the steps planned so far" in done.prompts(Purpose.PLAN)[1]
    assert done.steps[1].call.untrusted_prompt, "a tool's text stood in the prompt of the second sampling"
    assert done.state.corrections == 1


async def test_without_new_plans_one_step_is_taken_without_a_plan(box: Tools) -> None:
    action = {"tool": "box/read", "arguments": {"path": "b.txt"}}
    model = Model(plans=[[plan(READ_NONE)], [plan()]], actions=[action])
    done = await ran(model, box, resamples=0)
    assert done.called == ["read none.txt", "read b.txt"]
    assert [event.by for event in done.of(kinds.Decided)] == ["single", "reactive", "votes"]
    assert done.state.status is Status.DONE


async def test_the_step_without_a_plan_may_search_for_tools_or_be_the_answer(box: Tools) -> None:
    model = Model(plans=[[plan(READ_NONE)]], actions=[{"search": ["read files"]}, {"answer": "there is no such file"}])
    done = await ran(model, box, resamples=0, equipment="scalemcp")
    assert done.called == ["read none.txt"]
    assert done.state.answer == "there is no such file"


async def test_a_literal_dollar_in_a_step_without_a_plan_stays_one(box: Tools) -> None:
    action = {"tool": "box/read", "arguments": {"path": "$1"}}
    done = await ran(Model(plans=[[plan(LIST, READ_NONE)]], actions=[action]), box, resamples=0)
    assert done.called[:3] == ["list", "read none.txt", "read $1"]


async def test_when_nothing_leads_on_the_run_gives_up_and_says_why(box: Tools) -> None:
    action = {"tool": "box/read", "arguments": {"path": "none.txt"}}
    done = await ran(Model(plans=[[plan(READ_NONE)]], actions=[action]), box, resamples=1)
    assert done.state.status is Status.GAVE_UP
    assert "no file none.txt" in done.state.reason
    assert done.called == ["read none.txt"]


async def test_no_more_failures_are_corrected_than_the_options_say(box: Tools) -> None:
    plans = [plan(("read", {"path": f"none{number}.txt"})) for number in range(6)]
    done = await ran(Model(plans=[plans]), box, plans=6, retries=2)
    assert done.state.status is Status.GAVE_UP
    assert len(done.called) == 3
    assert "retries" in done.state.reason


async def test_an_end_that_the_model_does_not_agree_to_leads_to_new_plans(box: Tools) -> None:
    model = Model(plans=[[plan(LIST)], [plan(READ_A)]], said=["NONE"])
    done = await ran(model, box)
    assert done.called == ["list", "read a.txt"]


async def test_new_plans_that_end_at_the_same_place_are_believed(box: Tools) -> None:
    done = await ran(Model(plans=[[plan(LIST)], [plan()]], prefers=["NONE"]), box)
    assert done.called == ["list"]
    assert done.state.status is Status.DONE


async def test_an_empty_plan_goes_straight_to_the_answer(box: Tools) -> None:
    done = await ran(Model(plans=[[plan()]], answer='{"answer": "42"}'), box)
    assert (done.called, done.state.answer) == ([], "42")


async def test_an_unknown_outcome_is_neither_repeated_nor_gone_back_past(box: Tools) -> None:
    def lost(_: Mapping[str, Any]) -> ToolResult:
        return ToolResult.error("the connection broke", unknown=True)

    send = (tool("send", "to", hints=WRITES), lost)
    sent = ("send", {"to": "x"})
    model = Model(plans=[[plan(LIST, READ_A, sent), plan(READ_B)], [plan(sent)], [plan(READ_B)]], prefers=["list"])
    done = await ran(model, [*box, send])
    assert done.called == ["list", "read a.txt", "send x", "read b.txt"]
    assert not done.of(kinds.Climbed)
    (failed,) = done.of(kinds.NodeFailed)
    assert "nobody knows whether it ran" in failed.error


async def test_what_the_policy_denies_is_in_no_plan(box: Tools) -> None:
    model = Model(plans=[[plan(DELETE_A), plan(READ_A)]], prefers=["delete"])
    done = await ran(model, box, decisions={"box/delete": Decision.DENY})
    assert done.called == ["read a.txt"]
    assert "the policy does not allow 'box/delete'" in done.of(kinds.PlanMade)[0].dropped[0]


async def test_tools_are_searched_for_by_the_goal_when_there_are_none(box: Tools) -> None:
    done = await ran(Model(plans=[[plan(READ_A)]]), box, equipment="scalemcp")
    assert done.called == ["read a.txt"]
    assert done.of(kinds.Equipped)[0].queries[0] == "tidy the box"


async def test_wherever_it_is_cut_off_a_run_goes_on_to_the_same_end(box: Tools) -> None:
    plans = [plan(LIST, READ_NONE, READ_A), plan(LIST, READ_B), plan(("wait", {"seconds": 1}), READ_A)]
    model = Model(plans=[plans], prefers=["list", "none", "b.txt"])
    whole = await ran(model, box)
    expected = [(step.call.tool_id, step.outcome) for step in whole.steps]
    for cut in range(1, len(whole.events)):
        again = await ran(Model(plans=[plans], prefers=["list", "none", "b.txt"]), box, before=whole.events[:cut])
        assert [(step.call.tool_id, step.outcome) for step in again.steps] == expected, cut
        assert again.state.status is Status.DONE


async def test_a_choice_that_cannot_be_read_falls_back_to_what_most_plans_share(box: Tools) -> None:
    model = Model(plans=[[plan(READ_A), plan(READ_B), plan(READ_B)]], mumbles=True)
    done = await ran(model, box)
    assert done.called == ["read b.txt"]
    assert done.of(kinds.Decided)[0].by == "fallback"
    assert "could not be read" in done.state.notes[0]


async def test_an_endpoint_without_samples_or_logprobs_is_asked_once(box: Tools) -> None:
    model = Model(plans=[[plan(READ_A), plan(READ_B)]], prefers=["b.txt"], profile=Profile(shapes="grammar"))
    done = await ran(model, box)
    assert done.of(kinds.Decided)[0].by == "answer"
    assert done.called == ["read b.txt"]


async def test_reads_that_do_not_wait_for_each_other_are_made_side_by_side(box: Tools) -> None:
    copy = ("read", {"path": "$1.files[1]"})
    done = await ran(Model(plans=[[plan(LIST, READ_A, copy, WRITE, READ_B)]]), box)
    batches = [[call.tool_id for call in event.calls] for event in done.of(kinds.Acting)]
    assert batches == [["box/list", "box/read"], ["box/read"], ["box/write"], ["box/read"]]
    assert done.state.status is Status.DONE


async def test_of_reads_side_by_side_the_first_that_fails_is_the_one_to_correct(box: Tools) -> None:
    model = Model(plans=[[plan(LIST, READ_NONE, READ_A), plan(LIST, READ_B)]], prefers=["none"])
    done = await ran(model, box)
    assert done.called == ["list", "read none.txt", "read a.txt", "read b.txt"]
    (failed,) = done.of(kinds.NodeFailed)
    assert failed.path == ("box/list {}", 'box/read {"path":"none.txt"}')
    assert done.state.plan is not None
    assert [node.key for node in done.state.plan.taken][1:] == ['box/read {"path":"b.txt"}', "END"]
