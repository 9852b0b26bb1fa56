"""What a tool does, as someone would ask for it: verb, object and qualifiers out of its name and its description."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_VERBS_BY_KIND: Mapping[str, str] = {
    "read": "get fetch retrieve read show view describe load obtain display return provide give access",
    "list": "list enumerate browse",
    "find": "search find query discover lookup locate explore",
    "make": "create add make generate insert build publish upload write save register compose draft design plan book",
    "change": "update edit modify set change rename move patch configure replace assign apply adjust optimize manage",
    "remove": "delete remove clear cancel archive drop uninstall revoke disable stop reset",
    "compute": "calculate compute estimate convert count measure evaluate predict forecast compare",
    "check": "check validate verify monitor track inspect detect scan audit diagnose ensure",
    "send": "send notify share submit reply forward transfer",
    "run": "run execute start launch open perform deploy trigger play invoke call navigate click connect",
    "explain": "analyze analyse summarize summarise extract translate explain interpret identify recommend learn",
    "other": "download export import sync copy convert parse format merge split schedule join enable chat talk "
    "interact help ask resolve scrape crawl print draw render encrypt decrypt sort filter select choose take capture "
    "buy sell pay order stay receive subscribe close lock approve reject request",
}
_KINDS = {verb: kind for kind, verbs in _VERBS_BY_KIND.items() for verb in verbs.split()}
_ALSO_NOUNS = frozenset({"access", "book", "order", "request", "plan", "design", "call", "play", "draft", "lock"})
"""Verbs only where they come first and something follows."""

_LEAD = re.compile(
    r"^(?:\[[^\]]*\]|[^\w\[\"'(]+)*\s*"  # marks before the text: [API], emoji, **
    r"(?:(?:this|the|an?|use this|these)\s+)?(?:(?:api|tool|endpoint|function|method|plugin|app|command)s?\s+)*"
    r"(?:(?:that|which|to|for|will|can|helps?|(?:you|users?)(?: to| can)?|used|be used|is|are|"
    r"(?:allow|enable|let)s?(?: you| users| developers)?(?: to)?|designed)\s+)*",
    re.IGNORECASE,
)
_GIVES = re.compile(r"^.{1,60}?\b(?:provide|return|retrieve|give|offer|display|show)s?\s+(?=\w+ \w)", re.IGNORECASE)
_END = re.compile(r"[.!?。！？](?=\s|$|[^\x00-\x7f])|\n|\s(?:Args|Parameters|Returns|Example|Usage|Note)s?:")
_MAX_SENTENCE = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class NameParts:
    """The words of a tool's name by what they do; `verb` is empty when the name has none.

    Example:
        "github_get_user_by_id" of product "github" -> verb "get", object "user", qualifier "id"
    """

    verb: str
    object: str
    qualifier: str


def name_parts(words: Sequence[str], product: Sequence[str]) -> NameParts:
    """What the words of a name do, the product's own words left out where others remain."""
    rest = [word for word in words if word not in product] or list(words)
    place = next((place for place, word in enumerate(rest) if _is_verb(word, place, len(rest))), None)
    verb = "" if place is None else rest[place]
    others = rest if place is None else [*rest[:place], *rest[place + 1 :]]
    if "by" in others[1:]:
        cut = others.index("by", 1)
        return NameParts(verb=verb, object=" ".join(others[:cut]), qualifier=" ".join(others[cut + 1 :]))
    return NameParts(verb=verb, object=" ".join(others), qualifier="")


def kind_of(verb: str) -> str:
    """What sort of thing a verb asks for: `read`, `list`, `find`, `make` and so on; `other` for all the rest."""
    return _KINDS.get(verb, "other")


def first_sentence(text: str) -> str:
    """The first sentence of a description, on one line, cut at a word where it is long."""
    text = text.strip().strip("\"'`*# ")
    end = _END.search(text)
    sentence = " ".join((text[: end.start()] if end and end.start() else text).split())
    return sentence if len(sentence) <= _MAX_SENTENCE else sentence[:_MAX_SENTENCE].rsplit(" ", 1)[0]


def request(sentence: str) -> str:
    """A description's sentence as something to be done, lower-case in front; empty when it says no such thing.

    Example:
        "This tool retrieves the weather for a city" -> "retrieve the weather for a city"
        "The Balance API provides a count of credits" -> "get a count of credits"
        "Your AI powered assistant" -> ""
    """
    stripped = sentence[match.end() :] if (match := _LEAD.match(sentence)) else sentence
    for candidate in (stripped, sentence):
        first, _, rest = candidate.partition(" ")
        verb = _imperative(first.lower().rstrip(",:"))
        if verb and rest:
            return f"{verb} {rest}"
    given = _GIVES.match(sentence)
    return f"get {sentence[given.end() :]}" if given else ""


def is_english_script(text: str) -> bool:
    """Whether most letters are ASCII, so that English words may be put around it."""
    letters = [letter for letter in text if letter.isalpha()]
    return not letters or sum(letter.isascii() for letter in letters) * 2 > len(letters)


def _is_verb(word: str, place: int, length: int) -> bool:
    if word not in _KINDS:
        return False
    return word not in _ALSO_NOUNS or (place == 0 and length > 1)


def _imperative(word: str) -> str:
    """The verb in its plain form; empty when the word is none that is known."""
    candidates = [word]
    if word.endswith("ies"):
        candidates.append(word[:-3] + "y")
    if word.endswith("s"):
        candidates += [word[:-1], word[:-2]]
    if word.endswith("ing"):
        candidates += [word[:-3], word[:-3] + "e", word[:-4]]
    return next((candidate for candidate in candidates if candidate in _KINDS), "")
