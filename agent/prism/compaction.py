"""A value as compact JSON, and as much of it as a budget allows: the rest is counted, not shown."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from agent.prism.paths import ABSENT, Path, at
from agent.tokens import count_tokens
from retrieval.words import words

_SENTENCES = re.compile(r"[\n.;?!]+")

LEFT_OUT = "…"
"""The key that stands for entries which are remembered and not shown; its value says how many."""


def compact(value: Any) -> str:
    """JSON on one line without spaces, keys in their order."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")  # which some take for the end of a line


def within(value: Mapping[str, Any], paths: Iterable[Path], tokens: int) -> Any:
    """The value if its JSON takes no more tokens than that, else the parts of it at the first paths that do.

    Where something is left out, `{"…": "3 more"}` stands beside what is shown, and a list becomes an object by index.
    """
    if count_tokens(compact(value)) <= tokens:
        return value
    kept: set[Path] = set()
    for path in paths:
        part = at(value, path)
        if part is ABSENT or any(path[:size] in kept for size in range(len(path))):
            continue
        tokens -= count_tokens(compact([path, part]))
        if tokens < 0:
            break
        kept.add(path)
    on_the_way = {path[:size] for path in kept for size in range(len(path))}
    return _pruned(value, (), kept, on_the_way | {()})


def _pruned(value: Any, path: Path, kept: set[Path], on_the_way: set[Path]) -> Any:
    if path in kept:
        return value
    if path not in on_the_way:
        return ABSENT
    items = enumerate(value) if isinstance(value, list) else value.items()
    shown = [(key, _pruned(below, (*path, key), kept, on_the_way)) for key, below in items]
    left_out = sum(below is ABSENT for _, below in shown)
    if not left_out and isinstance(value, list):
        return [below for _, below in shown]
    more = {LEFT_OUT: f"{left_out} more"} if left_out else {}
    return {**{str(key): below for key, below in shown if below is not ABSENT}, **more}


def by_question(paths: Sequence[Path], value: Mapping[str, Any], question: str) -> list[Path]:
    """The paths that share most words with one sentence of the question first, the others as they come."""
    asked = [found for line in _SENTENCES.split(question) if (found := set(words(line)))]

    def fit(path: Path) -> int:
        said = set(words(f"{path} {at(value, path)}"))
        return max((len(said & line) for line in asked), default=0)

    return sorted(paths, key=lambda path: -fit(path))
