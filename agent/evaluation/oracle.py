"""`OracleLLM`: stands where a language model would, with no model's quality in play, and says what it would take."""

import json
import math
import random
import re
from collections.abc import Sequence
from typing import Any

from agent.evaluation.aim import GoldStep
from agent.evaluation.counting import PrefixCounter
from agent.evaluation.mind import Mind, Seen
from agent.evaluation.world import dice
from agent.llm import Answer, Ask, Choice, Completion, OnText, Option, Profile, Purpose, Token
from agent.message import Message, assistant
from agent.references import Reference, reference

PROFILE = Profile(shapes="response_format", samples=True, context_tokens=128_000)


class OracleLLM:
    """Reads what a call is for and the shape of its answer, and looks at the world; of prompts it only counts tokens.

    Plans, actions and decisions are right except for the mistakes of its mind; all else is answered emptily. The same
    seed makes the same mistakes, call by call.
    """

    def __init__(
        self, mind: Mind, *, seed: int, counter: PrefixCounter | None = None, profile: Profile = PROFILE
    ) -> None:
        self._mind = mind
        self._seed = seed
        self._counter = counter or PrefixCounter()
        self._profile = profile
        self._calls = 0

    @property
    def id(self) -> str:
        return "oracle"

    @property
    def profile(self) -> Profile:
        return self._profile

    async def sample(self, messages: Sequence[Message], ask: Ask, *, on_text: OnText | None = None) -> Answer:
        self._calls += 1
        self._mind.notice()
        rng = dice("oracle", self._seed, self._calls)
        texts = [self._text(messages, ask, rng) for _ in range(ask.n)]
        if on_text is not None:
            on_text(texts[0])
        completions = tuple(Completion(message=assistant(text), tokens=_tokens(text, ask)) for text in texts)
        return Answer(completions=completions, usage=self._counter.usage(messages, texts), model=self.id)

    def _text(self, messages: Sequence[Message], ask: Ask, rng: random.Random) -> str:
        match ask.purpose:
            case Purpose.PLAN:
                steps = self._mind.plan(rng, taken=_taken(messages))
                return json.dumps({"steps": [self._action(step) for step in steps]})
            case Purpose.DECIDE if isinstance(ask.shape, Choice):
                return self._decided(ask.shape.options, rng)
            case Purpose.ACT:
                step = self._mind.act(rng)
                return json.dumps(self._action(step) if step else {"answer": "Done."})
            case Purpose.ANSWER:
                return "Done."
            case _:
                return ask.shape.options[0].label if isinstance(ask.shape, Choice) else "{}"

    def _action(self, step: GoldStep) -> dict[str, Any]:
        return {"tool": f"{self._mind.world.name}/{step.tool}", "arguments": step.arguments}

    def _decided(self, options: Sequence[Option], rng: random.Random) -> str:
        labels = [option.label for option in options]
        end = next((option.label for option in options if _means(option, "END")), None)
        none = next((option.label for option in options if _means(option, "NONE")), None)
        if self._mind.errs(rng):
            return rng.choice([label for label in labels if label != none] or labels)
        if self._mind.done:
            return end or none or labels[0]
        right = self._mind.choose([_seen(option) for option in options], self._fits)
        if right:
            return labels[right[0]]
        return none or rng.choice([label for label in labels if label != end] or labels)

    def _fits(self, option: Seen, step: GoldStep) -> bool:
        """Whether an option is this step; references in it may be to any result that was given."""
        if option.tool != f"{self._mind.world.name}/{step.tool}" or set(option.arguments) != set(step.arguments):
            return False
        return all(
            value == step.arguments[name] or self._may_be(reference(value), step.arguments[name])
            for name, value in option.arguments.items()
        )

    def _may_be(self, referred: Reference | None, value: Any) -> bool:
        return referred is not None and any(
            _inside(made.result, referred.path) == value for made in self._mind.world.log if made.ok
        )


def _inside(result: Any, path: Sequence[str | int]) -> Any:
    """What lies at a path; None where nothing does."""
    for key in path:
        try:
            result = result[key]
        except (LookupError, TypeError):
            return None
    return result


def _means(option: Option, word: str) -> bool:
    return word in (option.label, option.text)


def _seen(option: Option) -> Seen | None:
    """The action that an option's text stands for: a tool's id and its arguments as JSON."""
    found = re.match(r"(\S+/\S+)\s+(\{.*\})\s*$", option.text)
    return Seen(found[1], json.loads(found[2])) if found else None


def _taken(messages: Sequence[Message]) -> int:
    """How many steps stand before the plan that is asked for: the one thing that only the prompt says."""
    for message in reversed(messages):
        if found := re.search(r"first step is number (\d+)", message.content):
            return int(found[1]) - 1
    return 0


def _tokens(text: str, ask: Ask) -> tuple[Token, ...]:
    """A decision as the token of a sure endpoint, where any are asked for: most weight on its label, some on others."""
    if not ask.logprobs or not isinstance(ask.shape, Choice):
        return ()
    options = ask.shape.options
    rest = math.log(0.1 / max(1, len(options) - 1))
    alternatives = {option.label: math.log(0.9) if option.label == text else rest for option in options}
    return (Token(text=text, logprob=math.log(0.9), alternatives=alternatives),)
