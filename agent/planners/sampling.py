"""One call, several plans (Tree-Planner, section 3.1): sampled from the goal and the tools, checked, and costed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agent import event as kinds
from agent.action_schema import action_schema
from agent.llm import Ask, JsonShape, Purpose
from agent.message import Message, assistant, user
from agent.plan_prompts import dropped_told, plan_messages, steps_taken
from agent.plan_state import PlanState, plan_after
from agent.planner import Context
from agent.planners.checking import MOST_STEPS, BadPlan, Plan, PlanCheck
from agent.planners.cost import estimate, plans_to_sample
from agent.references import PATTERN
from agent.tokens import count_message_tokens
from mcp_registry.policy import Decision
from retrieval.clauses import clauses
from retrieval.tool import ToolId, ToolSpec

_TEMPERATURE = 0.8
_MOST_TOKENS = 1_024
_MOST_OF_A_SMALL_ONE = (12, 512)
"""Steps and tokens of a plan of a small model: it tends to go on and on."""
_MOST_REASON = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampled:
    """The plans that can be carried out, why others cannot, and what the model saw."""

    plans: tuple[Plan, ...]
    dropped: tuple[str, ...]
    sampled: int
    untrusted: bool
    prompt_tokens: int


async def equipped_tools(context: Context) -> list[ToolSpec]:
    """The tools to plan with; found by the goal and its clauses where the run has none yet."""
    tools = await context.equipment.tools(context)
    if tools:
        return tools
    goal = context.state.goal
    await context.equipment.search(context, list(dict.fromkeys([goal, *clauses(goal)])))
    return await context.equipment.tools(context)


async def sample_plans(
    context: Context, *, n: int | None = None, told: Sequence[Message] = (), most: int = MOST_STEPS
) -> Sampled:
    """Plans of at most so many steps from where the run stands: `n`, or as many as the cost model says.

    Where none is usable, one is asked for again with the reasons.
    """
    tools = await equipped_tools(context)
    messages = plan_messages(context, tools, told)
    tokens = count_message_tokens(messages)
    count = n or plans_to_sample(tokens, context.profile, context.state.options.plans)
    shape = JsonShape(schema=plan_schema(tools, _most_steps(context, most)), name="plan") if tools else None
    texts = await _sampled(context, messages, shape, count)
    plans, dropped = await _checked(context, texts, tools)
    if not plans and dropped:
        messages = [*messages, assistant(texts[0]), user(dropped_told(dropped))]
        again = await _sampled(context, messages, shape, 1)
        plans, still = await _checked(context, again, tools)
        texts, dropped = [*texts, *again], [*dropped, *still]
    untrusted = any(message.untrusted for message in messages)
    return Sampled(
        plans=tuple(plans), dropped=tuple(dropped), sampled=len(texts), untrusted=untrusted, prompt_tokens=tokens
    )


def made_of(context: Context, found: Sampled) -> kinds.PlanMade:
    """The event of a sampling, with what the tree that it gives is expected to cost."""
    state = context.state
    event = kinds.PlanMade(
        plans=found.plans,
        sampled=found.sampled,
        dropped=found.dropped,
        prefix=len(steps_taken(state)),
        untrusted_prompt=found.untrusted,
    )
    after = plan_after(state.plan, event) or PlanState()
    cost = estimate(after.tree, after.at, sampling_tokens=found.prompt_tokens, profile=context.profile)
    return kinds.PlanMade(
        plans=event.plans,
        sampled=event.sampled,
        dropped=event.dropped,
        prefix=event.prefix,
        untrusted_prompt=event.untrusted_prompt,
        cost=cost,
    )


def plan_schema(tools: Sequence[ToolSpec], most: int = MOST_STEPS) -> dict[str, Any]:
    """What one plan is held to: {"steps": [{"tool": id, "arguments": {...}}, ...]}, references let in anywhere."""
    step = _with_references(action_schema(tools, can_search=False, can_finish=False))
    return {
        "type": "object",
        "properties": {"steps": {"type": "array", "items": step, "maxItems": most}},
        "required": ["steps"],
        "additionalProperties": False,
    }


def _most_steps(context: Context, most: int) -> int:
    small = _MOST_OF_A_SMALL_ONE[0] if context.profile.small else most
    return min(most, small, context.state.options.max_steps)


async def _sampled(context: Context, messages: Sequence[Message], shape: JsonShape | None, n: int) -> list[str]:
    ask = Ask(
        purpose=Purpose.PLAN,
        n=n,
        temperature=_TEMPERATURE if n > 1 else 0.0,
        max_tokens=_MOST_OF_A_SMALL_ONE[1] if context.profile.small else _MOST_TOKENS,
        shape=shape,
        seed=context.state.options.seed,
    )
    answer = await context.sample(messages, ask)
    return [completion.text for completion in answer.completions]


async def _checked(context: Context, texts: Sequence[str], tools: Sequence[ToolSpec]) -> tuple[list[Plan], list[str]]:
    """The plans that can be carried out from here, and why each of the others cannot."""
    check = PlanCheck({tool.tool_id: tool for tool in tools})
    state = context.state
    taken = len(steps_taken(state))
    specs = {tool.tool_id: tool for tool in tools}
    plans: list[Plan] = []
    dropped: list[str] = []
    for text in texts:
        try:
            plan = check.read(text, taken=taken)
            _allowed(context, plan, specs)
        except BadPlan as error:
            dropped.append(str(error)[:_MOST_REASON])
        else:
            plans.append(plan)
    return plans, dropped


def _allowed(context: Context, plan: Plan, tools: Mapping[ToolId, ToolSpec]) -> None:
    """
    Raises:
        BadPlan: the policy forbids one of its tools, or it begins with what has failed here before.
    """
    for number, step in enumerate(plan, 1):
        if context.toolbox.standing(tools[step.tool_id]).decision is Decision.DENY:
            raise BadPlan(f"step {number}: the policy does not allow {step.tool_id!r}")
    known = context.state.plan
    failed = known.tree.fails_along(plan, known.at) if known else None
    if failed is not None:
        raise BadPlan(f"{failed.key} has failed here before")


def _with_references(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of an action with a reference let in for every value of its arguments."""
    if "anyOf" in schema:
        return {"anyOf": [_with_references(branch) for branch in schema["anyOf"]]}
    properties = schema["properties"]
    return {**schema, "properties": {**properties, "arguments": _inside(properties["arguments"])}}


def _inside(schema: dict[str, Any]) -> dict[str, Any]:
    made = dict(schema)
    if "properties" in made:
        made["properties"] = {name: _or_reference(part) for name, part in made["properties"].items()}
    if "items" in made:
        made["items"] = _or_reference(made["items"])
    if "anyOf" in made:
        made["anyOf"] = [_inside(branch) for branch in made["anyOf"]]
    return made


def _or_reference(schema: dict[str, Any]) -> dict[str, Any]:
    if not schema or schema == {"type": "string"}:
        return schema
    return {"anyOf": [_inside(schema), {"type": "string", "pattern": PATTERN}]}
