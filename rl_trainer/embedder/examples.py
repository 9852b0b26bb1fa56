"""What the embedder learns from: queries with the tools they need, split by tool into learnt and kept."""

import gzip
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retrieval.document import passage_of
from retrieval.tool import ToolSpec
from rl_trainer.errors import TrainingDataMissing

QUESTIONS = Path(__file__).parent / "questions.jsonl.gz"
"""Questions written for real MCP tools by a large language model: one line per tool, `tool_id` and `questions`."""

LICENSED = ("metatool", "sealtools", "stabletoolbench", "bfcl_v4")
"""The labelled sets whose licence allows training: MIT, Apache-2.0, Apache-2.0, Apache-2.0."""

_KEPT_PERCENT = {"metatool": 40, "stabletoolbench": 40, "bfcl_v4": 30, "questions": 10}
"""The share of tools (stabletoolbench: of servers) that nothing is learnt of."""

_MOST_PER_TOOL = 40
"""Of metatool's hundred queries for one tool, so many: the rest would only teach the names of 120 tools."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One query and the tools it needs, as ids of its source's pool; any of them is a right answer."""

    query: str
    relevant: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Queries over one pool of tools. `alike` groups tools that are the same but for their server."""

    name: str
    passages: Mapping[str, str]
    """What is embedded of every tool of the pool, by id; kept tools are not among them."""
    alike: Mapping[str, str]
    learnt: Sequence[Example]
    kept: Sequence[Example]
    """Queries that need only tools of which nothing is learnt."""
    kept_passages: Mapping[str, str]
    """The whole pool, for measuring: kept tools among all others."""


def is_kept(source: str, key: str) -> bool:
    """Whether a tool (or server, or group of like tools) belongs to the part that nothing is learnt of.

    By the hash of its name, so that the split is the same everywhere and forever.
    """
    digest = hashlib.sha256(f"quartermaster split 1:{source}:{key}".encode()).digest()
    return int.from_bytes(digest[:4], "big") % 100 < _KEPT_PERCENT[source]


def read_sources(data: Path) -> list[Source]:
    """Every source that may be learnt from, out of a folder laid out as docs/training.md says.

    Raises:
        TrainingDataMissing: a file of it is not there.
    """
    return [*(_labelled(name, data) for name in LICENSED), _written(data)]


def _labelled(name: str, data: Path) -> Source:
    tools = [_tool(row) for row in _rows(data / "queries" / f"{name}.tools.jsonl.gz")]
    rows = list(_rows(data / "queries" / f"{name}.queries.jsonl.gz"))
    kept_ids = _kept_ids(name, tools, rows)
    learnt: list[Example] = []
    kept: list[Example] = []
    count: dict[str, int] = {}
    for row in rows:
        relevant = tuple(row["relevant"])
        if name == "sealtools" and row["split"] != "dev":
            kept.append(Example(query=row["query"], relevant=relevant))
            continue
        open_ids = tuple(id_ for id_ in relevant if id_ not in kept_ids)
        if not open_ids:
            kept.append(Example(query=row["query"], relevant=relevant))
        elif len(open_ids) == len(relevant) or name == "sealtools":
            if name == "metatool":
                count[relevant[0]] = count.get(relevant[0], 0) + 1
                if count[relevant[0]] > _MOST_PER_TOOL:
                    continue
            learnt.append(Example(query=row["query"], relevant=open_ids))
    passages = {tool.tool_id: passage_of(tool) for tool in tools}
    return Source(
        name=name,
        passages={id_: text for id_, text in passages.items() if id_ not in kept_ids},
        alike={},
        learnt=learnt,
        kept=kept,
        kept_passages=passages,
    )


def _kept_ids(name: str, tools: Sequence[ToolSpec], rows: Sequence[Mapping[str, Any]]) -> set[str]:
    if name == "sealtools":  # its authors' own test splits
        return {id_ for row in rows if row["split"] != "dev" for id_ in row["relevant"]}
    by_server = name == "stabletoolbench"
    return {tool.tool_id for tool in tools if is_kept(name, tool.server if by_server else tool.tool_id)}


def _written(data: Path) -> Source:
    """The written questions over real MCP tools, without any tool that `mcp_union` asks for, or one like it."""
    rows = {row["tool_id"]: row for row in _rows(data / "mcp_tools.jsonl.gz")}
    alike = {id_: row["same_as"] for id_, row in rows.items()}
    asked = {
        id_
        for row in _rows(data / "queries" / "mcp_union.queries.jsonl.gz")
        for group in (row.get("relevant_groups") or [row["relevant"]])
        for id_ in group
    }
    asked_groups = {alike[id_] for id_ in asked if id_ in alike}
    may_learn = {
        id_
        for id_, row in rows.items()
        if row["pool"] != "mcptoolbenchpp"  # has no licence
        and alike[id_] not in asked_groups
        and not is_kept("questions", alike[id_])
    }
    examples = [
        Example(query=question, relevant=(row["tool_id"],))
        for row in _rows(QUESTIONS)
        for question in row["questions"]
        if row["tool_id"] in rows
    ]
    passages = {id_: passage_of(_tool(row)) for id_, row in rows.items()}
    return Source(
        name="questions",
        passages={id_: passages[id_] for id_ in passages if id_ in may_learn},
        alike=alike,
        learnt=[example for example in examples if example.relevant[0] in may_learn],
        kept=[example for example in examples if example.relevant[0] not in may_learn],
        kept_passages=passages,
    )


def _tool(row: Mapping[str, Any]) -> ToolSpec:
    return ToolSpec(
        server=row["server"],
        name=row["name"],
        description=row.get("description") or "",
        input_schema=row.get("input_schema") or {},
    )


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            yield from map(json.loads, lines)
    except FileNotFoundError:
        raise TrainingDataMissing(f"training needs {path}, which is not there; see docs/training.md") from None
