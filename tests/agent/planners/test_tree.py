"""The tree planner, over a scripted model."""

from agent import event as kinds
from agent.call import Outcome
from agent.llm import Purpose
from agent.options import Status
from tests.agent.planners.conftest import Model, Tools, plan, ran

LIST = ("list", {})
READ_A = ("read", {"path": "a.txt"})
READ_B = ("read", {"path": "b.txt"})
READ_NONE = ("read", {"path": "none.txt"})


async def test_a_plan_on_which_all_samples_agree_is_made_without_asking_again(box: Tools) -> None:
    done = await ran(Model(plans=[[plan(LIST, READ_A)]]), box)
    assert done.state.status is Status.DONE
    assert done.called == ["list", "read a.txt"]
    assert [ask.purpose for _, ask in done.llm.asked] == [Purpose.PLAN, Purpose.ANSWER]
    assert done.state.answer == "done"
