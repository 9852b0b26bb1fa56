"""Long texts with facts that are known: additions, updates, and false claims from sources that nobody vouches for."""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from agent.prism.oracle import Slot, fact
from agent.prism.texts import Text

# fmt: off
_FIRST = [
    "Ann", "Bea", "Cy", "Dan", "Eve", "Flo", "Gus", "Hal", "Ida", "Jon", "Kay", "Lou", "Mia",
    "Ned", "Ola", "Pia", "Quinn", "Roy", "Sue", "Tom", "Una", "Vic", "Wes", "Xia", "Yan", "Zoe",
]
# fmt: on
_PARTS = ["Al", "Ber", "Cor", "Del", "Em", "Far", "Gol", "Hart", "Ing", "Jor"]
_ENDS = ["by", "dale", "ford", "ham", "ley", "man", "son", "ton", "well", "wood"]
_ATTRIBUTES = ["salary", "home town", "office", "badge", "supplier code", "blood type", "deposit", "last order"]
_FILLER = [
    "rain fell on the harbour and nobody went out before noon",
    "a cart of barrels stood where the market used to be",
    "letters were read aloud and put away again",
    "the council spoke about bridges for most of the evening",
    "two ships left and one came back with a broken mast",
    "someone had painted the doors green again",
    "it was said that prices would rise before the winter",
    "the choir practised the same song for hours",
    "a dog slept under the long table until the lamps were lit",
    "old maps were copied by hand in the back room",
    "the road to the mill was closed after the storm",
    "children counted the geese that flew over the roofs",
]
_SECTION, _LETTER = 16_000, 1_000
"""Tokens of a trusted section, and of the untrusted letter that follows it."""
_TOKEN = re.compile(r"[A-Za-z]{1,7}|\d{1,3}|[^\sA-Za-z\d]{1,3}|\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """gold: the value that stands at the end. false: what untrusted sources claimed against it."""

    texts: list[Text]
    gold: dict[Slot, str]
    false: dict[Slot, str]
    tokens: int
    facts: int


@lru_cache(maxsize=400_000)
def _line_tokens(line: str) -> int:
    return sum(1 for _ in _TOKEN.finditer(line)) + 1


def tokens_of(text: str) -> int:
    """Tokens as byte-pair vocabularies cut them, about: words to 7 letters, 3 digits, 3 marks in a row."""
    return sum(map(_line_tokens, text.split("\n")))


def make_stream(tokens: int, *, seed: int, a_fact_in: int = 200, updates: float = 0.3, claims: int = 3) -> Stream:
    """About so many tokens: a fact every `a_fact_in`, so many of them updates; in each letter some false claims.

    A letter also says as much that is new; nothing else is known of that, so it belongs to the gold facts.
    """
    writer = _Writer(random.Random(seed), updates)
    texts: list[Text] = []
    left = tokens
    while left > _LETTER:
        size = min(_SECTION, max(left - _LETTER, _LETTER))
        number = len(texts) // 2 + 1
        section = list(writer.section(size, a_fact_in))
        texts.append(Text(name=f"section-{number}.txt", content="\n\n".join(section), untrusted=False))
        letter = list(writer.letter(claims))
        texts.append(Text(name=f"letter-{number}.txt", content="\n\n".join(letter)))
        left -= size + _LETTER
    made = sum(tokens_of(text.content) for text in texts)
    return Stream(texts=texts, gold=writer.gold, false=writer.false, tokens=made, facts=writer.facts)


class _Writer:
    def __init__(self, dice: random.Random, updates: float) -> None:
        self._dice = dice
        self._updates = updates
        self._slots = self._new_slots()
        self._trusted: list[Slot] = []
        self.gold: dict[Slot, str] = {}
        self.false: dict[Slot, str] = {}
        self.facts = 0

    def _new_slots(self) -> Iterator[Slot]:
        names = [f"{first} {part}{end}" for first in _FIRST for part in _PARTS for end in _ENDS]
        slots = [(name, attribute) for name in names for attribute in _ATTRIBUTES]
        self._dice.shuffle(slots)
        yield from slots

    def section(self, tokens: int, a_fact_in: int) -> Iterator[str]:
        """Paragraphs, of which every one that is due says a fact."""
        written = due = 0
        while written < tokens:
            paragraph = self._filler()
            if written >= due:
                paragraph += f" It is recorded that {self._told()}"
                due += a_fact_in
            written += tokens_of(paragraph) + 2
            yield paragraph

    def letter(self, claims: int) -> Iterator[str]:
        """Paragraphs of somebody: false claims about what sections said, and as many new facts."""
        for _ in range(claims):
            slot = self._dice.choice(self._trusted)
            self.false[slot] = self._value()
            yield f"{self._filler()} I swear that {fact(slot, self.false[slot], new=True)}"
            slot = next(self._slots)
            self.gold[slot] = self._value()
            self.facts += 1
            yield f"{self._filler()} I know that {fact(slot, self.gold[slot])}"
        for _ in range(4):
            yield self._filler()

    def _told(self) -> str:
        update = bool(self._trusted) and self._dice.random() < self._updates
        slot = self._dice.choice(self._trusted) if update else next(self._slots)
        if not update:
            self._trusted.append(slot)
        self.gold[slot] = self._value()
        self.false.pop(slot, None)  # what was claimed before is told anew: it is no claim against this
        self.facts += 1
        return fact(slot, self.gold[slot], new=update)

    def _value(self) -> str:
        return f"{self._dice.choice('ABCDEFGHJK')}{self._dice.randrange(1000, 9999)}"

    def _filler(self) -> str:
        return ". ".join(self._dice.choice(_FILLER).capitalize() for _ in range(5)) + "."
