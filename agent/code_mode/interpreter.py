"""Runs programs: walks the checked tree, statement by statement. Nothing is compiled, and no Python name is reached."""

import ast
import json
from dataclasses import dataclass
from typing import Any

from agent.code_mode.builtins import listed
from agent.code_mode.expressions import Expressions
from agent.code_mode.meter import Meter
from agent.code_mode.operators import binary, item, put, shown
from agent.code_mode.problem import NotYet, ProgramError, SearchWanted
from agent.code_mode.tools import Tools

__all__ = ["Ended", "run"]

MOST_PRINTED = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What a program printed, line by line, with what it returned as the last."""

    text: str


class _Break(Exception):
    pass


class _Continue(Exception):
    pass


class _Return(Exception):
    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value


def run(tree: ast.Module, tools: Tools, meter: Meter) -> Ended:
    """The program from its beginning to its end.

    Raises:
        ProgramError: it is wrong, or a tool failed and it did not catch that. NotYet: it waits for calls.
        SearchWanted: it asks for other tools.
    """
    interpreter = _Interpreter(tools, meter)
    returned: Any = None
    try:
        interpreter.block(tree.body)
    except _Return as end:
        returned = end.value
    except (_Break, _Continue):
        raise ProgramError("break and continue stand in loops only") from None
    lines = [*interpreter.printed, *([] if returned is None else [readable(returned, meter)])]
    return Ended(text="\n".join(lines))


def readable(value: Any, meter: Meter) -> str:
    """A text as it is, anything else as JSON."""
    if isinstance(value, str):
        return value
    meter.weigh(value)
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        return shown(value, meter)


class _Interpreter(Expressions):
    def __init__(self, tools: Tools, meter: Meter) -> None:
        super().__init__(tools, meter)
        self.printed: list[str] = []
        self._room = MOST_PRINTED

    def write(self, values: list[Any]) -> None:
        text = " ".join(readable(value, self.meter) for value in values)
        if self._room > 0:
            self.printed.append(text if len(text) <= self._room else text[: self._room] + "…")
        self._room -= len(text) + 1

    def block(self, statements: list[ast.stmt]) -> None:
        for statement in statements:
            self.meter.charge()
            try:
                self._statement(statement)
            except ProgramError as error:
                error.line = error.line or statement.lineno
                raise
            except (NotYet, SearchWanted, _Break, _Continue, _Return):
                raise
            except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
                # What Python says of these values is what the writer of the program should hear.
                raise ProgramError(f"{type(error).__name__}: {error}"[:400], statement.lineno) from None

    def _statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Expr(value=value):
                self.value(value)
            case ast.Assign(targets=targets, value=value):
                made = self.value(value)
                for target in targets:
                    self.assign(target, made)
            case ast.AnnAssign(target=target, value=value):
                if value is not None:
                    self.assign(target, self.value(value))
            case ast.AugAssign():
                self._augment(node)
            case ast.Return(value=value):
                raise _Return(None if value is None else self.value(value))
            case ast.Try():
                self._try(node)
            case ast.Break():
                raise _Break
            case ast.Continue():
                raise _Continue
            case _:
                self._branch(node)

    def _branch(self, node: ast.stmt) -> None:
        match node:
            case ast.If(test=test, body=body, orelse=orelse):
                self.block(body if self.value(test) else orelse)
            case ast.For(target=target, iter=over, body=body, orelse=orelse):
                for each in listed(self.value(over), self.meter):
                    self.assign(target, each)
                    if self._broken(body):
                        return
                self.block(orelse)
            case ast.While(test=test, body=body, orelse=orelse):
                while self.value(test):
                    if self._broken(body):
                        return
                self.block(orelse)
            case _:
                pass

    def _broken(self, body: list[ast.stmt]) -> bool:
        """Run the body of a loop once; whether it ended by `break`."""
        try:
            self.block(body)
        except _Break:
            return True
        except _Continue:
            pass
        return False

    def _augment(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Subscript):
            owner, index = self.value(node.target.value), self.value(node.target.slice)
            new = self._augmented(node.op, item(owner, index, self.meter), self.value(node.value))
            put(owner, index, new, self.meter)
        elif isinstance(node.target, ast.Name):
            new = self._augmented(node.op, self.value(ast.Name(id=node.target.id)), self.value(node.value))
            self.assign(node.target, new)
        else:
            raise ProgramError("only names and items can be assigned to")

    def _augmented(self, kind: ast.operator, old: Any, more: Any) -> Any:
        if isinstance(old, list) and isinstance(kind, ast.Add):
            added = listed(more, self.meter)
            self.meter.items(len(old) + len(added))
            old.extend(added)
            return old
        return binary(kind, old, more, self.meter)

    def _try(self, node: ast.Try) -> None:
        try:
            self.block(node.body)
        except ProgramError as error:
            if not error.catchable or not node.handlers:
                raise
            handler = node.handlers[0]
            if handler.name:
                self.names[handler.name] = str(error.message)
            self.block(handler.body)
        else:
            self.block(node.orelse)
