"""`PlanTree`: several plans as one tree of what they begin with alike (Tree-Planner, arXiv 2310.08582, section 3.2).

Pure and immutable: whatever happens to a tree gives a new one. A place in it is the path of keys from the root. A
child's key is its action as canonical text, so plans that say the same in other words of JSON share a node.

Example:
    search -> read A -> [END]           search ─┬─ read A ── END
    search -> read B -> [END]     ->            └─ read B ── END
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from agent.call import Outcome
from agent.event import PlannedCall
from agent.references import normalised
from retrieval.tool import canonical_json

Path = tuple[str, ...]

END = "END"
"""The key of the leaf that says: the goal is reached here."""


class Mark(StrEnum):
    """failed: its step went wrong, or cannot be made. abandoned: given up without having failed itself."""

    OPEN = "open"
    FAILED = "failed"
    ABANDONED = "abandoned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One step of the plans that share it; no action at the root and at an end.

    plans: how many sampled plans pass through it. untrusted: it was first sampled, or chosen among others, with a
    tool's text in the prompt.
    call_id, outcome: the last call made for it, and how that ended.
    """

    key: str = ""
    action: PlannedCall | None = None
    plans: int = 0
    untrusted: bool = False
    mark: Mark = Mark.OPEN
    error: str = ""
    call_id: str = ""
    outcome: Outcome | None = None
    children: tuple["Node", ...] = ()

    @property
    def is_end(self) -> bool:
        return self.key == END

    def child(self, key: str) -> "Node | None":
        return next((child for child in self.children if child.key == key), None)

    @property
    def open_children(self) -> tuple["Node", ...]:
        """Those that may be taken, in the order in which they were first sampled."""
        return tuple(child for child in self.children if child.mark is Mark.OPEN)


def key_of(action: PlannedCall) -> str:
    """The action's text: the tool's id and the arguments as canonical JSON, references in their one spelling.

    Example:
        PlannedCall(tool_id="files/read", arguments={"path": "$1.items.0"}) -> 'files/read {"path":"$1.items[0]"}'
    """
    return f"{action.tool_id} {canonical_json(normalised(action.arguments))}"


def path_of(plan: Iterable[PlannedCall]) -> Path:
    """The keys of a whole plan, its end included."""
    return (*map(key_of, plan), END)


@dataclass(frozen=True, slots=True)
class PlanTree:
    """The tree of all plans of a run. Later plans are grafted where the run stood when they were sampled."""

    root: Node = field(default_factory=Node)

    def node(self, path: Path) -> Node | None:
        """What is at a place; None where nothing is."""
        node: Node | None = self.root
        for key in path:
            node = node.child(key) if node else None
        return node

    def open_children(self, path: Path) -> tuple[Node, ...]:
        """Where the run may go from a place."""
        node = self.node(path)
        return node.open_children if node else ()

    def graft(self, plans: Iterable[Sequence[PlannedCall]], at: Path = (), *, untrusted: bool = False) -> "PlanTree":
        """With more plans, from a place on. What was abandoned is open again where a plan goes along it."""
        tree = self
        for plan in plans:
            tree = tree._at(at, lambda node, plan=plan: _grown(node, plan, untrusted))
        return tree

    def fail(self, path: Path, error: str) -> "PlanTree":
        """Without the subtree at a place, because its step failed."""
        return self._at(path, lambda node: replace(node, mark=Mark.FAILED, error=error))

    def abandon(self, path: Path) -> "PlanTree":
        """Without the subtree at a place, which did not fail itself; nothing in it stays open."""
        return self._at(path, _abandoned)

    def abandon_below(self, path: Path) -> "PlanTree":
        """Without what is open below a place."""
        return self._at(path, lambda node: replace(node, children=tuple(map(_abandoned, node.children))))

    def called(self, path: Path, call_id: str, outcome: Outcome | None) -> "PlanTree":
        """With the call that was made for a node."""
        return self._at(path, lambda node: replace(node, call_id=call_id, outcome=outcome))

    def doubted(self, path: Path) -> "PlanTree":
        """With the marks of a choice that a tool's text may have swayed: what lies at `path` and below is untrusted.

        Steps that every other open way has too are not: the text has not chosen those.
        """
        rivals = [child for child in self.open_children(path[:-1]) if child.action and child.key != path[-1]]
        if not rivals:
            return self
        shared = frozenset.intersection(*(frozenset(_keys(rival)) for rival in rivals))
        return self._at(path, lambda node: _doubted(node, shared))

    def paths(self, at: Path = ()) -> Iterator[Path]:
        """The way to every leaf below a place, open or not."""
        node = self.node(at)
        for child in node.children if node else ():
            if child.children:
                yield from self.paths((*at, child.key))
            else:
                yield (*at, child.key)

    def climb(self, path: Path, least: int = 0) -> Path | None:
        """The nearest place above that has an open child beside the way here, not nearer to the root than `least`."""
        for depth in range(len(path) - 1, least - 1, -1):
            if any(child.key != path[depth] for child in self.open_children(path[:depth])):
                return path[:depth]
        return None

    def fails_along(self, plan: Sequence[PlannedCall], at: Path = ()) -> Node | None:
        """The first node that a plan would go through and that has failed; None where the way is free."""
        node = self.node(at)
        for key in path_of(plan):
            node = node.child(key) if node else None
            if node is not None and node.mark is Mark.FAILED:
                return node
        return None

    def _at(self, path: Path, change: Callable[[Node], Node]) -> "PlanTree":
        return PlanTree(_changed(self.root, path, change))


def _changed(node: Node, path: Path, change: Callable[[Node], Node]) -> Node:
    """The node with the one at `path` below it changed; the same where there is none."""
    if not path:
        return change(node)
    children = tuple(_changed(child, path[1:], change) if child.key == path[0] else child for child in node.children)
    return replace(node, children=children)


def _grown(node: Node, plan: Sequence[PlannedCall], untrusted: bool) -> Node:
    if node.is_end:
        return node
    key = key_of(plan[0]) if plan else END
    action = plan[0] if plan else None
    old = node.child(key)
    new = old or Node(key=key, action=action, untrusted=untrusted)
    if new.mark is Mark.ABANDONED:
        new = replace(new, mark=Mark.OPEN, call_id="", outcome=None)
    new = replace(new, plans=new.plans + 1)
    if plan:
        new = _grown(new, plan[1:], untrusted)
    if old is None:
        return replace(node, children=(*node.children, new))
    return replace(node, children=tuple(new if child.key == key else child for child in node.children))


def _keys(node: Node) -> Iterator[str]:
    """The keys of a node and of all below it."""
    yield node.key
    for child in node.children:
        yield from _keys(child)


def _doubted(node: Node, shared: frozenset[str]) -> Node:
    children = tuple(_doubted(child, shared) for child in node.children)
    return replace(node, untrusted=node.untrusted or node.key not in shared, children=children)


def _abandoned(node: Node) -> Node:
    mark = Mark.ABANDONED if node.mark is Mark.OPEN else node.mark
    return replace(node, mark=mark, children=tuple(map(_abandoned, node.children)))
