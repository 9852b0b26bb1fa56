"""`open_strategy`: every strategy by its name, the one place where they are listed."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from retrieval.card import ServerCard
from retrieval.embedding import Embedder
from retrieval.strategies.both import (
    open_bm25f,
    open_grouped,
    open_hybrid,
    open_hybrid_whole,
    open_rrf,
    open_weighted,
)
from retrieval.strategies.by_server import (
    open_mcp_zero,
    open_rag_mcp,
    open_tool_to_agent,
    open_tool_to_agent_servers,
)
from retrieval.strategies.reranked import open_rerank_cross, open_rerank_llm
from retrieval.strategies.strategy import Collection, Strategy
from retrieval.strategies.vectors_alone import open_dense, open_dense_plain, open_tdwa, open_tdwa_template
from retrieval.strategies.words_alone import open_bm25
from retrieval.tdwa import QuestionsOf
from retrieval.tool import ToolSpec

_OPENED: Mapping[str, Callable[[Collection], Strategy]] = {
    "bm25": open_bm25,
    "bm25f": open_bm25f,
    "dense": open_dense,
    "dense_plain": open_dense_plain,
    "tdwa": open_tdwa,
    "tdwa_template": open_tdwa_template,
    "rrf": open_rrf,
    "weighted": open_weighted,
    "grouped": open_grouped,
    "hybrid_whole": open_hybrid_whole,
    "hybrid": open_hybrid,
    "rag_mcp": open_rag_mcp,
    "mcp_zero": open_mcp_zero,
    "tool_to_agent": open_tool_to_agent,
    "tool_to_agent_servers": open_tool_to_agent_servers,
    "rerank_cross": open_rerank_cross,
    "rerank_llm": open_rerank_llm,
}

STRATEGIES: Mapping[str, str] = {
    name: (opened.__doc__ or "").strip().splitlines()[0] for name, opened in _OPENED.items()
}
"""Every strategy, and in one line what it is."""


def open_strategy(
    name: str,
    tools: Sequence[ToolSpec],
    *,
    cards: Sequence[ServerCard] = (),
    embedder: Embedder,
    folder: Path,
    questions: QuestionsOf | None = None,
) -> Strategy:
    """A strategy over some tools, and over servers known by card only.

    Vectors are kept in `folder` by the hash of their text, so that the next strategy embeds only what is new to it.

    Example:
        open_strategy("hybrid", tools, embedder=open_embedder(), folder=Path("work")).search("list commits", 5)

    Raises:
        ValueError: there is no strategy of that name.
        ModelMissing: it needs a library or a model that is not there.
        ChatUnavailable: it needs a language model, and none is set.
    """
    opened = _OPENED.get(name)
    if opened is None:
        raise ValueError(f"there is no strategy {name!r}; there are {', '.join(_OPENED)}")
    return opened(Collection(tools=tools, cards=cards, embedder=embedder, folder=folder, questions=questions))
