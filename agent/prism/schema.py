"""`MemorySchema`: what a memory may hold, as nested records; and its text, as prompts show it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Scalar:
    kind: Literal["int", "float", "str", "bool"]


@dataclass(frozen=True, slots=True)
class ListOf:
    item: "Type"


@dataclass(frozen=True, slots=True)
class MapOf:
    """Values by a text key."""

    value: "Type"


@dataclass(frozen=True, slots=True)
class Maybe:
    """A value, or null."""

    of: "Type"


@dataclass(frozen=True, slots=True)
class Record:
    """A record of the schema, by its name."""

    name: str


Type = Scalar | ListOf | MapOf | Maybe | Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    name: str
    type: Type
    meaning: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordType:
    """A dataclass of the schema: its fields in the order in which they were written."""

    name: str
    fields: tuple[Field, ...]
    meaning: str = ""

    def field(self, name: str) -> Field | None:
        """The field of that name."""
        return next((field for field in self.fields if field.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class MemorySchema:
    """The records by name, each after those that it refers to; the memory as a whole is one `root` record.

    Made by `agent.prism.schema_source.parse_schema`. PRISM, Definition 3.2: primitive types and simple structures in
    nested maps with keys.
    """

    records: Mapping[str, RecordType]
    root: str

    @property
    def top(self) -> RecordType:
        """The record that the whole memory is."""
        return self.records[self.root]

    def child(self, type_: Type, key: str | int) -> Type | None:
        """The type of what stands at `key` in a value of `type_`; None where there is no such place."""
        match type_:
            case Maybe(of=inner):
                return self.child(inner, key)
            case Record(name=name):
                field = self.records[name].field(key) if isinstance(key, str) else None
                return field.type if field else None
            case MapOf(value=value):
                return value if isinstance(key, str) else None
            case ListOf(item=item):
                return item
            case Scalar():
                return None


def type_text(type_: Type) -> str:
    """A type as Python writes it."""
    match type_:
        case Scalar(kind=kind):
            return kind
        case ListOf(item=item):
            return f"list[{type_text(item)}]"
        case MapOf(value=value):
            return f"dict[str, {type_text(value)}]"
        case Maybe(of=inner):
            return f"{type_text(inner)} | None"
        case Record(name=name):
            return name


def schema_text(schema: MemorySchema) -> str:
    """The schema for a prompt: dataclasses without what says nothing. The same schema gives the same bytes.

    It can be parsed again, and gives an equal schema.

    Example:
        class Memory:  # what is known of the people
         people: dict[str, Person]  # by full name
    """
    return "\n".join(line for record in schema.records.values() for line in _record_lines(record))


def _record_lines(record: RecordType) -> Iterator[str]:
    yield f"class {record.name}:{_comment(record.meaning)}"
    for field in record.fields:
        yield f" {field.name}: {type_text(field.type)}{_comment(field.meaning)}"


def _comment(meaning: str) -> str:
    return f"  # {meaning}" if meaning else ""
