"""Labelled sets: tools, and queries that say which of them they need.

A set NAME is two JSON Lines files in one folder, each plain or gzipped:
    NAME.tools.jsonl[.gz]     server, name, description, input_schema (and, if known, title, output_schema, annotations)
    NAME.queries.jsonl[.gz]   query_id, query, relevant: [tool ids], or relevant_groups: [[ids that do alike], ...]
"""

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from retrieval.bench.rows import find_file, read_rows
from retrieval.errors import LabelledDataWrong
from retrieval.tool import ToolSpec

_SHARED_TOOLS: Mapping[str, str] = {"mcp_union": "mcp_tools.jsonl"}
"""Sets whose tools are a file of their own beside the folder of the queries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledQuery:
    """A request, and the tools that it needs: of each the ids that would do."""

    query_id: str
    text: str
    needed: tuple[frozenset[str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledSet:
    """Tools and what is asked of them.

    `absent`: needed ids of which no alternative is among the tools, so that nothing can find them.
    `unlabelled`: how many queries were left out because they need no tool.
    """

    name: str
    tools: tuple[ToolSpec, ...]
    queries: tuple[LabelledQuery, ...]
    absent: tuple[str, ...] = ()
    unlabelled: int = 0


def read_labelled_set(folder: Path, name: str) -> LabelledSet:
    """A set, whole.

    Raises:
        LabelledDataWrong: a file is missing, or a line of it is wrong.
    """
    tools = _read_tools(_tools_file(folder, name))
    queries, unlabelled = _read_queries(_queries_file(folder, name))
    there = {tool.tool_id for tool in tools}
    absent = {min(group) for query in queries for group in query.needed if not group & there}
    return LabelledSet(
        name=name, tools=tuple(tools), queries=tuple(queries), absent=tuple(sorted(absent)), unlabelled=unlabelled
    )


def set_names(folder: Path) -> list[str]:
    """The sets of a folder that have both files.

    Raises:
        LabelledDataWrong: there is none.
    """
    files = [path.name.removesuffix(".gz") for path in sorted(folder.glob("*.queries.jsonl*"))]
    names = [file.removesuffix(".queries.jsonl") for file in files if file.endswith(".queries.jsonl")]
    found = [name for name in dict.fromkeys(names) if _find_tools(folder, name) is not None]
    if not found:
        raise LabelledDataWrong(
            f"there is no labelled set in {folder.resolve()}: a set is NAME.tools.jsonl[.gz] and "
            "NAME.queries.jsonl[.gz]; name the folder that has them with --data"
        )
    return found


def only(labelled: LabelledSet, query_ids: Collection[str]) -> LabelledSet:
    """The set with those queries alone that are named.

    Raises:
        LabelledDataWrong: none of them is in the set.
    """
    kept = tuple(query for query in labelled.queries if query.query_id in query_ids)
    if not kept:
        example = labelled.queries[0].query_id if labelled.queries else "none"
        raise LabelledDataWrong(
            f"none of the {len(query_ids):,} query ids is in {labelled.name}; its ids look like {example!r}"
        )
    return replace(labelled, queries=kept)


def sample(labelled: LabelledSet, size: int, *, seed: int) -> LabelledSet:
    """The set with at most so many queries, the same ones for the same seed; 0 keeps all."""
    if not 0 < size < len(labelled.queries):
        return labelled
    return replace(labelled, queries=tuple(random.Random(seed).sample(labelled.queries, size)))  # noqa: S311


class _ToolRow(msgspec.Struct):
    server: str
    name: str
    tool_id: str | None = None
    title: str | None = None
    description: str | None = None
    input_schema: dict[str, Any] | None = None
    output_schema: dict[str, Any] | None = None
    annotations: dict[str, Any] | None = None


class _QueryRow(msgspec.Struct):
    query_id: str
    query: str
    relevant: list[str] | None = None
    relevant_groups: list[list[str]] | None = None


def _read_tools(path: Path) -> list[ToolSpec]:
    tools: dict[str, ToolSpec] = {}
    for place, row in read_rows(path, _ToolRow):
        try:
            tool = ToolSpec(
                server=row.server,
                name=row.name,
                title=row.title,
                description=row.description or "",
                input_schema=row.input_schema or {"type": "object"},
                output_schema=row.output_schema,
                annotations=row.annotations,
            )
        except ValueError as error:
            raise LabelledDataWrong(f"{place}: {error}") from error
        if row.tool_id not in (None, tool.tool_id):
            raise LabelledDataWrong(f"{place}: tool_id {row.tool_id!r} is not server/name, {tool.tool_id!r}")
        if tool.tool_id in tools:
            raise LabelledDataWrong(f"{place}: {tool.tool_id!r} stands there a second time")
        tools[tool.tool_id] = tool
    if not tools:
        raise LabelledDataWrong(f"{path} has no tools")
    return list(tools.values())


def _read_queries(path: Path) -> tuple[list[LabelledQuery], int]:
    queries: list[LabelledQuery] = []
    unlabelled = 0
    for place, row in read_rows(path, _QueryRow):
        needed = _needed(row, place)
        if needed:
            queries.append(LabelledQuery(query_id=row.query_id, text=row.query, needed=needed))
        else:
            unlabelled += 1
    if not queries:
        raise LabelledDataWrong(f"{path} has no query that needs a tool")
    return queries, unlabelled


def _needed(row: _QueryRow, place: str) -> tuple[frozenset[str], ...]:
    groups: Sequence[Sequence[str]] = row.relevant_groups or [[id_] for id_ in row.relevant or ()]
    if not all(groups):
        raise LabelledDataWrong(f"{place}: a group of relevant_groups is empty")
    if not row.query.strip():
        raise LabelledDataWrong(f"{place}: the query is empty")
    return tuple(dict.fromkeys(frozenset(group) for group in groups))


def _find_tools(folder: Path, name: str) -> Path | None:
    found = find_file(f"{name}.tools.jsonl", [folder])
    if found is None and name in _SHARED_TOOLS:
        found = find_file(_SHARED_TOOLS[name], [folder, folder.resolve().parent])
    return found


def _tools_file(folder: Path, name: str) -> Path:
    found = _find_tools(folder, name)
    if found is None:
        raise _missing(folder, f"{name}.tools.jsonl", "the tools")
    return found


def _queries_file(folder: Path, name: str) -> Path:
    found = find_file(f"{name}.queries.jsonl", [folder])
    if found is None:
        raise _missing(folder, f"{name}.queries.jsonl", "the queries with the tools that each needs")
    return found


def _missing(folder: Path, file: str, what: str) -> LabelledDataWrong:
    return LabelledDataWrong(
        f"{file}[.gz] is not in {folder.resolve()}: it has {what}, one JSON object a line "
        "(docs/bench-retrieval.md has the fields); name the folder with --data"
    )
