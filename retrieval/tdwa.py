"""TDWA: one vector a tool, the weighted mean of the vectors of its parts (ScaleMCP, arXiv 2505.06416).

z(T) = L2norm(sum of w_i E(c_i)), with the parts c: name, description, parameters and synthetic questions.
"""

from collections.abc import Callable, Mapping, Sequence

import msgspec
import numpy as np

from retrieval.document import fields_of
from retrieval.embedding import Vectors
from retrieval.identifiers import product_name, spoken
from retrieval.tool import ToolSpec

QuestionsOf = Callable[[ToolSpec], Sequence[str]]
"""The synthetic questions of a tool; none for a tool that has none yet."""

_MAX_TEXT = 2000


class TdwaWeights(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What each part counts, each 0 or more; only their proportions matter."""

    name: float = 0.2
    description: float = 0.3
    parameters: float = 0.2
    questions: float = 0.3
    server: float = 0.0
    """The server's name, which is no part in the paper."""

    def __post_init__(self) -> None:
        given = msgspec.structs.asdict(self)
        if any(weight < 0 for weight in given.values()) or not any(given.values()):
            raise ValueError(f"TDWA weights must be 0 or more, and one must be more: {given}")


PRESETS: Mapping[str, TdwaWeights] = {
    "default": TdwaWeights(),
    "var-1": TdwaWeights(name=0.2, description=0.2, parameters=0.2, questions=0.4),
    "var-2": TdwaWeights(name=0.2, description=0.3, parameters=0.0, questions=0.5),
}
"""`var-1` and `var-2` are the paper's variants as recalled by others: unverified, the paper's table was not at hand."""


def parts_of(tool: ToolSpec, questions: Sequence[str] = ()) -> dict[str, str]:
    """The text of each part by the name of its weight; empty when the tool has no such part.

    Example:
        {"name": "git log", "description": "Shows the commit logs", "parameters": "repo path, max count",
         "questions": "How do I show the commit logs?", "server": "git"}
    """
    fields = fields_of(tool)
    names = ", ".join(" ".join(spoken(name)) for name in fields.parameters.split())
    parts = {
        "name": " ".join(spoken(tool.name)),
        "description": fields.description.strip(),
        "parameters": f"{names}. {fields.parameter_texts}" if fields.parameter_texts else names,
        "questions": " ".join(questions),
        "server": product_name(tool.server),
    }
    return {part: text[:_MAX_TEXT] for part, text in parts.items()}


def tdwa(parts: Mapping[str, Vectors], weights: TdwaWeights) -> Vectors:
    """float32[n, dim], unit rows, from float32[n, dim] for each part; a row of zeros is a part that a tool has not.

    The weights of absent parts go to the others in proportion, which takes no step of its own: it changes only the
    length of the sum, and lengths become 1. A tool that has no part of any weight gets the plain mean of what it has.
    """
    shape = next(iter(parts.values())).shape
    summed = np.zeros(shape, np.float32)
    for part, vectors in parts.items():
        summed += np.float32(getattr(weights, part)) * vectors
    empty = ~_has_length(summed)
    if empty.any():
        summed[empty] = sum((vectors[empty] for vectors in parts.values()), np.zeros(shape, np.float32)[empty])
        summed[~_has_length(summed), 0] = 1  # nothing at all, or parts that cancel out: still a unit vector
    return summed / np.linalg.norm(summed, axis=1, keepdims=True)


def tdwa_vectors(
    tools: Sequence[ToolSpec],
    weights: TdwaWeights,
    *,
    embed: Callable[[Sequence[str]], Vectors],
    questions: QuestionsOf | None = None,
) -> Vectors:
    """float32[len(tools), dim]: the TDWA vector of each tool. `embed` gives the vectors of texts, from a store say."""
    texts = [parts_of(tool, questions(tool) if questions else ()) for tool in tools]
    wanted = [part for part in TdwaWeights.__struct_fields__ if getattr(weights, part)]
    if any(not any(text[part] for part in wanted) for text in texts):
        wanted = list(TdwaWeights.__struct_fields__)
    return tdwa({part: embed_present([text[part] for text in texts], embed) for part in wanted}, weights)


def embed_present(texts: Sequence[str], embed: Callable[[Sequence[str]], Vectors]) -> Vectors:
    """float32[len(texts), dim]: the vectors of the texts, rows of zeros for empty ones."""
    vectors = np.array(embed(texts))
    vectors[[not text for text in texts]] = 0
    return vectors


def _has_length(vectors: Vectors) -> np.ndarray:
    return np.linalg.norm(vectors, axis=1) > 1e-6
