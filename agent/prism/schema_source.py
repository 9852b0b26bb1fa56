"""Reads a schema from the source text of dataclasses. The text is parsed and never run: a model may have written it."""

import ast
import io
import textwrap
import tokenize
from collections.abc import Mapping

from agent.errors import AgentError
from agent.prism.schema import Field, ListOf, MapOf, Maybe, MemorySchema, Record, RecordType, Scalar, Type

_MAX_CHARACTERS = 12_000
_MAX_RECORDS = 24
_MAX_FIELDS = 32
_MAX_MEANING = 200
_SCALARS: dict[str, Scalar] = {
    "int": Scalar("int"),
    "float": Scalar("float"),
    "str": Scalar("str"),
    "bool": Scalar("bool"),
}
_LISTS = {"list", "List"}
_MAPS = {"dict", "Dict"}


class BadSchema(AgentError):
    """A memory's schema cannot be used as it is written; the message has the line and what would do."""


def parse_schema(source: str) -> MemorySchema:
    """The schema that these dataclasses describe. Docstrings and comments behind fields are their meaning.

    The root is the class named Memory, or else the last one. Allowed are int, float, str, bool, list[T], dict[str, T],
    T | None and other classes of the text. Decorators, imports and defaults say nothing and are passed over.

    Raises:
        BadSchema: with the line and why.
    """
    source = textwrap.dedent(source).strip("\n") + "\n"
    if len(source) > _MAX_CHARACTERS:
        raise BadSchema(f"the schema has {len(source):,} characters; {_MAX_CHARACTERS:,} are allowed")
    classes = _classes(source)
    comments = _comments(source)
    records = {node.name: _record(node, comments, set(classes)) for node in classes.values()}
    root = "Memory" if "Memory" in records else list(records)[-1]
    return MemorySchema(records=_ordered(records, root), root=root)


def _classes(source: str) -> dict[str, ast.ClassDef]:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None) or 1
        raise _bad(line, f"this is not Python: {getattr(error, 'msg', None) or error}") from None
    found: dict[str, ast.ClassDef] = {}
    for node in tree.body:
        match node:
            case ast.ClassDef(name=name) if name in found or name in _SCALARS:
                raise _bad(node.lineno, f"the name {name} is taken; give the class another")
            case ast.ClassDef(name=name):
                found[name] = node
            case ast.Import() | ast.ImportFrom() | ast.Expr(value=ast.Constant()):
                pass
            case _:
                raise _bad(node.lineno, "only dataclasses may stand here")
    if not found:
        raise _bad(1, "there is no class; write one dataclass a kind of record, and one named Memory")
    if len(found) > _MAX_RECORDS:
        raise _bad(1, f"there are {len(found)} classes; {_MAX_RECORDS} are allowed")
    return found


def _comments(source: str) -> dict[int, str]:
    """The comments by line; the text has been parsed before, so it has tokens."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {token.start[0]: token.string.lstrip("#: ").strip() for token in tokens if token.type == tokenize.COMMENT}


def _record(node: ast.ClassDef, comments: Mapping[int, str], classes: set[str]) -> RecordType:
    if any(ast.unparse(base) != "object" for base in node.bases):
        raise _bad(node.lineno, f"{node.name} has a base class; write its fields out instead")
    fields: list[Field] = []
    for part in node.body:
        match part:
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation):
                if name.startswith("_") or any(field.name == name for field in fields):
                    raise _bad(part.lineno, f"{node.name}.{name} is there twice, or begins with _; rename it")
                meaning = comments.get(part.end_lineno or part.lineno) or _above(part.lineno, comments, node)
                fields.append(Field(name=name, type=_type(annotation, classes), meaning=_short(meaning)))
            case ast.Pass() | ast.Expr(value=ast.Constant()):
                pass
            case _:
                raise _bad(part.lineno, f"only fields such as `name: str` may stand in {node.name}")
    if not 0 < len(fields) <= _MAX_FIELDS:
        raise _bad(node.lineno, f"{node.name} has {len(fields)} fields; it needs 1 to {_MAX_FIELDS}")
    meaning = ast.get_docstring(node) or comments.get(node.lineno, "")
    return RecordType(name=node.name, fields=tuple(fields), meaning=_short(meaning))


def _above(line: int, comments: Mapping[int, str], node: ast.ClassDef) -> str:
    """A comment that has the line before for itself."""
    taken = {part.end_lineno for part in node.body} | {node.lineno}
    return "" if line - 1 in taken else comments.get(line - 1, "")


def _type(annotation: ast.expr, classes: set[str]) -> Type:
    match annotation:
        case ast.Constant(value=str(text)):
            try:
                return _type(ast.parse(text, mode="eval").body, classes)
            except (SyntaxError, RecursionError):
                raise _bad(annotation.lineno, f"{text!r} is no type") from None
        case ast.Name(id=name) if name in classes:
            return Record(name)
        case ast.Name(id=name) if name in _SCALARS:
            return _SCALARS[name]
        case ast.Name(id=name) if name in _LISTS:
            return ListOf(Scalar("str"))
        case ast.BinOp(left=left, op=ast.BitOr(), right=ast.Constant(value=None)):
            return _maybe(_type(left, classes))
        case ast.BinOp(left=ast.Constant(value=None), op=ast.BitOr(), right=right):
            return _maybe(_type(right, classes))
        case ast.Subscript(value=outer, slice=inner):
            return _generic(annotation, _last_name(outer), inner, classes)
        case _:
            raise _no_type(annotation)


def _generic(annotation: ast.expr, outer: str, inner: ast.expr, classes: set[str]) -> Type:
    match inner:
        case ast.Tuple(elts=[key, value]) if outer in _MAPS:
            if ast.unparse(key) != "str":
                raise _bad(annotation.lineno, f"the keys of {ast.unparse(annotation)} must be str")
            return MapOf(_type(value, classes))
        case _ if outer in _LISTS:
            return ListOf(_type(inner, classes))
        case _ if outer == "Optional":
            return _maybe(_type(inner, classes))
        case _:
            raise _no_type(annotation)


def _maybe(type_: Type) -> Type:
    return type_ if isinstance(type_, Maybe) else Maybe(type_)


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else ast.unparse(node)


def _ordered(records: Mapping[str, RecordType], root: str) -> dict[str, RecordType]:
    """The records that the root needs, each after those that it refers to."""
    done: dict[str, RecordType] = {}

    def visit(name: str, above: tuple[str, ...]) -> None:
        if name in above:
            raise BadSchema(f"{name} holds itself ({' > '.join((*above, name))}); refer to records by a text key")
        if name not in done:
            for field in records[name].fields:
                for below in _referred(field.type):
                    visit(below, (*above, name))
            done[name] = records[name]

    visit(root, ())
    return done


def _referred(type_: Type) -> list[str]:
    match type_:
        case Record(name=name):
            return [name]
        case ListOf(item=inner) | MapOf(value=inner) | Maybe(of=inner):
            return _referred(inner)
        case Scalar():
            return []


def _short(meaning: str) -> str:
    return " ".join(meaning.split())[:_MAX_MEANING].rstrip()


def _no_type(annotation: ast.expr) -> BadSchema:
    return _bad(
        annotation.lineno,
        f"{ast.unparse(annotation)} is none of int, float, str, bool, list[T], dict[str, T], T | None or a class here",
    )


def _bad(line: int, why: str) -> BadSchema:
    return BadSchema(f"line {line} of the schema: {why}")
