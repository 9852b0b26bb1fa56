"""A variable that stands where another should."""

import ast
from collections.abc import Iterator

from rl_trainer.mutation.source import Edit, Source

_Function = ast.FunctionDef | ast.AsyncFunctionDef


def wrong_variable(source: Source) -> Iterator[Edit]:
    """A name that is read in a function as the next one that the function knows by then."""
    for function in source.of(ast.FunctionDef, ast.AsyncFunctionDef):
        bound = _bound(function)
        for node in source.of(ast.Name):
            if isinstance(node.ctx, ast.Load) and node.id in bound and _function_of(source, node) is function:
                known = [name for name, line in bound.items() if line < node.lineno]
                if node.id in known and len(known) > 1:
                    yield source.put(node, known[(known.index(node.id) + 1) % len(known)])


def _bound(function: _Function) -> dict[str, int]:
    """The names that a function binds, in order, each with the line where it first does."""
    arguments = function.args
    found = {each.arg: 0 for each in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]}
    stores = [node for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
    for node in sorted(stores, key=lambda name: (name.lineno, name.col_offset)):
        found.setdefault(node.id, node.lineno)
    return {name: line for name, line in found.items() if name not in {"self", "cls", "_"}}


def _function_of(source: Source, node: ast.AST) -> ast.AST:
    while not isinstance(node, _Function | ast.Module):
        node = source.parent(node)
    return node
