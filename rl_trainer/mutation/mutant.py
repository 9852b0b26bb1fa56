"""`Mutant`: one bug and where it is put; all those of a project, without doubles and without what changes nothing."""

import random
import types
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from rl_trainer.errors import TaskInvalid
from rl_trainer.mutation.operators import OPERATORS
from rl_trainer.mutation.source import Edit, Source


class Mutant(msgspec.Struct, frozen=True, kw_only=True):
    """kind: the name of its operator. number: its place among those of this kind in the module."""

    path: str
    kind: str
    number: int
    edit: Edit

    @property
    def id(self) -> str:
        return f"{self.path}:{self.kind}-{self.number}"


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """One mutant or several together. files: the modules that have them, as they then are."""

    mutants: tuple[Mutant, ...]
    files: dict[str, str]

    @property
    def id(self) -> str:
        return "+".join(mutant.id for mutant in self.mutants)

    @property
    def kind(self) -> str:
        """The operator's name; of several bugs, `several`."""
        return self.mutants[0].kind if len(self.mutants) == 1 else "several"


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


def candidates(files: Mapping[str, str], found: Sequence[Mutant], *, bugs: int, seed: int) -> Iterator[Candidate]:
    """The mutants in an order of their own for each seed, kinds in turn, so that the first n have many kinds.

    bugs: of one task. Where it is more than one, each mutant is joined by others drawn at random, whose places are
    apart from its own.
    """
    draw = random.Random(seed)  # noqa: S311 - an order, not a secret
    ordered = _in_turn(found, draw)
    for first in ordered:
        together = [first]
        for _ in range(20 * (bugs - 1)):
            other = draw.choice(ordered)
            if len(together) < bugs and all(_apart(other, each) for each in together):
                together.append(other)
        if len(together) == bugs:
            yield Candidate(mutants=tuple(together), files=_changed(files, together))


def _in_turn(found: Sequence[Mutant], draw: random.Random) -> list[Mutant]:
    by_kind: dict[str, list[Mutant]] = {}
    for mutant in sorted(found, key=lambda each: each.id):
        by_kind.setdefault(mutant.kind, []).append(mutant)
    ranked: list[tuple[int, float, Mutant]] = []
    for kind in sorted(by_kind):
        draw.shuffle(by_kind[kind])
        ranked += [(place, draw.random(), mutant) for place, mutant in enumerate(by_kind[kind])]
    return [mutant for _, _, mutant in sorted(ranked, key=lambda each: each[:2])]


def _apart(one: Mutant, other: Mutant) -> bool:
    return one.path != other.path or one.edit.end < other.edit.start or other.edit.end < one.edit.start


def _changed(files: Mapping[str, str], together: Sequence[Mutant]) -> dict[str, str]:
    done: dict[str, bytes] = {}
    for mutant in sorted(together, key=lambda each: -each.edit.start):  # from the end, so that places stay right
        done[mutant.path] = mutant.edit(done.get(mutant.path, files[mutant.path].encode()))
    return {path: data.decode() for path, data in sorted(done.items())}


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
                    yield Mutant(path=source.path, kind=kind, number=number, edit=edit)


def _code(code: types.CodeType) -> Any:
    constants = tuple(
        _code(each) if isinstance(each, types.CodeType) else (type(each).__name__, repr(each))
        for each in code.co_consts
    )
    names = (code.co_name, code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    shape = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)
    return (code.co_code, code.co_exceptiontable, constants, names, shape)
