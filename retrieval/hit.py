"""`Hit`: one result of a search, able to explain itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from retrieval.tool import split_tool_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A tool or a server card that was found, best first in the list it came in.

    `score` is the fused score, from 0 to about 1. `signals` says what each part saw: `dense` (cosine), `lexical` (BM25;
    1 is a full match) and the place in each; `words` are the query's words that the tool's text has.

    Example:
        Hit(id="git/git_log", kind="tool", score=0.93,
            signals={"dense": 0.61, "dense_rank": 1, "lexical": 0.94, "lexical_rank": 2}, words=("commit", "log"))
    """

    id: str
    kind: Literal["tool", "server"]
    score: float
    signals: Mapping[str, float] = field(default_factory=dict[str, float])
    words: tuple[str, ...] = ()
    alternatives: tuple[str, ...] = ()
    """The same tool of other servers, best first; they have no places of their own while other tools are left."""

    @property
    def server(self) -> str:
        return split_tool_id(self.id)[0]
