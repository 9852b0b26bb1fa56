"""The names nearest to one that does not exist: for messages that let a person, or a model, mend a slip."""

import heapq
from collections.abc import Iterable
from difflib import SequenceMatcher

from retrieval.tool import ToolId, split_tool_id

_SHORTLIST = 200
"""difflib compares so many at most; 20,000 of them would take a second."""
_CLOSE = 0.6
"""difflib's ratio from which on two names are taken for the same one, misspelt."""
_SERVER_WEIGHT = 0.2


def nearest_names(wanted: str, names: Iterable[str], n: int = 3) -> list[str]:
    """At most `n` of the names, nearest first; empty when none is close.

    Example:
        "gihtub", ["github", "gitlab", "notion"] -> ["github", "gitlab"]
    """
    scored = [(_likeness(wanted, name), name) for name in _shortlist(wanted, names)]
    return _best([(score, name) for score, name in scored if score >= _CLOSE], n)


def nearest_tools(wanted: ToolId, tool_ids: Iterable[ToolId], n: int = 3) -> list[ToolId]:
    """At most `n` of the tool ids, nearest first: the tool's own name counts most, then how near its server is.

    An id without a server is compared by name alone. When no name is close, the tools of the named server are given.

    Example:
        "git/create_isue", ["git/create_tag", "github/create_issue"] -> ["github/create_issue", "git/create_tag"]
    """
    server, name = split_tool_id(wanted)
    if not name:
        server, name = "", wanted
    close: list[tuple[float, str]] = []
    of_server: list[tuple[float, str]] = []
    for tool_id in _shortlist(name, tool_ids, also=f"{server}/"):
        its_server, its_name = split_tool_id(tool_id)
        likeness, server_likeness = _likeness(name, its_name), _likeness(server, its_server)
        if likeness >= _CLOSE:
            close.append((likeness + _SERVER_WEIGHT * server_likeness, tool_id))
        elif server_likeness >= _CLOSE:
            of_server.append((server_likeness + _SERVER_WEIGHT * likeness, tool_id))
    return _best(close or of_server, n)


def _shortlist(wanted: str, texts: Iterable[str], *, also: str | None = None) -> list[str]:
    """Those that share the most pairs of letters with what is wanted; `also` is the beginning of preferred ones."""
    folded = wanted.casefold()
    pairs = {folded[at : at + 2] for at in range(max(1, len(folded) - 1))}

    def shared(text: str) -> int:
        lower = text.casefold()
        count = sum(pair in lower for pair in pairs)
        return count + 2 if also and text.startswith(also) else count

    return heapq.nlargest(_SHORTLIST, texts, key=shared)


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, one.casefold(), other.casefold(), autojunk=False).ratio()


def _best(scored: list[tuple[float, str]], n: int) -> list[str]:
    return [text for _, text in sorted(scored, key=lambda pair: (-pair[0], pair[1]))[:n]]
