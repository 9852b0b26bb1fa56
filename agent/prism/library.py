"""The schemas that come along, by name: what each is for, and the one that is nearest to a task."""

import ast
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from agent.prism.schema import MemorySchema
from agent.prism.schema_source import BadSchema, parse_schema
from retrieval.words import words


@dataclass(frozen=True, slots=True, kw_only=True)
class LibrarySchema:
    """A schema with its name and the kind of task it is for."""

    name: str
    purpose: str
    source: str

    @property
    def schema(self) -> MemorySchema:
        return parse_schema(self.source)


@cache
def library() -> dict[str, LibrarySchema]:
    """All of them by name."""
    found = (file for file in files("agent.prism.schemas").iterdir() if file.name.endswith(".py"))
    texts = {file.name.removesuffix(".py").replace("_", "-"): file.read_text("utf-8") for file in found}
    return {
        name: LibrarySchema(name=name, purpose=ast.get_docstring(ast.parse(text)) or "", source=text)
        for name, text in sorted(texts.items())
        if not name.startswith("-")
    }


def named(name: str) -> LibrarySchema:
    """The schema of that name.

    Raises:
        BadSchema: there is none; the message names them all.
    """
    try:
        return library()[name.replace("_", "-")]
    except KeyError:
        raise BadSchema(
            f"there is no schema {name!r}; there are {', '.join(library())}, or a file of your own"
        ) from None


def nearest(task: str, *, default: str = "task-notes") -> LibrarySchema:
    """The schema whose purpose shares most words with the task; `default` where none shares any."""
    asked = set(words(task))
    best = max(library().values(), key=lambda each: len(asked & set(words(each.purpose))))
    return best if asked & set(words(best.purpose)) else named(default)
