"""Descriptions written to be found rather than to be understood: how they are told, and what it costs their tools."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from retrieval.alike import plain_name
from retrieval.hit import Hit
from retrieval.multi import Search
from retrieval.tool import ToolId, split_tool_id

Descriptions = Mapping[ToolId, str]

MOST_REPEATS = 3.0
"""So often, at most, a word of one field counts: nobody needs to name a thing more often to say what a tool does."""

_LONG = 24
"""Shorter texts, in words, repeat and list too little to be judged by it."""
_PENALTY = 0.6
_COPY = 0.8
_CONTAINED = 0.6
_FEW = 5
_WORD = re.compile(r"[^\W_]+")
_FUNCTION_WORDS = frozenset(
    _WORD.findall(
        """
        a an and are as at be by can for from has if in is it its not of on or that the this to use used when which will
        with you your all any but do each given get have into more no only other out returns should than then these they
        up using was what where
        """
    )
)
_OTHERS = r"(?:every|all|any|each|the)?\s*(?:of\s+the\s+)?other\s+(?:\w+\s+)?(?:tools?|functions?|servers?|options?)"
_AIMED_AT_THE_MODEL = re.compile(
    "|".join(
        (
            rf"\b(?:instead of|rather than|never use|do not use|don't use|ignore|avoid|before|over)\s+{_OTHERS}",
            r"\b(?:ignore|disregard|forget)\s+(?:all\s+|any\s+|the\s+)?(?:previous|prior|above|earlier|system)\b",
            r"\b(?:do not|don't|never)\s+(?:tell|inform|(?:mention|show) (?:this|it) to)\s+(?:the\s+)?user\b",
            r"\bbest\s+(?:tool|choice|option)\s+(?:for|of|to)\s+(?:every|any|all)",
            r"\b(?:always|must)\s+(?:use|call|choose|select|prefer)\s+(?:this|it)\b[^.]{0,40}\b(?:first|only|regardless)\b",
            r"<\s*/?\s*(?:important|system|instructions?|secret)\s*>",
        )
    ),
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stuffing:
    """How far a text is stuffed, from 0 (not at all) to 1, and what gives it away."""

    score: float = 0.0
    reasons: tuple[str, ...] = ()


@lru_cache(maxsize=20_000)
def stuffing_of(text: str) -> Stuffing:
    """What a description does to be found: repeating itself, listing words, or speaking to the model.

    Example:
        stuffing_of("weather weather forecast " * 20).reasons == ("repeats itself", "lists words")
    """
    written = _WORD.findall(text)
    said = [word.lower() for word in written]
    parts = {
        "repeats itself": _repeats(said),
        "lists words": _lists(written),
        "speaks to the model": 1.0 if _AIMED_AT_THE_MODEL.search(text) else 0.0,
    }
    found = {reason: score for reason, score in parts.items() if score > 0}
    return Stuffing(score=max(found.values(), default=0.0), reasons=tuple(found))


def _repeats(said: Sequence[str]) -> float:
    """From 0 at the repetition that long honest texts have to 1 where nearly every word or pair is an old one."""
    if len(said) < _LONG:
        return 0.0
    pairs = list(pairwise(said))
    old_pairs = 1 - len(set(pairs)) / len(pairs)
    content = [word for word in said if word not in _FUNCTION_WORDS and not word.isdigit()]
    loudest = max(Counter(content).values(), default=0) / len(said)
    return max(_ramp(old_pairs, 0.5, 0.75), _ramp(loudest, 0.2, 0.35))


def _lists(written: Sequence[str]) -> float:
    """From 0 to 1 where function words, which every sentence has, are as good as missing from a long stretch.

    Words with capital letters count as if they were some: lists of names, fields and codes are honest ones.
    """
    latin = [word for word in written if word.isascii() and word.isalpha()]
    if len(latin) < _LONG:
        return 0.0
    window = min(len(latin), 2 * _LONG)
    has = [word in _FUNCTION_WORDS or not word.islower() for word in latin]
    count = least = sum(has[:window])
    for place in range(window, len(has)):
        count += has[place] - has[place - window]
        least = min(least, count)
    return _ramp(1 - least / window, 0.97, 1.0)


def _ramp(value: float, low: float, high: float) -> float:
    return min(max((value - low) / (high - low), 0.0), 1.0)


def capped(counts: Mapping[str, float], weight: float) -> dict[str, float]:
    """A field's weighted word counts with no word counted more than `MOST_REPEATS` times; `weight` is the field's."""
    most = MOST_REPEATS * weight
    return {word: min(count, most) for word, count in counts.items()}


def defended(
    search: Search, descriptions_of: Callable[[Sequence[ToolId]], Descriptions], trust: Callable[[str], int]
) -> Search:
    """The same search with what is stuffed or copied further down (see `demoted`); it looks at twice as many hits."""

    def searching(query: str, k: int) -> list[Hit]:
        hits = search(query, 2 * k)
        ids = [id_ for hit in hits if hit.kind == "tool" for id_ in (hit.id, *hit.alternatives)]
        return demoted(hits, descriptions_of(ids), trust)[:k]

    return searching


def demoted(
    hits: Sequence[Hit], descriptions: Descriptions, trust: Callable[[str], int] = lambda server: 0
) -> list[Hit]:
    """The hits with what is stuffed, and what copies a more trusted server's tool, further down; never silently.

    `descriptions` are those of the hits and of their alternatives; one without is taken for honest. `trust` gives a
    server's level: of tools that are published alike the most trusted gives its name, the others are its alternatives.
    A demoted hit says so in its signals: `stuffing` from 0 to 1, `copy` 1 for a copy. Nothing is taken out.
    """
    weighed = [_weighed(_headed(hit, descriptions, trust), descriptions) for hit in hits]
    shingles = {hit.id: _shingles(descriptions[hit.id]) for hit in weighed if hit.id in descriptions}
    judged = [_behind_its_original(hit, weighed, shingles, trust) for hit in weighed]
    return sorted(judged, key=lambda hit: -hit.score)


def _headed(hit: Hit, descriptions: Descriptions, trust: Callable[[str], int]) -> Hit:
    """The hit under the name of the most trusted of those that publish it alike, of equals the least stuffed."""
    members = (hit.id, *hit.alternatives)
    head = min(members, key=lambda id_: (-trust(split_tool_id(id_)[0]), _stuffed(id_, descriptions)))
    if head == hit.id:
        return hit
    return replace(hit, id=head, alternatives=tuple(id_ for id_ in members if id_ != head))


def _weighed(hit: Hit, descriptions: Descriptions) -> Hit:
    stuffed = _stuffed(hit.id, descriptions)
    if not stuffed:
        return hit
    return replace(hit, score=hit.score * (1 - _PENALTY * stuffed), signals={**hit.signals, "stuffing": stuffed})


def _stuffed(id_: ToolId, descriptions: Descriptions) -> float:
    return stuffing_of(descriptions[id_]).score if id_ in descriptions else 0.0


def _behind_its_original(
    hit: Hit, hits: Sequence[Hit], shingles: Mapping[str, frozenset[tuple[str, ...]]], trust: Callable[[str], int]
) -> Hit:
    originals = [
        other
        for other in hits
        if other.server != hit.server and trust(other.server) > trust(hit.server) and _copies(hit, other, shingles)
    ]
    if not originals:
        return hit
    score = min(hit.score, *(other.score for other in originals)) * _COPY
    return replace(hit, score=score, signals={**hit.signals, "copy": 1.0})


def _copies(hit: Hit, other: Hit, shingles: Mapping[str, frozenset[tuple[str, ...]]]) -> bool:
    """Whether one has what the other says: most of its runs of three words, or its name where it says little."""
    mine, theirs = shingles.get(hit.id, frozenset()), shingles.get(other.id, frozenset())
    if len(theirs) < _FEW:
        return plain_name(split_tool_id(hit.id)[1]) == plain_name(split_tool_id(other.id)[1])
    return len(mine & theirs) >= _CONTAINED * len(theirs)


@lru_cache(maxsize=20_000)
def _shingles(text: str) -> frozenset[tuple[str, ...]]:
    said = [word.lower() for word in _WORD.findall(text)]
    return frozenset(zip(said, said[1:], said[2:], strict=False))
