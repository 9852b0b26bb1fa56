"""Calls: arguments in the wrong order, a call that is missing, a neighbour called in its place."""

import ast
from collections.abc import Iterator

from rl_trainer.mutation.source import Edit, Source

_TRANSPARENT = {"abs", "sorted", "reversed", "set", "list", "tuple", "int", "float", "str", "round", "bool", "iter"}
_BUILTINS = {"min": "max", "max": "min", "any": "all", "all": "any", "sum": "len", "len": "sum", "set": "list"}
_METHODS = {
    "append": "extend",
    "extend": "append",
    "lower": "upper",
    "upper": "lower",
    "startswith": "endswith",
    "endswith": "startswith",
    "lstrip": "rstrip",
    "rstrip": "lstrip",
    "find": "rfind",
    "rfind": "find",
    "isalpha": "isalnum",
    "isalnum": "isalpha",
    "isdigit": "isalpha",
    "keys": "values",
    "values": "keys",
    "add": "discard",
    "discard": "add",
    "union": "intersection",
    "intersection": "union",
    "ljust": "rjust",
    "rjust": "ljust",
}


def swap_arguments(source: Source) -> Iterator[Edit]:
    """`f(a, b)` as `f(b, a)`."""
    for node in source.of(ast.Call):
        for first, second in zip(node.args, node.args[1:], strict=False):
            if not isinstance(first, ast.Starred) and not isinstance(second, ast.Starred):
                yield source.swap(first, second)


def drop_call(source: Source) -> Iterator[Edit]:
    """`abs(a)` as `a`, `sorted(a)` as `a`, and the like."""
    for node in source.of(ast.Call):
        match node:
            case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in _TRANSPARENT:
                if not isinstance(argument, ast.Starred | ast.GeneratorExp):
                    plain = isinstance(argument, ast.Name | ast.Call | ast.Attribute | ast.Subscript | ast.List)
                    yield source.put(node, source.words(argument) if plain else f"({source.words(argument)})")
            case _:
                pass


def drop_method(source: Source) -> Iterator[Edit]:
    """`a.strip()` as `a`."""
    for node in source.of(ast.Call):
        match node:
            case ast.Call(func=ast.Attribute(value=value), args=[], keywords=[]):
                if not isinstance(source.parent(node), ast.Expr):
                    start, _ = source.span(node)
                    end = source.span(value)[1]
                    dot = source.data.index(b".", end)
                    yield source.put(node, source.data[start:dot].decode().rstrip())
            case _:
                pass


def wrong_builtin(source: Source) -> Iterator[Edit]:
    """`min` as `max`, `any` as `all`, and the like."""
    for node in source.of(ast.Call):
        match node.func:
            case ast.Name(id=name) if name in _BUILTINS:
                yield source.put(node.func, _BUILTINS[name])
            case _:
                pass


def wrong_method(source: Source) -> Iterator[Edit]:
    """`append` as `extend`, `lower` as `upper`, and the like."""
    for node in source.of(ast.Call):
        match node.func:
            case ast.Attribute(attr=name) if name in _METHODS:
                _, end = source.span(node.func)
                start = end - len(name.encode())
                yield Edit(start=start, end=end, text=_METHODS[name], line=node.func.end_lineno or node.lineno)
            case _:
                pass
