"""What the model is told when it plans, decides and answers. What does not change comes first, so it stays cached."""

from collections.abc import Iterable, Sequence

from agent.call import Call, Step
from agent.event import PlannedCall
from agent.fence import FENCE_RULE, fenced
from agent.llm import Option
from agent.message import Message, system, user
from agent.plan import END, key_of
from agent.plan_state import NONE, PlanState
from agent.planner import Context
from agent.references import BadReference, looked_up, references
from agent.state import RunState
from agent.tool_cards import cards
from retrieval.tool import ToolSpec, canonical_json

PLAN_RULES = (
    "You plan how to reach the user's goal with tools, before any of them is called. Answer with one JSON object: "
    '{"steps": [{"tool": "server/name", "arguments": {...}}, ...]}, the steps in the order in which they are made. '
    "Use only the tools that are listed, with all arguments they require. Where an argument is not known before an "
    'earlier step has answered, refer to its result: "$1" is all that step 1 gave, "$1.items[0].id" a value in it. '
    "Use no more steps than the goal needs; no steps when nothing is left to do."
)
DECIDE_RULES = (
    "You carry out one of several plans for the user's goal and choose the next step. Answer with the letters before "
    "your choice and nothing else. END says that the goal is reached. NONE says that none of the steps leads to it."
)
ANSWER_NOW = (
    "(Answer this now, in one or two plain sentences, without calling tools. Take the facts from what the tools gave "
    "above; where something failed or is missing, say so.)"
)

_MEANINGS = {END: "END: the goal is reached", NONE: "NONE: none of these leads to the goal"}
_SHOWN = 1_500
_MENTIONED = 300
_MOST_ERRORS = 6
_ERROR = 600
_MOST_DROPPED = 5


def plan_messages(context: Context, tools: Sequence[ToolSpec], told: Sequence[Message] = ()) -> list[Message]:
    """The prompt that plans are sampled from; `told` is what the new ones must heed."""
    state = context.state
    return [
        system(f"{PLAN_RULES}\n{FENCE_RULE}"),
        user(f"Tools:\n{cards(tools)}"),
        user(f"Goal: {state.goal}"),
        *context.memory.shown(state),
        *_done(state),
        *told,
    ]


def replan_reasons(state: RunState) -> list[Message]:
    """What was wrong with the plans so far, for those that come next."""
    plan = state.plan or PlanState()
    lines: list[str] = []
    if plan.refusal:
        said = plan.refused[-1]
        lines.append(f"A person has refused the last plan{f': {said}' if said else ''}. Plan another way.")
    if plan.none:
        lines.append("None of the steps planned so far leads to the goal from here. Plan another way.")
    return [*([user("\n".join(lines))] if lines else []), *errors_told(state)]


def errors_told(state: RunState) -> list[Message]:
    """The last things that went wrong since a step succeeded, in the tools' own words."""
    errors = state.plan.errors if state.plan else ()
    if not errors:
        return []
    text = "\n".join(f"- {error[:_ERROR]}" for error in errors[-_MOST_ERRORS:])
    return [user(f"These steps went wrong:\n{fenced(text, 'failed steps')}", untrusted=state.untrusted)]


def dropped_told(reasons: Iterable[str]) -> str:
    """What a model is told when none of its plans could be used."""
    lines = [f"- {reason[:_ERROR]}" for reason in dict.fromkeys(reasons)][:_MOST_DROPPED]
    return "\n".join(["That cannot be carried out:", *lines, "Give one plan that can."])


def decide_messages(state: RunState, memory: Sequence[Message], options: Sequence[Option]) -> list[Message]:
    """The prompt of a grounded decision: goal, steps done, what the options need to know, errors, options."""
    plan = state.plan or PlanState()
    listed = "\n".join(f"{option.label}. {_MEANINGS.get(option.text, option.text)}" for option in options)
    texts = {option.text for option in options}
    actions = [node.action for node in plan.here.open_children if node.action and node.key in texts]
    errors = errors_told(state)
    asked = "A corrective choice of step would be:" if errors else "The best choice of step is:"
    return [
        system(f"{DECIDE_RULES}\n{FENCE_RULE}"),
        user(f"Goal: {state.goal}"),
        *memory,
        user(_history(plan)),
        *observations(steps_taken(state), actions),
        *errors,
        user(f"Among these next steps:\n{listed}\n{asked}"),
    ]


def steps_taken(state: RunState) -> list[Step]:
    """The settled steps along the way taken, so that number k is what `$k` refers to."""
    by_id = {step.call.id: step for step in state.steps}
    taken = state.plan.taken if state.plan else ()
    return [by_id[node.call_id] for node in taken if node.call_id in by_id]


def observations(steps: Sequence[Step], actions: Sequence[PlannedCall]) -> list[Message]:
    """What the actions need to know of the results so far, and nothing else (Tree-Planner, section 3.3).

    That is: the last result, the values that their references mean, and lines that name one of their arguments.
    """
    wanted = {str(each): each for action in actions for each in references(action.arguments)}
    names = {name.lower() for action in actions for name in action.arguments}
    messages: list[Message] = []
    for number, step in enumerate(steps, 1):
        parts = [_value(text, steps) for text, each in wanted.items() if each.step == number and each.path]
        whole = number == len(steps) or any(each.step == number and not each.path for each in wanted.values())
        parts.append(step.text[:_SHOWN] if whole else _naming(step.text, names))
        text = "\n".join(part for part in parts if part)
        if text:
            shown = f"Of the result of step {number}:\n{fenced(text, step.call.tool_id)}"
            messages.append(user(shown, untrusted=step.untrusted))
    return messages


def _value(text: str, steps: Sequence[Step]) -> str:
    found = next(iter(references(text)))
    try:
        return f"{text} = {canonical_json(looked_up(found, steps))[:_MENTIONED]}"
    except BadReference as error:
        return str(error)[:_MENTIONED]


def _naming(text: str, names: set[str]) -> str:
    lines = [line for line in text.splitlines() if any(name in line.lower() for name in names)]
    return "\n".join(lines)[:_MENTIONED]


def _history(plan: PlanState) -> str:
    if not plan.taken:
        return "No step was taken so far."
    return "\n".join(["Steps done:", *(f"{number}. {node.key}" for number, node in enumerate(plan.taken, 1))])


def _done(state: RunState) -> list[Message]:
    """The steps taken with their results, and what was seen on ways that were given up."""
    if not state.steps:
        return []
    taken = steps_taken(state)
    numbers = {step.call.id: number for number, step in enumerate(taken, 1)}
    head = f"{_history(state.plan or PlanState())}\nPlan only what is left. Your first step is number {len(taken) + 1}."
    messages = [user(head)]
    for step in state.raw_steps:
        number = numbers.get(step.call.id)
        if number is not None:
            what = f"Result of step {number}"
        elif step.ok:
            what = f"Seen on a way that was given up, by {key_of_call(step.call)}"
        else:
            continue  # it stands among the errors
        messages.append(user(f"{what}:\n{fenced(step.text, step.call.tool_id)}", untrusted=step.untrusted))
    return messages


def key_of_call(call: Call) -> str:
    """A call as the plan tree writes it."""
    return key_of(PlannedCall(tool_id=call.tool_id, arguments=call.arguments))
