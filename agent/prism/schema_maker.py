"""The schema for a task: written by the model after three examples, or the nearest of the library."""

from dataclasses import dataclass

from agent.llm import Ask, Profile, Purpose
from agent.message import Message, assistant, system, user
from agent.prism.library import library, named, nearest
from agent.prism.reviser import Sample
from agent.prism.schema import MemorySchema, schema_text
from agent.prism.schema_source import BadSchema, parse_schema

_RULES = (
    "For a task over long texts, write the form of a memory: Python dataclasses, the last one named Memory. The memory "
    "is filled piece by piece while the texts are read, and the task is then done from it alone. Hold what the task "
    "needs and nothing else; use dict[str, ...] by name or id for what is looked up or changes, list[...] for what "
    "only piles up. Allowed types: int, float, str, bool, list[T], dict[str, T], T | None and your own classes. "
    "Comment each field. Answer with the code alone."
)
_EXAMPLES = ("timeline", "inventory", "code-reading")
_MAX_TOKENS = 800


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenSchema:
    """A schema with its name and source. `why`: what made us fall back on the library, if anything did."""

    name: str
    source: str
    why: str = ""

    @property
    def schema(self) -> MemorySchema:
        return parse_schema(self.source)


async def schema_for(task: str, sample: Sample, profile: Profile) -> ChosenSchema:
    """A schema made for the task, mended once if it must be; the library's nearest where that fails.

    A small model is not asked: the library is better than what it writes. PRISM, section 3.4: three schemas of other
    domains and a description.
    """
    if profile.small:
        return _from_library(task, "")
    prompt = _prompt(task)
    why = ""
    for _ in range(2):
        answer = await sample(prompt, Ask(purpose=Purpose.SCHEMA, max_tokens=_MAX_TOKENS))
        try:
            schema = parse_schema(code_in(answer.text))
        except BadSchema as error:
            why = str(error)
            prompt = [
                *prompt,
                assistant(answer.text),
                user(f"That cannot be used: {why}. Answer with all of it, mended."),
            ]
        else:
            return ChosenSchema(name="made for the task", source=schema_text(schema))
    return _from_library(task, why)


def _from_library(task: str, why: str) -> ChosenSchema:
    found = nearest(task)
    return ChosenSchema(name=found.name, source=schema_text(found.schema), why=why)


def from_library(name: str) -> ChosenSchema:
    """The library's schema of that name.

    Raises:
        BadSchema: there is none.
    """
    return ChosenSchema(name=name, source=schema_text(named(name).schema))


def _prompt(task: str) -> list[Message]:
    """Three schemas of other domains as examples, those nearest to the task left out: it should think, not copy."""
    mine = nearest(task).name
    others = [name for name in (*_EXAMPLES, *library()) if name != mine]
    messages = [system(_RULES)]
    for name in list(dict.fromkeys(others))[:3]:
        example = named(name)
        messages += [user(f"The task: {example.purpose}"), assistant(schema_text(example.schema))]
    return [*messages, user(f"The task: {task}")]


def code_in(text: str) -> str:
    """The code of an answer: what stands in its first code block, else all of it."""
    _, fence, rest = text.partition("```")
    if not fence:
        return text
    return rest.partition("```")[0].removeprefix("python").removeprefix("py")
