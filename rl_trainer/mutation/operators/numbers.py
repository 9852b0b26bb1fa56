"""Numbers, bounds and truth values that are one off."""

import ast
from collections.abc import Iterator

from rl_trainer.mutation.source import Edit, Source


def constant_off_by_one(source: Source) -> Iterator[Edit]:
    """`3` as `4`, and as `2`."""
    for node in source.of(ast.Constant):
        if type(node.value) is int:
            yield source.put(node, str(node.value + 1))
            if node.value > 0:
                yield source.put(node, str(node.value - 1))


def flip_boolean(source: Source) -> Iterator[Edit]:
    """`True` as `False`, and the other way."""
    for node in source.of(ast.Constant):
        if isinstance(node.value, bool):
            yield source.put(node, str(not node.value))


def range_bound(source: Source) -> Iterator[Edit]:
    """`range(n)` as `range(n - 1)`, and as `range(n + 1)`."""
    for call in source.of(ast.Call):
        match call:
            case ast.Call(func=ast.Name(id="range"), args=[stop] | [_, stop] | [_, stop, _]):
                yield from _one_off(source, stop)
            case _:
                pass


def slice_bound(source: Source) -> Iterator[Edit]:
    """`x[a:b]` with either bound one off."""
    for part in source.of(ast.Slice):
        for bound in (part.lower, part.upper):
            if bound is not None:
                yield from _one_off(source, bound)


def index_off_by_one(source: Source) -> Iterator[Edit]:
    """`x[i]` as `x[i + 1]`, and as `x[i - 1]`, where the index is computed."""
    for node in source.of(ast.Subscript):
        if isinstance(node.ctx, ast.Load) and isinstance(node.slice, ast.BinOp | ast.Name):
            yield from _one_off(source, node.slice)


def _one_off(source: Source, node: ast.expr) -> Iterator[Edit]:
    match node:
        case ast.Constant(value=int(value)):
            yield source.put(node, str(value - 1))
            yield source.put(node, str(value + 1))
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub(), right=ast.Constant(value=1)):
            yield source.put(node, source.words(left))
        case ast.Starred():
            return
        case _:
            words = source.words(node)
            if not isinstance(node, ast.Name | ast.Call | ast.Attribute | ast.Subscript | ast.BinOp):
                words = f"({words})"
            yield source.put(node, f"{words} - 1")
            yield source.put(node, f"{words} + 1")
