"""The part of Python that programs are written in; everything else is refused before anything runs."""

import ast

from agent.code_mode.problem import ProgramError

MOST_SOURCE = 20_000
MOST_NESTING = 80

_STATEMENTS = (
    ast.Assign,
    ast.AnnAssign,
    ast.AugAssign,
    ast.Expr,
    ast.If,
    ast.For,
    ast.While,
    ast.Break,
    ast.Continue,
    ast.Pass,
    ast.Return,
    ast.Try,
)
_EXPRESSIONS = (
    ast.Constant,
    ast.Name,
    ast.BinOp,
    ast.BoolOp,
    ast.UnaryOp,
    ast.Compare,
    ast.IfExp,
    ast.Call,
    ast.Attribute,
    ast.Subscript,
    ast.Slice,
    ast.List,
    ast.Tuple,
    ast.Dict,
    ast.ListComp,
    ast.DictComp,
    ast.GeneratorExp,
    ast.JoinedStr,
    ast.FormattedValue,
    ast.Lambda,
)
_PARTS = (
    ast.Module,
    ast.ExceptHandler,
    ast.comprehension,
    ast.keyword,
    ast.arguments,
    ast.arg,
    ast.expr_context,
    ast.boolop,
    ast.cmpop,
    ast.Not,
    ast.USub,
    ast.UAdd,
    ast.Add,
    ast.Sub,
    ast.Mult,
    ast.Div,
    ast.FloorDiv,
    ast.Mod,
    ast.Pow,
)
_ALLOWED = (*_STATEMENTS, *_EXPRESSIONS, *_PARTS)
_WHY_NOT = {
    "Import": "imports are not there, and not needed: results are values already",
    "ImportFrom": "imports are not there, and not needed: results are values already",
    "FunctionDef": "functions cannot be defined; write the steps one after the other",
    "AsyncFunctionDef": "functions cannot be defined; write the steps one after the other",
    "Await": "tools are called without await",
    "ClassDef": "classes cannot be defined",
    "Set": "sets are not there; use a list, or dict keys",
    "SetComp": "sets are not there; use a list comprehension",
}
_CAUGHT = frozenset(["Exception", "ToolError"])


def parsed(source: str) -> ast.Module:
    """The program as a tree in which every part is one that the interpreter knows.

    Raises:
        ProgramError: it is no Python, not of the subset, or too large.
    """
    if len(source) > MOST_SOURCE:
        raise ProgramError(f"the program has {len(source):,} characters; {MOST_SOURCE:,} are the most")
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise ProgramError(f"this is not Python: {error.msg}", error.lineno) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise ProgramError(f"this cannot be read as Python: {type(error).__name__}") from None
    _check(tree)
    return tree


def _check(tree: ast.Module) -> None:
    rest: list[tuple[ast.AST, int, int]] = [(tree, 0, 1)]
    while rest:
        node, depth, line = rest.pop()
        line = getattr(node, "lineno", line)
        problem = "this is nested too deeply" if depth > MOST_NESTING else _problem(node)
        if problem:
            raise ProgramError(problem, line)
        rest.extend((child, depth + 1, line) for child in ast.iter_child_nodes(node))


def _problem(node: ast.AST) -> str | None:
    """What is wrong with this part alone."""
    if not isinstance(node, _ALLOWED):
        kind = type(node).__name__
        return _WHY_NOT.get(kind, f"{kind} is not in the subset of Python that can be used here")
    match node:
        case ast.Constant(value=value) if not isinstance(value, str | int | float | None):
            return f"a constant {type(value).__name__} is not in the subset"
        case ast.Name(id=name) | ast.arg(arg=name) | ast.Attribute(attr=name) if name.startswith("_"):
            return f"the name {name!r} begins with an underscore; such names are not there"
        case ast.ExceptHandler(type=kind) if not _may_catch(kind):
            return "only ToolError or Exception can be caught"
        case ast.Call(func=ast.Name() | ast.Attribute()):
            return _stray_lambda(node)
        case ast.Call():
            return "only tools, methods and builtin functions can be called"
        case ast.Lambda(args=arguments) if len(arguments.args) != 1 or _elaborate(arguments):
            return "a lambda takes one plain argument here"
        case ast.comprehension(is_async=1):
            return "async is not there"
        case ast.Try(finalbody=[_, *_]):
            return "finally is not there"
        case _:
            return _stray_lambda(node)


def _may_catch(kind: ast.expr | None) -> bool:
    return kind is None or (isinstance(kind, ast.Name) and kind.id in _CAUGHT)


def _elaborate(arguments: ast.arguments) -> bool:
    return bool(arguments.posonlyargs or arguments.kwonlyargs or arguments.vararg or arguments.kwarg)


def _stray_lambda(node: ast.AST) -> str | None:
    """A lambda may only be the `key` of a call, so that no function can be kept, or call itself."""
    if isinstance(node, ast.keyword) and node.arg == "key":
        return None
    if any(isinstance(child, ast.Lambda) for child in ast.iter_child_nodes(node)):
        return "a lambda can only be the key of sorted, min, max or sort"
    return None
