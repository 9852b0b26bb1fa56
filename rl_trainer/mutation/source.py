"""`Source`: a module's text with its tree, and where in the text each node stands; `Edit`: one change of the text."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import msgspec

_COMMENT = re.compile(rb"#[^\r\n]*")


class Edit(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes `start` to `end` of the UTF-8 text become `text`; `line` is the first that changes, from 1."""

    start: int
    end: int
    text: str
    line: int

    def __call__(self, data: bytes) -> bytes:
        return data[: self.start] + self.text.encode() + data[self.end :]


@dataclass(frozen=True)
class Source:
    """One module. Only nodes whose change is a change of behaviour are given: no annotations, docstrings, imports.

    Nodes inside f-strings are left out, since Python 3.11 does not know where they stand.

    Raises:
        SyntaxError, ValueError: it is not Python, when the tree is first asked for.
    """

    path: str
    text: str
    _parents: dict[ast.AST, ast.AST] = field(default_factory=dict[ast.AST, ast.AST], repr=False, compare=False)

    @cached_property
    def data(self) -> bytes:
        return self.text.encode()

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.data, self.path)

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """In the order of the text."""
        found = list(self._walk(self.tree))
        return tuple(sorted(found, key=lambda node: (getattr(node, "lineno", 0), getattr(node, "col_offset", 0))))

    def of(self, *kinds: type[Any]) -> Iterator[Any]:
        """The nodes of these kinds."""
        return (node for node in self.nodes if isinstance(node, kinds))

    def parent(self, node: ast.AST) -> ast.AST:
        """What the node stands in; the module for the outermost."""
        self.nodes  # noqa: B018 - fills the map
        return self._parents.get(node, self.tree)

    def span(self, node: Any) -> tuple[int, int]:
        """The bytes of a node, from and to; brackets around it are not its own."""
        starts = self._line_starts
        return starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno - 1] + node.end_col_offset

    def words(self, node: Any) -> str:
        """The node's own text."""
        start, end = self.span(node)
        return self.data[start:end].decode()

    def put(self, node: Any, text: str) -> Edit:
        """The node's text replaced."""
        start, end = self.span(node)
        return Edit(start=start, end=end, text=text, line=node.lineno)

    def without(self, node: ast.stmt) -> Edit:
        """The statement gone with its lines, or `pass` in its place where its block would be empty."""
        start, end = self.span(node)
        lone = any(block == [node] for _, block in ast.iter_fields(self.parent(node)))
        first = self.data.rfind(b"\n", 0, start) + 1
        last = self.data.find(b"\n", end) + 1 or len(self.data)
        shared = self.data[first:start].strip() or _COMMENT.sub(b"", self.data[end:last]).strip()
        if lone or shared:
            return self.put(node, "pass")
        return Edit(start=first, end=last, text="", line=node.lineno)

    def swap(self, first: Any, second: Any) -> Edit:
        """Two nodes, the first before the second, in each other's place."""
        (start, mid), (later, end) = self.span(first), self.span(second)
        between = self.data[mid:later].decode()
        return Edit(start=start, end=end, text=self.words(second) + between + self.words(first), line=first.lineno)

    def between(self, left: Any, right: Any, old: str, new: str) -> Edit | None:
        """The operator `old` that stands between two nodes replaced; None where it cannot be found."""
        start, end = self.span(left)[1], self.span(right)[0]
        gap = _COMMENT.sub(lambda found: b" " * len(found[0]), self.data[start:end])
        pattern = rb"\s+".join(re.escape(word.encode()) for word in old.split())
        if old[0].isalpha():
            pattern = rb"\b" + pattern + rb"\b"
        found = re.search(pattern, gap)
        if found is None:
            return None
        line = left.end_lineno + gap[: found.start()].count(b"\n")
        return Edit(start=start + found.start(), end=start + found.end(), text=new, line=line)

    @cached_property
    def _line_starts(self) -> list[int]:
        starts = [0]
        for line in self.data.splitlines(keepends=True):
            starts.append(starts[-1] + len(line))
        return starts

    def _walk(self, node: ast.AST) -> Iterator[ast.AST]:
        for child in _behaviour(node):
            self._parents[child] = node
            yield child
            yield from self._walk(child)


def _behaviour(node: ast.AST) -> Iterator[ast.AST]:
    """The children of a node that say what it does."""
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns", "type_params", "type_comment"}:
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _is_silent(child, node):
                yield child


def _is_silent(node: ast.AST, parent: ast.AST) -> bool:
    match node:
        case ast.JoinedStr() | ast.Import() | ast.ImportFrom() | ast.expr_context():
            return True
        case ast.Expr(value=ast.Constant()):
            return True
        case ast.If(test=ast.Compare(left=ast.Name(id="__name__"))) | ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return True
        case ast.Assign(targets=[ast.Name(id=name)]):
            return isinstance(parent, ast.Module) and name.startswith("__")
        case _:
            return False
