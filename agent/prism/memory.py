"""`Memory`: a typed memory as the fold of its entries; and its text, which amendments only ever append to."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import msgspec

from agent.prism.compaction import compact, within
from agent.prism.paths import ABSENT, NoSuchPlace, Path, at, conformed, located, put, shown
from agent.prism.schema import MemorySchema
from agent.prism.schema_source import parse_schema
from agent.revision import Entry, Revision
from agent.state import RunState

Form = Literal["amendments", "in-place"]

_FOLDED_SHARE = 0.67
"""Of the budget, for the folded value: the rest is room for amendments before it has to be folded again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A revision that was not taken, and why. `mendable`: another revision in its place might do."""

    revision: Revision
    reason: str
    mendable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where the value at a path comes from: the newest source, and whether any of its sources was untrusted."""

    source: str
    untrusted: bool
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Revised:
    """A memory after some revisions, the entries that it took, and the revisions that it did not."""

    memory: "Memory"
    entries: tuple[Entry, ...]
    rejected: tuple[Rejection, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What is remembered. Never changed: `revise` and `fold` give another.

    entries: all that was ever accepted, oldest first; the first `folded` of them stand in the text as one value.
    budget: how many tokens the text may take; beyond, what was written longest ago is left out of it, and stays in the
    memory. value: all entries applied. writers: by path, the entries that wrote there. base: the folded value as text.
    log: the lines of the entries since.
    """

    schema: MemorySchema
    budget: int | None = None
    entries: tuple[Entry, ...] = ()
    folded: int = 0
    value: Mapping[str, Any] = field(default_factory=dict[str, Any])
    writers: Mapping[Path, tuple[int, ...]] = field(default_factory=dict[Path, tuple[int, ...]])
    base: str = ""
    log: str = ""

    def revise(
        self, revisions: Iterable[Revision], *, source: str = "", untrusted: bool = False, either_op: bool = False
    ) -> Revised:
        """The memory with all of them that are valid, in their order. What changes nothing is passed over.

        either_op: `add` where there is a value, and `update` where there is none, are taken for the other one.

        An untrusted source may add, and change what untrusted sources said; what a trusted one said it may not.
        """
        memory, taken, rejected = self, list[Entry](), list[Rejection]()
        for revision in revisions:
            if either_op:
                revision = memory._with_fitting_op(revision)
            try:
                path, value = memory._checked(revision)
            except NoSuchPlace as error:
                if not memory._says_so_already(revision):
                    rejected.append(Rejection(revision=revision, reason=str(error)))
                continue
            if revision.op == "update" and at(memory.value, path) == value:
                continue
            if revision.op == "update" and untrusted and memory._holds_trusted(path):
                why = f"{shown(path)}: an untrusted source may not change what a trusted one said"
                rejected.append(Rejection(revision=revision, reason=why, mendable=False))
                continue
            made = Revision(op=revision.op, path=path, value=value)
            entry = Entry(revision=made, source=source, untrusted=untrusted)
            memory = memory.with_entries((entry,))
            taken.append(entry)
        return Revised(memory=memory, entries=tuple(taken), rejected=tuple(rejected))

    def _with_fitting_op(self, revision: Revision) -> Revision:
        try:
            located(self.schema, self.value, revision.path, revision.op)
        except NoSuchPlace:
            other = msgspec.structs.replace(revision, op="update" if revision.op == "add" else "add")
            try:
                located(self.schema, self.value, other.path, other.op)
            except NoSuchPlace:
                return revision
            return other
        return revision

    def _checked(self, revision: Revision) -> tuple[Path, Any]:
        path, type_ = located(self.schema, self.value, revision.path, revision.op)
        try:
            return path, conformed(self.schema, type_, revision.value)
        except NoSuchPlace as error:
            raise NoSuchPlace(f"{shown(path)}: {error}") from None

    def _says_so_already(self, revision: Revision) -> bool:
        """It adds what is there: documents say things twice."""
        try:
            path, type_ = located(self.schema, self.value, revision.path, "update")
            return at(self.value, path) == conformed(self.schema, type_, revision.value)
        except NoSuchPlace:
            return False

    def _holds_trusted(self, path: Path) -> bool:
        return not all(entry.untrusted for entry in self._written_by(path))

    def _written_by(self, path: Path) -> list[Entry]:
        """The entries that wrote the value at the path or a part of it, oldest first."""
        numbers: set[int] = set()
        for size in range(len(path) + 1):
            for number in self.writers.get(path[:size], ()):
                if at(self.entries[number].revision.value, path[size:]) is not ABSENT:
                    numbers.add(number)
        if isinstance(at(self.value, path), dict | list):
            below = (found for where, found in self.writers.items() if where[: len(path)] == path)
            numbers.update(number for found in below for number in found)
        return [self.entries[number] for number in sorted(numbers)]

    def with_entries(self, entries: Iterable[Entry]) -> "Memory":
        """The memory with entries that were accepted before: they are not checked again."""
        value: Any = self.value
        new, writers, log = list(self.entries), dict(self.writers), [self.log] if self.log else []
        for entry in entries:
            path = entry.revision.path
            value = put(value, path, entry.revision.value)
            writers[path] = (*writers.get(path, ()), len(new))
            log.append(compact([path, entry.revision.value]))
            new.append(entry)
        return replace(self, entries=tuple(new), value=value, writers=writers, log="\n".join(log))

    def fold(self) -> "Memory":
        """The same memory with its log rewritten as one value."""
        return replace(self, folded=len(self.entries), base=compact(self._within(_FOLDED_SHARE)), log="")

    def _within(self, share: float) -> Any:
        if self.budget is None:
            return self.value
        return within(self.value, self.newest_first(), int(self.budget * share))

    def newest_first(self) -> list[Path]:
        """The paths that were written, the latest first."""
        return sorted(self.writers, key=lambda path: -self.writers[path][-1])

    def provenance(self, path: Sequence[str | int]) -> Provenance | None:
        """Where the value at the path comes from; None when nothing is there.

        Trust is lost by one untrusted writer, and an update by a trusted one does not bring it back: the model that
        made it had read the untrusted text.
        """
        made = self._written_by(tuple(path))
        if not made or at(self.value, path) is ABSENT:
            return None
        return Provenance(
            source=made[-1].source,
            untrusted=any(entry.untrusted for entry in made),
            sources=tuple(dict.fromkeys(entry.source for entry in made)),
        )

    @property
    def untrusted(self) -> bool:
        """Whether anything in it was said by an untrusted source."""
        return any(entry.untrusted for entry in self.entries)

    def render(self, form: Form = "amendments") -> str:
        """The memory as a prompt shows it. The same memory gives the same bytes.

        in-place: its value as JSON, in the order in which it grew. amendments: the value as it was last folded, if it
        was, and then a line `[path, value]` for every entry since; a later line holds against an earlier one. So
        between two folds the text only grows at its end, and what an endpoint has encoded of it is used again.
        """
        if form == "in-place":
            return compact(self._within(1.0))
        return "\n".join(part for part in (self.base, self.log) if part)


def replayed(schema: MemorySchema, entries: Sequence[Entry], *, folded: int = 0, budget: int | None = None) -> Memory:
    """The memory that these entries made, of which the first `folded` are folded."""
    memory = Memory(schema=schema, budget=budget).with_entries(entries[:folded])
    return (memory.fold() if folded else memory).with_entries(entries[folded:])


def memory_of(state: RunState) -> Memory | None:
    """The memory of a run; None before it has a schema. Its text takes no more than raw steps may."""
    if not state.schema:
        return None
    schema = parse_schema(state.schema)
    return replayed(schema, state.entries, folded=state.folded, budget=state.options.context_tokens)
