"""Values of expressions; the part of the interpreter that statements stand on."""

import ast
from collections.abc import Callable, Iterator
from typing import Any

from agent.code_mode import builtins
from agent.code_mode.builtins import Key, call_builtin, listed
from agent.code_mode.meter import Meter
from agent.code_mode.methods import call_method
from agent.code_mode.operators import binary, compare, formatted, item, put, shown, unary
from agent.code_mode.problem import NotYet, ProgramError, SearchWanted
from agent.code_mode.tools import Tools


class Expressions:
    """Evaluates expressions over the names of one program."""

    def __init__(self, tools: Tools, meter: Meter) -> None:
        self.tools = tools
        self.meter = meter
        self.names: dict[str, Any] = {}
        self._path: list[int] = [0]

    def write(self, values: list[Any]) -> None:
        """What `print` does."""
        raise NotImplementedError

    def value(self, node: ast.expr) -> Any:
        """The value of an expression."""
        self.meter.charge()
        match node:
            case ast.Constant(value=value):
                return value
            case ast.Name(id=name):
                return self._named(name)
            case ast.BinOp(left=left, op=op, right=right):
                return binary(op, self.value(left), self.value(right), self.meter)
            case ast.UnaryOp(op=op, operand=operand):
                return unary(op, self.value(operand))
            case ast.BoolOp():
                return self._either(node)
            case ast.Compare():
                return self._compared(node)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return self.value(body if self.value(test) else orelse)
            case ast.Call():
                return self._called(node)
            case ast.Subscript(value=owner, slice=index):
                return item(self.value(owner), self.value(index), self.meter)
            case _:
                return self._made(node)

    def _made(self, node: ast.expr) -> Any:
        match node:
            case ast.List(elts=parts):
                return [self.value(part) for part in parts]
            case ast.Tuple(elts=parts):
                return tuple(self.value(part) for part in parts)
            case ast.Dict():
                return self._dict(node)
            case ast.Slice(lower=lower, upper=upper, step=step):
                return slice(*(None if part is None else self.value(part) for part in (lower, upper, step)))
            case ast.JoinedStr(values=parts):
                return self._joined(parts)
            case ast.ListComp(elt=element, generators=clauses) | ast.GeneratorExp(elt=element, generators=clauses):
                return self._gathered(clauses, lambda: self.value(element))
            case ast.DictComp(key=key, value=value, generators=clauses):
                pairs = self._gathered(clauses, lambda: (self.value(key), self.value(value)))
                self.meter.weigh([name for name, _ in pairs])
                return dict(pairs)
            case ast.Attribute(attr=name):
                raise ProgramError(f"values have no attribute {name!r}; items are reached by [{name!r}]")
            case _:
                raise ProgramError(f"{type(node).__name__} cannot stand here")

    def _named(self, name: str) -> Any:
        if name in self.names:
            return self.names[name]
        if name in builtins.TYPES:
            return builtins.TYPES[name]
        if self.tools.has(name):
            raise ProgramError(f"{name!r} is a server; call one of its tools: {name}.tool(...)")
        raise ProgramError(f"there is no name {name!r}")

    def assign(self, target: ast.expr, value: Any) -> None:
        """target = value."""
        match target:
            case ast.Name(id=name):
                if name in builtins.NAMES or self.tools.has(name):
                    raise ProgramError(f"{name!r} is taken; use another name")
                self.names[name] = value
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                values = listed(value, self.meter)
                if len(values) != len(parts):
                    raise ProgramError(f"{len(values)} values cannot be taken apart into {len(parts)} names")
                for part, each in zip(parts, values, strict=True):
                    self.assign(part, each)
            case ast.Subscript(value=owner, slice=index):
                put(self.value(owner), self.value(index), value, self.meter)
            case _:
                raise ProgramError("only names and items can be assigned to")

    def _either(self, node: ast.BoolOp) -> Any:
        wanted = isinstance(node.op, ast.Or)
        made: Any = None
        for part in node.values:
            made = self.value(part)
            if bool(made) is wanted:
                break
        return made

    def _compared(self, node: ast.Compare) -> bool:
        left = self.value(node.left)
        for op, part in zip(node.ops, node.comparators, strict=True):
            right = self.value(part)
            if not compare(op, left, right, self.meter):
                return False
            left = right
        return True

    def _dict(self, node: ast.Dict) -> dict[Any, Any]:
        made: dict[Any, Any] = {}
        for key, part in zip(node.keys, node.values, strict=True):
            value = self.value(part)
            if key is not None:
                put(made, self.value(key), value, self.meter)
            elif isinstance(value, dict):
                self.meter.items(len(made) + len(value))
                made.update(value)
            else:
                raise ProgramError("only a dict can be spread into a dict")
        return made

    def _joined(self, parts: list[ast.expr]) -> str:
        texts: list[str] = []
        for part in parts:
            match part:
                case ast.FormattedValue(value=value, conversion=conversion, format_spec=spec):
                    made = self.value(value)
                    made = shown(made, self.meter, quoted=conversion == ord("r")) if conversion != -1 else made
                    texts.append(formatted(made, str(self.value(spec)) if spec else "", self.meter))
                case _:
                    texts.append(str(self.value(part)))
        self.meter.text(sum(map(len, texts)))
        return "".join(texts)

    def _gathered(self, clauses: list[ast.comprehension], element: Callable[[], Any]) -> list[Any]:
        """The elements of a comprehension. Calls that only read are all asked for before any is waited for."""
        self.meter.charge(len(self.names))
        before, made, waiting = dict(self.names), list[Any](), False
        self._path[-1] += 1
        self._path.append(0)
        try:
            for _ in self._rounds(clauses):
                self._path[-1] += 1
                self._path.append(0)
                try:
                    made.append(element())
                    self.meter.items(0)
                except NotYet as wait:
                    if not wait.side_by_side:
                        raise
                    waiting = True
                finally:
                    self._path.pop()
        finally:
            self._path.pop()
            self.names = before
        if waiting:
            raise NotYet(side_by_side=True)
        return made

    def _rounds(self, clauses: list[ast.comprehension]) -> Iterator[None]:
        if not clauses:
            yield
            return
        clause, *rest = clauses
        for each in listed(self.value(clause.iter), self.meter):
            self.meter.charge()
            self.assign(clause.target, each)
            if all(self.value(test) for test in clause.ifs):
                yield from self._rounds(rest)

    def _called(self, node: ast.Call) -> Any:
        match node.func:
            case ast.Attribute(value=ast.Name(id=server), attr=name) if server not in self.names and self.tools.has(
                server
            ):
                return self._tool(node, server, name)
            case ast.Attribute(value=owner, attr=name):
                key, reverse = self._key(node), self._reverse(node)
                value, given = self.value(owner), self._given(node)
                return call_method(value, name, given, self.meter, key=key, reverse=reverse)
            case ast.Name(id="print"):
                return self.write([self.value(part) for part in node.args])
            case ast.Name(id="search_tools"):
                raise SearchWanted(self._queries(node))
            case ast.Name(id=name) if name in builtins.NAMES:
                key, reverse = self._key(node), self._reverse(node)
                return call_builtin(name, self._given(node), self.meter, key=key, reverse=reverse)
            case ast.Name(id=name):
                raise ProgramError(f"there is no function {name!r}; tools are called as server.tool(...)")
            case _:
                raise ProgramError("this cannot be called")

    def _tool(self, node: ast.Call, server: str, name: str) -> Any:
        named: dict[str, Any] = {}
        given = [self.value(part) for part in node.args]
        for keyword in node.keywords:
            value = self.value(keyword.value)
            if keyword.arg is not None:
                named[keyword.arg] = value
            elif isinstance(value, dict):
                named.update(value)
            else:
                raise ProgramError("only a dict can be spread into arguments")
        self.meter.weigh([given, named])
        self._path[-1] += 1
        return self.tools.call(server, name, given, named, ".".join(map(str, self._path)))

    def _given(self, node: ast.Call) -> list[Any]:
        if stray := [keyword.arg for keyword in node.keywords if keyword.arg not in {"key", "reverse"}]:
            raise ProgramError(f"named arguments {stray} are for tools only")
        return [self.value(part) for part in node.args]

    def _queries(self, node: ast.Call) -> tuple[str, ...]:
        given = [self.value(part) for part in node.args]
        queries = given[0] if len(given) == 1 and isinstance(given[0], list) else given
        if not queries or not all(isinstance(query, str) for query in queries):
            raise ProgramError("search_tools takes texts that say what tools should do")
        return tuple(queries)

    def _key(self, node: ast.Call) -> Key | None:
        part = next((keyword.value for keyword in node.keywords if keyword.arg == "key"), None)
        match part:
            case ast.Lambda(args=ast.arguments(args=[ast.arg(arg=name)]), body=body):
                return lambda value: self._within(name, value, body)
            case ast.Name(id="len" | "str" | "int" | "float" as name):
                return lambda value: call_builtin(name, [value], self.meter, key=None, reverse=False)
            case None:
                return None
            case _:
                raise ProgramError("a key is a lambda of one argument, or len, str, int, float")

    def _within(self, name: str, value: Any, body: ast.expr) -> Any:
        self.meter.charge(len(self.names))
        before = dict(self.names)
        self.names[name] = value
        try:
            return self.value(body)
        finally:
            self.names = before

    def _reverse(self, node: ast.Call) -> bool:
        part = next((keyword.value for keyword in node.keywords if keyword.arg == "reverse"), None)
        return part is not None and bool(self.value(part))
