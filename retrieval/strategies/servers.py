"""Servers as things to be found: what is known of each, and its vectors beside those of its tools."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrieval.card import ServerCard
from retrieval.document import passage_of
from retrieval.embedding import Vectors
from retrieval.identifiers import product_name, spoken
from retrieval.phrasing import first_sentence
from retrieval.strategies.strategy import Collection
from retrieval.tool import ToolSpec

_MAX_SUMMARY = 1200


@dataclass(frozen=True, kw_only=True)
class ServerSpace:
    """Tools and servers in one space. `owner` int64[tools] is each tool's server, a place in `servers`."""

    tools: Sequence[ToolSpec]
    servers: Sequence[str]
    owner: NDArray[np.int64]
    tool_vectors: Vectors
    descriptions: Vectors
    """Of what each server says of itself: float32[servers, dim]."""
    summaries: Vectors
    """Of what its tools say: float32[servers, dim]; the description again for a server known by card only."""
    wholes: Vectors
    """Of both in one text: float32[servers, dim]."""
    by_card_only: NDArray[np.bool_]
    """bool[servers]: there is no tool to be found, so the server itself is what is found."""


def server_space(collection: Collection) -> ServerSpace:
    """Every server of a collection, those with tools first. One without a card is described by its name."""
    tools_of: dict[str, list[ToolSpec]] = {}
    for tool in collection.tools:
        tools_of.setdefault(tool.server, []).append(tool)
    cards = {card.name: card for card in collection.cards}
    servers = list(dict.fromkeys([*tools_of, *cards]))
    place = {server: number for number, server in enumerate(servers)}
    described = [_description(server, cards.get(server)) for server in servers]
    told = [summary(tools_of.get(server, ())) for server in servers]
    return ServerSpace(
        tools=collection.tools,
        servers=servers,
        owner=np.array([place[tool.server] for tool in collection.tools], np.int64),
        tool_vectors=collection.vectors([passage_of(tool) for tool in collection.tools]),
        descriptions=collection.vectors(described),
        summaries=collection.vectors([said or text for said, text in zip(told, described, strict=True)]),
        wholes=collection.vectors(
            [f"{text}. {said}" if said else text for said, text in zip(told, described, strict=True)]
        ),
        by_card_only=np.array([server not in tools_of for server in servers], np.bool_),
    )


def summary(tools: Sequence[ToolSpec]) -> str:
    """The tools of a server in few words each: name and first sentence, as many as fit."""
    told = (
        ": ".join(part for part in (" ".join(spoken(tool.name)), first_sentence(tool.description)) if part)
        for tool in tools
    )
    return ". ".join(told)[:_MAX_SUMMARY]


def _description(server: str, card: ServerCard | None) -> str:
    return passage_of(card) if card is not None else product_name(server)
