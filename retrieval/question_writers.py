"""`QuestionWriter`: what people might ask for that a tool answers; and the one that writes by rules."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from retrieval.document import fields_of
from retrieval.identifiers import product_name, spoken
from retrieval.phrasing import NameParts, first_sentence, is_english_script, kind_of, name_parts, request
from retrieval.tool import ToolSpec

MAX_QUESTIONS = 5
_MAX_PARAMETERS = 3

_ASKED_AS: Mapping[str, str] = {
    "read": "What is the {object}?",
    "list": "Which {object} are there?",
    "find": "Where can I find {object}?",
    "make": "I want a new {object}",
    "change": "I want to change {object}",
    "remove": "I want to get rid of {object}",
    "compute": "How much is {object}?",
    "check": "What is the state of {object}?",
    "send": "I want someone to receive {object}",
    "run": "Let {object} run now",
    "explain": "Tell me about {object}",
    "other": "I need help with {object}",
}
"""Another way to ask for it, in words that tools rarely use of themselves."""


class QuestionWriter(Protocol):
    """Writes the synthetic questions that TDWA embeds. `id` names the writer and everything that changes its text."""

    @property
    def id(self) -> str: ...

    async def write(self, tool: ToolSpec) -> list[str]:
        """One to five different questions or requests that the tool answers, none empty.

        Raises:
            RetrievalError: it cannot be done for this tool now; another tool may still go well.
        """
        ...


class TemplateQuestions:
    """Questions by rules: always the same for the same tool, and nothing asked of anyone."""

    id = "template-1"

    async def write(self, tool: ToolSpec) -> list[str]:
        return template_questions(tool)


def template_questions(tool: ToolSpec) -> list[str]:
    """Three to five questions, out of the name, the description's first sentence, the parameters and the product.

    Example:
        github/create_issue, "Creates a new issue in a repository", (owner, repo, title) ->
        ["How do I create a new issue in a repository?", "I want a new issue", "Create issue by owner, repo and title",
         "Please create issue with github"]
    """
    product = product_name(tool.server)
    parts = name_parts(spoken(tool.name), product.split())
    sentence = first_sentence(tool.description or tool.title or "")
    object_ = (
        " ".join(word for word in (parts.object, "by", parts.qualifier) if word) if parts.qualifier else parts.object
    )
    named = f"{parts.verb} {object_}".strip() or product or tool.name
    asked = [*_from_description(sentence), *_from_name(parts, named)]
    if of := _parameters(tool):
        asked.append(f"{named} by {of}" if not parts.qualifier else f"{named}, with {of}")
    if product and not set(product.split()) <= set(spoken(tool.name)):
        asked.append(f"Please {named} with {product}" if parts.verb else f"I want to use {named} of {product}")
    spare = [f"Can you help me with {named}?", f"I am looking for {named}", named]
    return _different([*asked, *spare[: max(0, 3 - len(_different(asked)))]])


def _from_description(sentence: str) -> list[str]:
    if not sentence:
        return []
    if not is_english_script(sentence):
        return [sentence, f"{sentence}?"]
    if asked := request(sentence):
        return [f"How do I {asked}?"]
    return [f"I am looking for {sentence[0].lower()}{sentence[1:]}"]


def _from_name(parts: NameParts, named: str) -> list[str]:
    if not parts.verb:
        return [f"I need {named}"] if named else []
    if not parts.object:
        return [f"Can you {named} for me?"]
    asked = _ASKED_AS[kind_of(parts.verb)].format(object=parts.object)
    many = parts.object.endswith("s") and not parts.object.endswith(("ss", "us", "is"))
    return [asked.replace(" is ", " are ", 1) if many else asked]


def _parameters(tool: ToolSpec) -> str:
    """The first parameters in words, those that are required before all others: "owner, repo and title"."""
    required = tool.input_schema.get("required")
    first: Sequence[object] = required if isinstance(required, list) else []
    names = fields_of(tool).parameters.split()
    ordered = sorted(names, key=lambda name: name not in first)[:_MAX_PARAMETERS]
    said = list(dict.fromkeys(" ".join(spoken(name)) for name in ordered if spoken(name)))
    return " and ".join(part for part in (", ".join(said[:-1]), *said[-1:]) if part)


def _different(questions: Sequence[str]) -> list[str]:
    """Each once, whatever its case, in order; at most five, and none empty."""
    once = {" ".join(question.split()).lower(): " ".join(question.split()) for question in reversed(questions)}
    kept = [once.pop(key) for question in questions if (key := " ".join(question.split()).lower()) in once]
    return [question[0].upper() + question[1:] for question in kept if question][:MAX_QUESTIONS]
