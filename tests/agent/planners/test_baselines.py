"""The planners that Tree-Planner is measured against."""

from agent import event as kinds
from agent.llm import JsonShape, Purpose
from agent.options import Status
from tests.agent.planners.conftest import Model, Tools, plan, ran

LIST = ("list", {})
READ_A = ("read", {"path": "a.txt"})
READ_B = ("read", {"path": "b.txt"})
READ_NONE = ("read", {"path": "none.txt"})


async def test_react_takes_one_action_at_a_time_and_sees_what_came_of_it(box: Tools) -> None:
    actions = [
        {"tool": "box/list", "arguments": {}},
        {"tool": "box/read", "arguments": {"path": "none.txt"}},
        {"tool": "box/read", "arguments": {"path": "a.txt"}},
        {"answer": "alpha"},
    ]
    done = await ran(Model(actions=actions), box, planner="react")
    assert done.called == ["list", "read none.txt", "read a.txt"]
    assert done.state.answer == "alpha"
    assert done.state.corrections == 1
    assert "no file none.txt" in done.prompts(Purpose.ACT)[2]
    assert [step.call.untrusted_prompt for step in done.steps] == [False, True, True]


async def test_react_searches_for_tools_when_the_model_asks(box: Tools) -> None:
    actions = [{"search": ["read files"]}, {"tool": "box/read", "arguments": {"path": "a.txt"}}, {"answer": "ok"}]
    done = await ran(Model(actions=actions), box, planner="react", equipment="scalemcp")
    assert done.called == ["read a.txt"]
    assert done.of(kinds.Equipped)[0].queries == ("read files",)


async def test_react_that_only_searches_gives_up(box: Tools) -> None:
    done = await ran(Model(actions=[{"search": ["x"]}]), box, planner="react", equipment="scalemcp")
    assert done.state.status is Status.GAVE_UP


async def test_react_counts_a_failure_once_however_often_it_is_resumed(box: Tools) -> None:
    actions = [{"tool": "box/read", "arguments": {"path": "none.txt"}}, {"answer": "no"}]
    done = await ran(Model(actions=actions), box, planner="react")
    cut = next(place for place, event in enumerate(done.events) if isinstance(event, kinds.Replanned))
    again = await ran(Model(actions=actions[1:]), box, planner="react", before=done.events[: cut + 1])
    assert again.state.corrections == 1


async def test_plan_execute_makes_one_plan_and_answers(box: Tools) -> None:
    steps = plan(LIST, ("read", {"path": "$1.files[0]"}))
    done = await ran(Model(plans=[[steps]]), box, planner="plan-execute")
    assert done.called == ["list", "read a.txt"]
    assert done.of(kinds.PlanMade)[0].sampled == 1
    assert done.state.status is Status.DONE


async def test_plan_execute_answers_from_what_there_is_when_a_step_fails(box: Tools) -> None:
    done = await ran(Model(plans=[[plan(LIST, READ_NONE, READ_A)]]), box, planner="plan-execute")
    assert done.called == ["list", "read none.txt"]
    assert done.state.corrections == 0
    assert "A step of the plan failed" in done.prompts(Purpose.ANSWER)[0]


async def test_local_replan_replaces_the_step_that_failed_and_keeps_the_rest(box: Tools) -> None:
    model = Model(plans=[[plan(LIST, READ_NONE, READ_B)], [plan(READ_A)]])
    done = await ran(model, box, planner="local-replan")
    assert done.called == ["list", "read none.txt", "read a.txt", "read b.txt"]
    asked = [ask.shape for _, ask in done.llm.asked if isinstance(ask.shape, JsonShape)]
    assert [shape.schema["properties"]["steps"]["maxItems"] for shape in asked] == [30, 1]
    assert done.state.corrections == 1
    assert done.state.status is Status.DONE


async def test_global_replan_makes_a_whole_new_plan_from_where_it_stands(box: Tools) -> None:
    model = Model(plans=[[plan(LIST, READ_NONE, READ_B)], [plan(READ_A)]])
    done = await ran(model, box, planner="global-replan")
    assert done.called == ["list", "read none.txt", "read a.txt"]
    assert "no file none.txt" in done.prompts(Purpose.PLAN)[1]
    assert "1. box/list {}" in done.prompts(Purpose.PLAN)[1]


async def test_replanning_ends_after_as_many_corrections_as_the_options_say(box: Tools) -> None:
    plans = [[plan(("read", {"path": f"none{number}.txt"}))] for number in range(9)]
    for planner in ("local-replan", "global-replan"):
        done = await ran(Model(plans=plans), box, planner=planner, retries=3)
        assert done.state.status is Status.GAVE_UP
        assert len(done.called) == 4
        assert done.state.corrections == 3


async def test_a_new_plan_that_repeats_what_failed_is_asked_for_again(box: Tools) -> None:
    same, other = plan(READ_NONE), plan(READ_A)
    model = Model(plans=[[same], [same], [same], [other]])
    done = await ran(model, box, planner="global-replan")
    assert done.called == ["read none.txt", "read a.txt"]
    assert done.state.corrections == 2


async def test_replanning_goes_on_where_the_model_does_not_agree_to_the_end(box: Tools) -> None:
    for planner in ("local-replan", "global-replan"):
        done = await ran(Model(plans=[[plan(LIST)], [plan(READ_A)]], said=["NONE"]), box, planner=planner)
        assert done.called == ["list", "read a.txt"]
        assert done.state.corrections == 1
        assert "None of the steps planned so far" in done.prompts(Purpose.PLAN)[1]
