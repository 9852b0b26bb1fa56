"""`run_trial`: one planner on one task with one seed of mistakes, and all that it took."""

from dataclasses import dataclass, field

import msgspec

from agent.deps import Deps
from agent.evaluation.counting import PrefixCounter
from agent.evaluation.mind import Mind, Rates
from agent.evaluation.oracle import PROFILE, OracleLLM
from agent.evaluation.tasks import TOOLS, Task
from agent.evaluation.world_toolbox import WorldToolbox
from agent.event import Sampled
from agent.llm import Profile
from agent.options import Options, Status
from agent.run import run_agent
from agent.usage import Usage


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it. `success` is what the world says, whatever the run says of itself in `status`.

    corrections: as the run counts them (failed steps, plans given up). failed_calls, effects: as the world counts them.
    gold: the steps of a right way from the beginning. purposes: what each kind of question took.
    """

    task: str
    planner: str
    seed: int
    success: bool
    status: Status
    usage: Usage
    calls: int
    failed_calls: int
    effects: int
    corrections: int
    gold: int
    purposes: dict[str, Usage] = {}
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Everything around a planner. remembers: how many prompts the simulated prefix cache keeps; 0 is none.

    others: whether the tools of the other worlds stand in the prompts too.
    """

    rates: Rates = field(default_factory=Rates)
    remembers: int = 8
    profile: Profile = PROFILE
    others: bool = False


async def run_trial(task: Task, options: Options, *, seed: int, setting: Setting) -> Trial:
    """Run the task once, in a world of its own.

    Example:
        await run_trial(draw_task("home", 3), Options(planner="react", equipment="all", memory="full"), seed=1,
                        setting=Setting())
    """
    world = task.world.twin()
    mind = Mind(task, world, rates=setting.rates, seed=seed)
    counter = PrefixCounter(remembers=setting.remembers)
    llm = OracleLLM(mind, seed=seed, counter=counter, profile=setting.profile)
    others = [tool.spec for name, tools in TOOLS.items() if setting.others and name != world.name for tool in tools]
    deps = Deps(llm=llm, toolbox=WorldToolbox(world, others=others))
    run = await run_agent(task.goal, deps, options=options)
    purposes: dict[str, Usage] = {}
    for recorded in await deps.journal.events(run.id):
        if isinstance(recorded.event, Sampled):
            purpose = recorded.event.purpose.value
            purposes[purpose] = purposes.get(purpose, Usage()) + recorded.event.usage
    return Trial(
        task=task.id,
        planner=options.planner,
        seed=seed,
        success=task.reached(world),
        status=run.status,
        usage=run.state.usage,
        calls=len(world.log),
        failed_calls=sum(not made.ok for made in world.log),
        effects=len(world.effects),
        corrections=run.state.corrections,
        gold=len(task.gold),
        purposes=purposes,
        reason=run.state.reason,
    )
