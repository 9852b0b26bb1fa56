"""`OracleReader`: a model that reads without a model. It takes the facts of a plain form out of what it is shown.

For tests and benchmarks: what a memory costs and loses can be measured with no model's quality in play.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from agent.llm import Answer, Ask, Completion, OnText, Profile, Purpose
from agent.message import Message, assistant
from agent.prism.shared_prefix import shared_characters
from agent.tokens import count_tokens
from agent.usage import Usage

Slot = tuple[str, str]
"""An entity and one of its attributes."""

FACT_SCHEMA = "class Memory:\n entities: dict[str, dict[str, str]]  # entity -> attribute -> value, as it is now"
ADD_ONLY_SCHEMA = "class Memory:\n entities: dict[str, dict[str, list[str]]]  # entity -> attribute -> values in order"

_FACT = re.compile(r"the ([a-z ]+?) of ([A-Z]\w+ [A-Z]\w+) is (?:now )?([\w-]+)\.")
_LINE = re.compile(r"^([A-Z]\w+ [A-Z]\w+), ([a-z ]+): ([\w-]+)$", re.MULTILINE)
_ASKED = re.compile(r"^- the ([a-z ]+) of ([A-Z]\w+ [A-Z]\w+)$", re.MULTILINE)
_PIECE, _MEMORY, _BLOCK = "The piece:\n", "The memory", 16


def fact(slot: Slot, value: str, *, new: bool = False) -> str:
    """A sentence that the oracle understands."""
    return f"the {slot[1]} of {slot[0]} is {'now ' if new else ''}{value}."


def asked(slots: Sequence[Slot]) -> str:
    """A question that the oracle answers, with JSON: `entity/attribute` -> value."""
    return "What is\n" + "\n".join(f"- the {attribute} of {entity}" for entity, attribute in slots)


class OracleReader:
    """Reads, sums up and answers without error, but for two rates that a seed makes repeatable.

    miss: the share of facts that it overlooks, the same ones in every way of reading. wrong_paths: the share of
    revisions that it first puts at a path which is none. Prompts are counted by `count`; what a prompt shares with the
    one before is cached, in blocks of 16 tokens. peak: tokens of the longest prompt.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        miss: float = 0.0,
        wrong_paths: float = 0.0,
        profile: Profile | None = None,
        count: Callable[[str], int] = count_tokens,
    ) -> None:
        self._seed, self._miss, self._wrong = seed, miss, wrong_paths
        self._profile = profile or Profile(shapes="response_format", context_tokens=32_768, cache_price=0.0)
        self._count = count
        self._last = ""
        self.peak = 0

    @property
    def id(self) -> str:
        return "oracle"

    @property
    def profile(self) -> Profile:
        return self._profile

    async def sample(self, messages: Sequence[Message], ask: Ask, *, on_text: OnText | None = None) -> Answer:
        match ask.purpose:
            case Purpose.REVISE:
                text = self._mended(messages) if messages[-2].role == "assistant" else self._revisions(messages)
            case Purpose.SUMMARISE:
                text = self._summary(messages, ask.max_tokens)
            case _:
                text = self._answer(messages)
        if on_text:
            on_text(text)
        usage = self._usage(messages, text)
        return Answer(completions=(Completion(message=assistant(text)),), usage=usage, model=self.id)

    def _usage(self, messages: Sequence[Message], text: str) -> Usage:
        prompt = "".join(f"<{message.role}>\n{message.content}\n" for message in messages)
        shared = self._count(prompt[: shared_characters(prompt, self._last)])
        self._last = prompt
        encoded = self._count(prompt)
        self.peak = max(self.peak, encoded)
        return Usage(calls=1, encoded=encoded, cached=shared - shared % _BLOCK, decoded=self._count(text))

    def facts(self, text: str) -> Iterator[tuple[Slot, str]]:
        """The facts of a text that the oracle does not overlook, in their order."""
        for attribute, entity, value in _FACT.findall(text):
            if self._dice("miss", entity, attribute, value) >= self._miss:
                yield (entity, attribute), value

    def _dice(self, *what: str) -> float:
        """A number from 0 to 1 that is always the same for the same."""
        made = hashlib.blake2b("\n".join((str(self._seed), *what)).encode(), digest_size=8).digest()
        return int.from_bytes(made, "big") / 2**64

    def _revisions(self, messages: Sequence[Message]) -> str:
        lists = "list[str]" in messages[0].content
        known = _known(messages)
        made: list[dict[str, Any]] = []
        for slot, value in self.facts(messages[-1].content):
            if known.get(slot) == value:
                continue
            there = slot in known and not lists
            known[slot] = value
            field = "entity" if self._dice("path", *slot, value) < self._wrong else "entities"
            path = [field, *slot, *(["-"] if lists else [])]
            made.append({"op": "update" if there else "add", "path": path, "value": value})
        return _json({"revisions": made})

    def _mended(self, messages: Sequence[Message]) -> str:
        """What was not taken, right."""
        complaint = messages[-1].content
        made: list[dict[str, Any]] = []
        for revision in json.loads(messages[-2].content)["revisions"]:
            if revision["path"][0] == "entity":
                made.append({**revision, "path": ["entities", *revision["path"][1:]]})
            elif f"- {'.'.join(revision['path'])} is there already" in complaint:
                made.append({**revision, "op": "update"})
        return _json({"revisions": made})

    def _summary(self, messages: Sequence[Message], max_tokens: int) -> str:
        """What was said last of every slot; what was said longest ago goes when it is too much."""
        found: dict[Slot, str] = {}
        for message in messages[1:]:
            if message.content.startswith(_PIECE):
                said = self.facts(message.content)
            else:
                said = (((entity, attribute), value) for entity, attribute, value in _LINE.findall(message.content))
            for slot, value in said:
                found.pop(slot, None)
                found[slot] = value
        lines = [f"{entity}, {attribute}: {value}" for (entity, attribute), value in found.items()]
        room = max_tokens
        for number, line in enumerate(reversed(lines)):
            room -= self._count(line) + 1
            if room < 0:
                return "\n".join(lines[len(lines) - number :])
        return "\n".join(lines)

    def _answer(self, messages: Sequence[Message]) -> str:
        known: dict[Slot, str] = {}
        for message in messages[1:-1]:
            if message.content.startswith(_MEMORY):
                known |= _known(messages)
                continue
            known |= {(entity, attribute): value for entity, attribute, value in _LINE.findall(message.content)}
            known |= dict(self.facts(message.content))
        wanted = [(entity, attribute) for attribute, entity in _ASKED.findall(messages[-1].content)]
        return _json({"/".join(slot): known[slot] for slot in wanted if slot in known})


def _known(messages: Sequence[Message]) -> dict[Slot, str]:
    """What the memory in a prompt says, in either form."""
    known: dict[Slot, str] = {}
    for line in (line for message in messages[1:] for line in _memory_lines(message.content)):
        if line[0] == "{":
            known |= values_in(json.loads(line))
        else:
            (_, *path), value = json.loads(line)
            known[path[0], path[1]] = value
    return known


def _memory_lines(content: str) -> list[str]:
    if content.startswith(_MEMORY):
        return [line for line in content.split("\n")[1:] if line]
    return content.split("\n") if content.startswith("[[") else []


def values_in(memory: Mapping[str, Any]) -> dict[Slot, str]:
    """The last value of every slot in a memory of one of the two schemas."""
    found: dict[Slot, str] = {}
    for entity, attributes in memory.get("entities", {}).items():
        for attribute, value in attributes.items() if isinstance(attributes, dict) else ():
            if isinstance(value, list) and value:
                found[entity, attribute] = value[-1]
            elif isinstance(value, dict):  # a list of which only some items are shown
                found[entity, attribute] = [each for key, each in value.items() if key.isdigit()][-1]
            elif isinstance(value, str) and attribute != "…":
                found[entity, attribute] = value
    return found


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
