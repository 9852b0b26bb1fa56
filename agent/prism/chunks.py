"""Long texts become chunks: between paragraphs, lines, JSON items or rows, wherever such a seam is near."""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from agent.prism.compaction import compact
from agent.tokens import count_tokens

Structure = Literal["prose", "lines", "json", "rows"]

_PARAGRAPHS = re.compile(r"\n\s*\n")
_SENTENCES = re.compile(r"(?<=[.!?。！？])\s+")
_WORDS = re.compile(r"\s+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A piece of a text that is read at once. source: which piece of what, as entries name it."""

    text: str
    source: str
    untrusted: bool = True


def chunked(text: str, tokens: int, structure: Structure | None = None) -> list[str]:
    """The text in pieces of at most so many tokens, by its structure; by what it looks like where none is given.

    prose: paragraphs, then lines, sentences, words. lines: lines first (logs, code). json: items with their path in
    front. rows: the lines of a CSV file, each piece with its header. Nothing but space between pieces is lost.
    """
    structure = structure or structure_of(text)
    if structure == "json":
        pieces = _json_pieces(text, tokens)
        if pieces is not None:
            return _packed(pieces, tokens, "\n")
        structure = "lines"
    if structure == "rows":
        return _rows(text, tokens)
    if structure == "lines":
        return _packed(_small(text.split("\n"), tokens), tokens, "\n")
    return _packed(_small(_PARAGRAPHS.split(text), tokens), tokens, "\n\n")


def structure_of(text: str) -> Structure:
    """What a text looks like."""
    if text.lstrip()[:1] in {"{", "["} and text.rstrip()[-1:] in {"}", "]"}:
        return "json"
    return "prose" if _PARAGRAPHS.search(text) else "lines"


def _small(parts: Iterable[str], tokens: int) -> Iterator[str]:
    """The parts, those that are too large cut at lines, else sentences, else words, else anywhere."""
    for part in parts:
        if count_tokens(part) <= tokens:
            yield part
        elif "\n" in part:
            yield from _packed(_small(part.split("\n"), tokens), tokens, "\n")
        else:
            yield from _packed(_cut(part, tokens), tokens, " ")


def _cut(line: str, tokens: int) -> Iterator[str]:
    for sentence in _SENTENCES.split(line):
        if count_tokens(sentence) <= tokens:
            yield sentence
            continue
        for word in _WORDS.split(sentence):
            while count_tokens(word) > tokens:
                # A token may be one character where text is written in several bytes a character.
                yield word[:tokens]
                word = word[tokens:]
            yield word


def _packed(parts: Iterable[str], tokens: int, seam: str) -> list[str]:
    """Neighbours joined while they fit; pieces of nothing but space are dropped."""
    packed: list[str] = []
    for part in parts:
        if packed and count_tokens(f"{packed[-1]}{seam}{part}") <= tokens:
            packed[-1] = f"{packed[-1]}{seam}{part}"
        else:
            packed.append(part)
    return [part for part in packed if part.strip()]


def _json_pieces(text: str, tokens: int) -> list[str] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return list(_small(_items(value, "", tokens), tokens))


def _items(value: Any, path: str, tokens: int) -> Iterator[str]:
    """`path: value` for what fits, the items of what does not."""
    line = f"{path}: {compact(value)}" if path else compact(value)
    if not isinstance(value, dict | list) or not value or count_tokens(line) <= tokens:
        yield line
    elif isinstance(value, dict):
        for key, below in value.items():
            yield from _items(below, f"{path}.{key}" if path else str(key), tokens)
    else:
        for number, below in enumerate(value):
            yield from _items(below, f"{path}[{number}]", tokens)


def _rows(text: str, tokens: int) -> list[str]:
    """Rows as they are written; one row may have several lines."""
    header, *rows = list(_csv_rows(text)) or [""]
    room = tokens - count_tokens(header) - 1
    if not rows or room < tokens // 2:
        return _packed(_small(text.split("\n"), tokens), tokens, "\n")
    return [f"{header}\n{rows_}" for rows_ in _packed(_small(rows, room), room, "\n")]


def _csv_rows(text: str) -> Iterator[str]:
    lines = text.splitlines()
    reader = csv.reader(io.StringIO(text, newline=""))
    start = 0
    try:
        for _ in reader:
            yield "\n".join(lines[start : reader.line_num])
            start = reader.line_num
    except csv.Error:
        yield from lines[start:]
