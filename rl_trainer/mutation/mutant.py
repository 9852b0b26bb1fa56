"""`Mutant`: a module with one bug in it; all those of a project, without doubles and what changes nothing."""

import random
import types
import warnings
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import msgspec

from rl_trainer.errors import TaskInvalid
from rl_trainer.mutation.operators import OPERATORS
from rl_trainer.mutation.source import Source


class Mutant(msgspec.Struct, frozen=True, kw_only=True):
    """kind: the name of its operator. number: its place among those of this kind in the module. text: the module."""

    path: str
    kind: str
    number: int
    line: int
    text: str

    @property
    def id(self) -> str:
        return f"{self.path}:{self.kind}-{self.number}"


def mutants(files: Mapping[str, str], kinds: Collection[str] = ()) -> Iterator[Mutant]:
    """Every mutant of these modules, module by module. What does not compile is left out, and so is what compiles to
    the same code as the original or as another mutant (trivial compiler equivalence, Papadakis et al., ICSE 2015).

    Raises:
        TaskInvalid: there is no operator of such a name.
    """
    if unknown := set(kinds) - OPERATORS.keys():
        raise TaskInvalid(f"no mutation operator {', '.join(sorted(unknown))}; there are {', '.join(OPERATORS)}")
    for path in sorted(files):
        source = Source(path, files[path])
        original = fingerprint(files[path])
        if original is not None:
            yield from _of_module(source, kinds or OPERATORS, {original})


def in_order(found: Collection[Mutant], seed: int) -> list[Mutant]:
    """The mutants in an order of their own for each seed, kinds in turn, so that the first n have many kinds."""
    draw = random.Random(seed)  # noqa: S311 - an order, not a secret
    by_kind: dict[str, list[Mutant]] = {}
    for mutant in sorted(found, key=lambda each: each.id):
        by_kind.setdefault(mutant.kind, []).append(mutant)
    ranked: list[tuple[int, float, Mutant]] = []
    for kind in sorted(by_kind):
        draw.shuffle(by_kind[kind])
        ranked += [(place, draw.random(), mutant) for place, mutant in enumerate(by_kind[kind])]
    return [mutant for _, _, mutant in sorted(ranked, key=lambda each: each[:2])]


def fingerprint(text: str) -> Any:
    """What the module does, as its byte code says, whatever its layout; None where it does not compile."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _code(compile(text, "module", "exec", dont_inherit=True))
    except (SyntaxError, ValueError):
        return None


def _of_module(source: Source, kinds: Collection[str], seen: set[Any]) -> Iterator[Mutant]:
    for kind, operator in OPERATORS.items():
        if kind in kinds:
            for number, edit in enumerate(operator(source)):
                text = edit(source.data).decode()
                mark = fingerprint(text)
                if mark is not None and mark not in seen:
                    seen.add(mark)
                    yield Mutant(path=source.path, kind=kind, number=number, line=edit.line, text=text)


def _code(code: types.CodeType) -> Any:
    constants = tuple(
        _code(each) if isinstance(each, types.CodeType) else (type(each).__name__, repr(each))
        for each in code.co_consts
    )
    names = (code.co_name, code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    shape = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)
    return (code.co_code, code.co_exceptiontable, constants, names, shape)
