"""A request of several steps, cut at sentences, list items and conjunctions; nothing is rephrased."""

import re

_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[^\W_a-z]|[\"'])|[。！？；\n]+|;\s+|(?:(?<=\s)|^)(?:\(?\d{1,2}[.)]|[-*•])\s+")
"""Between sentences, at line ends and semicolons, at the number or the bullet of a list's item."""

_THEN = re.compile(
    r",?\s+(?:and then|then|after that|afterwards|additionally|and also|also|finally|next)\b,?\s+|,\s+and\s+",
    re.IGNORECASE,
)

_VERBS = (
    "add|also|analyse|analyze|book|calculate|check|compute|convert|create|delete|determine|explore|fetch|find|generate"
    "|get|give|identify|know|list|obtain|provide|recommend|retrieve|schedule|search|see|send|show|suggest|tell"
    "|translate|update|verify"
)
_AND = re.compile(rf"\s+and\s+(?=(?:the|{_VERBS})\b)", re.IGNORECASE)
"""An `and` before a verb that tools are asked with begins a step; between two nouns it does not."""

_LEAST_WORDS = 3


def clauses(request: str) -> list[str]:
    """The steps of a request, in order; one, or none, when it is not clear that there are several.

    What has fewer than three words says too little to search for and is left out, unless it is written without
    spaces.

    Example:
        "Book a flight to Rome, and then find me a hotel there." -> ["Book a flight to Rome", "find me a hotel there"]
    """
    parts = [request]
    for boundary in (_SENTENCE, _THEN, _AND):
        parts = [piece for part in parts for piece in boundary.split(part)]
    return [piece for part in parts if _says_something(piece := part.strip(" \t,.;:"))]


def _says_something(piece: str) -> bool:
    return len(piece.split()) >= _LEAST_WORDS or (not piece.isascii() and len(piece) >= _LEAST_WORDS)
