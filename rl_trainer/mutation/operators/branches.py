"""Conditions, branches and loops."""

import ast
import itertools
from collections.abc import Iterator

from rl_trainer.mutation.source import Edit, Source


def drop_not(source: Source) -> Iterator[Edit]:
    """`not a` as `a`."""
    for node in source.of(ast.UnaryOp):
        if isinstance(node.op, ast.Not):
            yield source.put(node, source.words(node.operand))


def negate_condition(source: Source) -> Iterator[Edit]:
    """`if a` as `if not a`; in comprehensions and in `b if a else c` too."""
    for node in source.of(ast.If, ast.IfExp, ast.comprehension):
        tests = node.ifs if isinstance(node, ast.comprehension) else [node.test]
        for test in tests:
            if not (isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)):
                yield source.put(test, f"not ({source.words(test)})")


def remove_condition(source: Source) -> Iterator[Edit]:
    """`if a: b` as b whatever a is; a comprehension without its `if`."""
    for node in source.of(ast.If, ast.comprehension):
        if isinstance(node, ast.comprehension):
            yield from _without_conditions(source, node)
        elif not _is_elif(source, node) and not _has_long_text(node.body):
            yield source.put(node, _moved_left(source, node))


def remove_branch(source: Source) -> Iterator[Edit]:
    """An `if` that has no other branch is gone; of several branches the last is."""
    for node in source.of(ast.If):
        if not node.orelse and not _is_elif(source, node):
            yield source.without(node)
        elif node.orelse and not (len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If)):
            start, end = source.span(node.orelse[0])[0], source.span(node.orelse[-1])[1]
            yield Edit(start=start, end=end, text="pass", line=node.orelse[0].lineno)


def remove_loop(source: Source) -> Iterator[Edit]:
    """A loop is gone."""
    for node in source.of(ast.For, ast.While):
        yield source.without(node)


def break_continue(source: Source) -> Iterator[Edit]:
    """`break` as `continue`, and the other way."""
    for node in source.of(ast.Break, ast.Continue):
        yield source.put(node, "continue" if isinstance(node, ast.Break) else "break")


def _without_conditions(source: Source, node: ast.comprehension) -> Iterator[Edit]:
    for before, test in itertools.pairwise([node.iter, *node.ifs]):
        word = source.between(before, test, "if", "")
        if word is not None:
            yield Edit(start=source.span(before)[1], end=source.span(test)[1], text="", line=test.lineno)


def _moved_left(source: Source, node: ast.If) -> str:
    """The branch as it would stand without its condition."""
    start, end = source.span(node.body[0])[0], source.span(node.body[-1])[1]
    indent = " " * (node.body[0].col_offset - node.col_offset)
    first, *lines = source.data[start:end].decode().split("\n")
    return "\n".join([first, *(line.removeprefix(indent) for line in lines)])


def _has_long_text(body: list[ast.stmt]) -> bool:
    """Whether a string over several lines stands there, whose lines must stay where they are."""
    return any(
        isinstance(node, ast.Constant | ast.JoinedStr) and node.lineno != node.end_lineno
        for statement in body
        for node in ast.walk(statement)
    )


def _is_elif(source: Source, node: ast.If) -> bool:
    return source.words(node).startswith("elif")
