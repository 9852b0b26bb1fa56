"""Research over documents, articles, reports or web pages: what they say to a question, with numbers and sources."""

from dataclasses import dataclass


@dataclass
class Finding:
    """One thing that the documents say to the question"""

    claim: str  # in one sentence
    figures: list[str]  # numbers with their units, years and conditions
    against: str | None  # what contradicts it, and where that stands


@dataclass
class Memory:
    """What the documents say to the question"""

    findings: dict[str, Finding]  # by a short topic
    definitions: dict[str, str]  # terms that the answer needs
    open_questions: list[str]
