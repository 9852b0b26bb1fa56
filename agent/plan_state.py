"""`PlanState`: the plan tree of a run and the place in it, folded from the run's events."""

from dataclasses import dataclass, field, replace

from agent import event as kinds
from agent.call import Outcome
from agent.event import Event
from agent.plan import Node, Path, PlanTree

NONE = "NONE"
"""The last key of a decision for no child."""

UNDO = "UNDO"
"""The last key of a call that takes back the step before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanState:
    """Where a run stands in its plans.

    at: the steps taken, and so the history: what was climbed past is not in it. made: how often plans were sampled.
    reactive: steps that were taken without a plan. errors: what went wrong since the last step that succeeded. none:
    the model found that no child fits; doubted: where it did so last. calls: the place of every call that was made for
    the tree. stuck: steps that could not be taken back. refused: what people said about plans they did not want; the
    last is still to be heeded where `refusal`. corrected: the last call that a planner without a tree has corrected.
    """

    tree: PlanTree = field(default_factory=PlanTree)
    at: Path = ()
    made: int = 0
    reactive: int = 0
    errors: tuple[str, ...] = ()
    none: bool = False
    doubted: Path | None = None
    calls: dict[str, Path] = field(default_factory=dict[str, Path])
    stuck: tuple[Path, ...] = ()
    review: kinds.ReviewAsked | None = None
    reviewed: bool = False
    approved: tuple[str, ...] = ()
    """The hashes of the calls that were approved with a plan, each as often as it may be made."""
    refused: tuple[str, ...] = ()
    refusal: bool = False
    corrected: str = ""
    cost: dict[str, float] = field(default_factory=dict[str, float])

    @property
    def awaits_review(self) -> bool:
        """Whether a person is to look at the plans."""
        return self.review is not None

    @property
    def here(self) -> Node:
        """The node of the last step taken, or the root."""
        return self.tree.node(self.at) or self.tree.root

    @property
    def taken(self) -> tuple[Node, ...]:
        """The nodes from the first step taken to the last."""
        nodes = (self.tree.node(self.at[:depth]) for depth in range(1, len(self.at) + 1))
        return tuple(node for node in nodes if node is not None)


def plan_after(plan: PlanState | None, event: Event) -> PlanState | None:
    """The plan's state with one more event of the run; None until there is something to tell."""
    match event:
        case kinds.PlanMade() | kinds.Replanned():
            return _changed(plan or PlanState(), event)
        case _:
            return _changed(plan, event) if plan else None


def _changed(plan: PlanState, event: Event) -> PlanState:
    match event:
        case kinds.PlanMade(plans=plans, untrusted_prompt=untrusted, cost=cost):
            tree = plan.tree.graft(plans, plan.at, untrusted=untrusted)
            return replace(plan, tree=tree, made=plan.made + 1, none=False, refusal=False, reviewed=False, cost=cost)
        case kinds.ReviewAsked():
            return replace(plan, review=event)
        case kinds.PlanApproved(hashes=hashes):
            covered = hashes or (plan.review.hashes if plan.review else ())
            return replace(plan, review=None, reviewed=True, approved=plan.approved + covered)
        case kinds.PlanRefused(reason=reason):
            tree = plan.tree.abandon_below(plan.at)
            return replace(plan, tree=tree, review=None, refused=(*plan.refused, reason), refusal=True)
        case kinds.Acting() | kinds.CallSettled() | kinds.Forked():
            return _called(plan, event)
        case _:
            return _moved(plan, event)


def _moved(plan: PlanState, event: Event) -> PlanState:
    match event:
        case kinds.Decided(path=(*parent, key)) if key == NONE:
            return replace(plan, tree=plan.tree.abandon_below(tuple(parent)), none=True, doubted=tuple(parent))
        case kinds.Decided(path=path, by=by, untrusted=untrusted):
            tree = plan.tree.doubted(path) if untrusted else plan.tree
            return replace(plan, tree=tree, at=path, none=False, reactive=plan.reactive + (by == "reactive"))
        case kinds.NodeFailed(path=path, error=error):
            return _failed(plan, path, error)
        case kinds.Replanned(error=error, path=path, call_id=call_id):
            plan = _failed(plan, path, error) if path else plan
            return replace(plan, corrected=call_id or plan.corrected)
        case kinds.Climbed(path=path, error=error):
            errors = (*plan.errors, error) if error else plan.errors
            return replace(_back(plan, path), errors=errors, none=False)
        case _:
            return plan


def _failed(plan: PlanState, path: Path, error: str) -> PlanState:
    return replace(plan, tree=plan.tree.fail(path, error), at=path[:-1], errors=(*plan.errors, f"{path[-1]}: {error}"))


def _back(plan: PlanState, path: Path) -> PlanState:
    """The run is at `path` again; the way it had gone from there is given up, and no part of its history."""
    return replace(plan, tree=plan.tree.abandon(plan.at[: len(path) + 1]), at=path)


def _called(plan: PlanState, event: Event) -> PlanState:
    match event:
        case kinds.Acting(calls=calls):
            tree = plan.tree
            for call in calls:
                tree = tree.called(call.node, call.id, None) if call.node else tree
            places = {call.id: call.node for call in calls if call.node}
            return replace(plan, tree=tree, calls={**plan.calls, **places})
        case kinds.CallSettled(call_id=id_, outcome=outcome) if id_ in plan.calls:
            return _settled(plan, id_, outcome)
        case kinds.Forked():
            return _forked(plan)
        case _:
            return plan


def _settled(plan: PlanState, call_id: str, outcome: Outcome) -> PlanState:
    path = plan.calls[call_id]
    succeeded = outcome is Outcome.SUCCEEDED
    if path[-1] == UNDO:
        undone = path[:-1]
        return _back(plan, undone[:-1]) if succeeded else replace(plan, stuck=(*plan.stuck, undone))
    node = plan.tree.node(path)
    if node is None or node.call_id != call_id:
        return plan
    errors = () if succeeded and path == plan.at else plan.errors
    return replace(plan, tree=plan.tree.called(path, call_id, outcome), errors=errors)


def _forked(plan: PlanState) -> PlanState:
    """What was decided and has not been done is decided anew, and so is what came after it."""
    done = next((depth for depth, node in enumerate(plan.taken) if node.outcome is None), len(plan.at))
    tree = plan.tree
    for depth in range(done + 1, len(plan.at) + 1):
        tree = tree.called(plan.at[:depth], "", None)
    return replace(plan, tree=tree, at=plan.at[:done], review=None)
