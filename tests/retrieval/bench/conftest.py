"""A small labelled set in a folder."""

import json
from pathlib import Path
from typing import Any

import pytest

TOOLS = [
    {"server": "git", "name": "git_log", "description": "Show the commit logs", "input_schema": {"type": "object"}},
    {"server": "git", "name": "git_commit", "description": "Record changes", "input_schema": {"type": "object"}},
    {"server": "hub", "name": "list_commits", "description": "Show the commit logs", "input_schema": {}},
    {"server": "mail", "name": "send_mail", "description": "Send a letter", "tool_id": "mail/send_mail"},
]
QUERIES = [
    {"query_id": "q1", "query": "show the logs", "relevant_groups": [["git/git_log", "hub/list_commits"]]},
    {"query_id": "q2", "query": "record changes, then send a letter", "relevant": ["git/git_commit", "mail/send_mail"]},
    {"query_id": "q3", "query": "fly to the moon", "relevant": ["space/launch"]},
    {"query_id": "q4", "query": "how are you", "relevant": []},
]


def write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the set `small`."""
    data = tmp_path / "labelled"
    data.mkdir()
    write_rows(data / "small.tools.jsonl", TOOLS)
    write_rows(data / "small.queries.jsonl", QUERIES)
    return data
