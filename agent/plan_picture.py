"""A plan tree as a picture in text, and as plain data for a page."""

from typing import Any

from agent.call import Outcome
from agent.plan import END, Mark, Node, Path
from agent.plan_state import PlanState

_SIGNS = {"taken": "✓", "here": "▸", "failed": "✗", "abandoned": "–", "open": "○"}
_ERROR = 60


def picture(plan: PlanState, *, width: int = 110) -> str:
    """The tree, a line a step: ✓ taken, ▸ where the run is, ✗ failed, – given up, ○ open; and what it should cost.

    Example:
        ✓ files/search {"query":"invoice"}  · 3 plans
        ├─ ✗ files/read {"path":"a.txt"}  · not found
        └─ ▸ files/read {"path":"b.txt"}  · 2 plans
           └─ ○ END
    """
    lines: list[str] = []
    for child in plan.tree.root.children:
        lines += _drawn(plan, child, (child.key,), width)
    return "\n".join([*(lines or ["no plan"]), *_priced(plan.cost)])


def to_dict(plan: PlanState) -> dict[str, Any]:
    """The tree as JSON: nested nodes with key, tool, arguments, state, plans, error and call, and the run's place."""
    return {
        "at": list(plan.at),
        "sampled": plan.made,
        "errors": list(plan.errors),
        "awaits_review": plan.awaits_review,
        "cost": plan.cost,
        "children": [_as_dict(plan, child, (child.key,)) for child in plan.tree.root.children],
    }


def state_of(plan: PlanState, node: Node, path: Path) -> str:
    """taken, here, failed, abandoned or open."""
    if node.mark is not Mark.OPEN:
        return node.mark.value
    above = (plan.tree.node(path[:depth]) for depth in range(1, len(path)))
    if any(each is not None and each.mark is not Mark.OPEN for each in above):
        return "abandoned"
    if path == plan.at:
        return "failed" if node.outcome not in {None, Outcome.SUCCEEDED} else "here"
    return "taken" if path == plan.at[: len(path)] else "open"


def _drawn(plan: PlanState, node: Node, path: Path, width: int) -> list[str]:
    lines = [_line(plan, node, path, width)]
    for place, child in enumerate(node.children):
        last = place == len(node.children) - 1
        below = _drawn(plan, child, (*path, child.key), max(width - 3, 30))
        lines.append(f"{'└' if last else '├'}─ {below[0]}")
        lines += [f"{' ' if last else '│'}  {line}" for line in below[1:]]
    return lines


def _line(plan: PlanState, node: Node, path: Path, width: int) -> str:
    state = state_of(plan, node, path)
    notes = [_cut(node.error, _ERROR)] if node.error else []
    notes += [f"{node.plans} plans"] if node.plans > 1 else []
    tail = "".join(f"  · {note}" for note in notes)[: width // 2]
    return f"{_SIGNS[state]} {_cut(node.key, width - len(tail) - 2)}{tail}"


def _priced(cost: dict[str, float]) -> list[str]:
    if not cost:
        return []
    parts = [f"calls about {cost.get('calls', 0):g}", f"decisions {cost.get('decisions', 0):g}"]
    parts.append(f"tokens {cost.get('tokens', 0):,.0f} (one action at a time: {cost.get('iterative_tokens', 0):,.0f})")
    parts += [f"USD {cost['usd']:g}"] if cost.get("usd") else []
    return [f"expected: {', '.join(parts)}"]


def _as_dict(plan: PlanState, node: Node, path: Path) -> dict[str, Any]:
    return {
        "key": node.key,
        "tool": node.action.tool_id if node.action else None,
        "arguments": node.action.arguments if node.action else None,
        "end": node.key == END,
        "state": state_of(plan, node, path),
        "plans": node.plans,
        "error": node.error,
        "call": node.call_id,
        "children": [_as_dict(plan, child, (*path, child.key)) for child in node.children],
    }


def _cut(text: str, most: int) -> str:
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return line if len(line) <= most else f"{line[: most - 1]}…"
