"""Statements that are missing or in the wrong order."""

import ast
import itertools
from collections.abc import Iterator
from typing import Any

from rl_trainer.mutation.source import Edit, Source

_SIMPLE = (ast.Assign, ast.AugAssign, ast.Expr)


def return_none(source: Source) -> Iterator[Edit]:
    """`return a` as `return None`."""
    for node in source.of(ast.Return):
        if node.value is not None:
            yield source.put(node.value, "None")


def remove_assignment(source: Source) -> Iterator[Edit]:
    """An assignment inside a function is gone."""
    for node in source.of(ast.Assign, ast.AugAssign):
        if not isinstance(source.parent(node), ast.Module | ast.ClassDef):
            yield source.without(node)


def remove_call(source: Source) -> Iterator[Edit]:
    """A call that stands for itself is gone."""
    for node in source.of(ast.Expr):
        if isinstance(node.value, ast.Call | ast.Await):
            yield source.without(node)


def remove_raise(source: Source) -> Iterator[Edit]:
    """An error is not raised."""
    for node in source.of(ast.Raise):
        yield source.without(node)


def remove_decorator(source: Source) -> Iterator[Edit]:
    """A decorator is gone."""
    for node in source.of(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef):
        for decorator in node.decorator_list:
            _, end = source.span(decorator)
            start = source.data.rindex(b"@", 0, source.span(decorator)[0])
            yield Edit(start=start, end=end, text="", line=decorator.lineno)


def swap_statements(source: Source) -> Iterator[Edit]:
    """Two statements that follow each other inside a function, in the other order."""
    for node in source.of(ast.FunctionDef, ast.AsyncFunctionDef, ast.For, ast.While, ast.If, ast.With):
        for body in _bodies(node):
            for first, second in itertools.pairwise(body):
                if isinstance(first, _SIMPLE) and isinstance(second, _SIMPLE) and not _is_docstring(first):
                    yield source.swap(first, second)


def _bodies(node: Any) -> Iterator[list[ast.stmt]]:
    yield node.body
    if isinstance(node, ast.If | ast.For | ast.While):
        yield node.orelse


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
