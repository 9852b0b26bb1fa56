"""Operators and operands: arithmetic, comparison, and what joins conditions."""

import ast
from collections.abc import Iterator

from rl_trainer.mutation.source import Edit, Source

_ARITHMETIC: dict[type[ast.operator], tuple[str, str]] = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "+"),
    ast.Div: ("/", "*"),
    ast.FloorDiv: ("//", "/"),
    ast.Mod: ("%", "//"),
    ast.Pow: ("**", "*"),
    ast.BitAnd: ("&", "|"),
    ast.BitOr: ("|", "&"),
    ast.BitXor: ("^", "|"),
    ast.LShift: ("<<", ">>"),
    ast.RShift: (">>", "<<"),
}
_BOUNDARY: dict[type[ast.cmpop], tuple[str, str]] = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
}
_OPPOSITE: dict[type[ast.cmpop], tuple[str, str]] = {
    ast.Lt: ("<", ">"),
    ast.LtE: ("<=", ">="),
    ast.Gt: (">", "<"),
    ast.GtE: (">=", "<="),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
}
_ORDERED = (ast.Sub, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.LShift, ast.RShift)


def binary_operator(source: Source) -> Iterator[Edit]:
    """`a + b` as `a - b`, and the like."""
    for node in source.of(ast.BinOp):
        if not (isinstance(node.op, ast.Mod | ast.Mult) and _is_text(node.left)):
            yield from _found(source.between(node.left, node.right, *_ARITHMETIC.get(type(node.op), ("@", "*"))))


def augmented_operator(source: Source) -> Iterator[Edit]:
    """`a += b` as `a -= b`, and the like."""
    for node in source.of(ast.AugAssign):
        old, new = _ARITHMETIC.get(type(node.op), ("@", "*"))
        yield from _found(source.between(node.target, node.value, f"{old}=", f"{new}="))


def swap_operands(source: Source) -> Iterator[Edit]:
    """`a - b` as `b - a`, where the order matters."""
    for node in source.of(ast.BinOp):
        if isinstance(node.op, _ORDERED) and not _is_text(node.left):
            yield source.swap(node.left, node.right)


def comparison_boundary(source: Source) -> Iterator[Edit]:
    """`a < b` as `a <= b`, and the like."""
    yield from _comparisons(source, _BOUNDARY)


def comparison_opposite(source: Source) -> Iterator[Edit]:
    """`a < b` as `a > b`, `a == b` as `a != b`, and the like."""
    yield from _comparisons(source, _OPPOSITE)


def and_or(source: Source) -> Iterator[Edit]:
    """`a and b` as `a or b`, and the other way."""
    for node in source.of(ast.BoolOp):
        old, new = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        for left, right in zip(node.values, node.values[1:], strict=False):
            yield from _found(source.between(left, right, old, new))


def _comparisons(source: Source, pairs: dict[type[ast.cmpop], tuple[str, str]]) -> Iterator[Edit]:
    for node in source.of(ast.Compare):
        for left, op, right in zip([node.left, *node.comparators], node.ops, node.comparators, strict=False):
            if type(op) in pairs:
                yield from _found(source.between(left, right, *pairs[type(op)]))


def _found(edit: Edit | None) -> Iterator[Edit]:
    if edit is not None:
        yield edit


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str | bytes))
