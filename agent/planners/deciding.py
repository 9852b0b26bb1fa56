"""Which child of the plan tree to take (Tree-Planner, section 3.3): one choice among labels, or no question at all."""

import math
import string
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from agent.llm import Answer, Ask, Choice, Completion, Option, Purpose, Token
from agent.message import Message, assistant, user
from agent.plan import Node
from agent.plan_prompts import decide_messages
from agent.plan_state import NONE, PlanState
from agent.planner import Context

VOTES = 5
_TEMPERATURE = 0.7
_ALTERNATIVES = 20
_MOST_TOKENS = 24
"""A label, also where an endpoint can only be held to JSON around it."""
_MOST_TOKENS_ASKED = 512
"""Where the form can only be asked for, and a model may think aloud before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The key of the child, or NONE; how it was found; the share of each option's votes where there were any.

    untrusted: a tool's text stood in the prompt, so it may have swayed the choice.
    """

    key: str
    by: Literal["single", "logprobs", "votes", "answer", "fallback"]
    votes: dict[str, float] = field(default_factory=dict[str, float])
    untrusted: bool = False


async def choose(context: Context, children: Sequence[Node]) -> Chosen:
    """One of these children of the place where the run stands.

    An only child is taken without asking, unless something has gone wrong at this place, or it says that the goal is
    reached: what was sampled before the first call cannot know. That is asked once at a place; new plans that say the
    same again are believed.
    """
    plan = context.state.plan or PlanState()
    sure = not context.state.steps or plan.doubted == plan.at
    if len(children) == 1 and (sure or not (children[0].is_end or plan.errors)):
        return Chosen(key=children[0].key, by="single")
    options = labelled([child.key for child in children])
    messages = decide_messages(context.state, context.memory.shown(context.state), options)
    most_shared = Chosen(key=max(children, key=lambda child: child.plans).key, by="fallback")
    chosen = await _asked(context, messages, options) or most_shared
    return replace(chosen, untrusted=any(message.untrusted for message in messages))


def labelled(keys: Sequence[str]) -> tuple[Option, ...]:
    """Options with labels of one letter, of two where there are more than 26; END and NONE stand for themselves.

    Example:
        labelled(['files/read {"path":"a"}', "END"]) -> A, END, NONE
    """
    actions = [key for key in keys if "/" in key]
    letters = string.ascii_uppercase
    labels = list(letters) if len(actions) <= len(letters) else [a + b for a in letters for b in letters]
    named = {key: Option(label=label, text=key) for key, label in zip(actions, labels, strict=False)}
    ends = [Option(label=key, text=key) for key in keys if "/" not in key]
    return (*named.values(), *ends, Option(label=NONE, text=NONE))


async def _asked(context: Context, messages: Sequence[Message], options: tuple[Option, ...]) -> Chosen | None:
    """What the model chooses; asked once more where its answer is no label, and None where that is none either."""
    answer = await context.sample(messages, _ask(context, options))
    chosen = _counted(context, answer, options)
    if chosen is not None:
        return chosen
    again = [*messages, assistant(answer.text), user(f"Answer with one of {', '.join(o.label for o in options)}.")]
    answer = await context.sample(again, _ask(context, options, once=True))
    key = key_in(answer.text, options)
    return Chosen(key=key, by="answer") if key else None


def _ask(context: Context, options: tuple[Option, ...], *, once: bool = False) -> Ask:
    profile = context.profile
    voting = profile.samples and not profile.logprobs and not once
    return Ask(
        purpose=Purpose.DECIDE,
        n=VOTES if voting else 1,
        temperature=_TEMPERATURE if voting else 0.0,
        max_tokens=_MOST_TOKENS_ASKED if profile.shapes == "prompt" else _MOST_TOKENS,
        shape=Choice(options=options),
        logprobs=_ALTERNATIVES if profile.logprobs and not once else 0,
        seed=context.state.options.seed,
    )


def _counted(context: Context, answer: Answer, options: tuple[Option, ...]) -> Chosen | None:
    if context.profile.logprobs and (shares := shares_of(answer.completions[0], options)):
        return Chosen(key=_most(shares), by="logprobs", votes=shares)
    said = [key for completion in answer.completions if (key := key_in(completion.text, options))]
    if not said:
        return None
    if len(answer.completions) == 1:
        return Chosen(key=said[0], by="answer")
    counted = Counter(said)
    votes = {key: round(count / len(said), 4) for key, count in counted.items()}
    return Chosen(key=_most(votes), by="votes", votes=votes)


def _most(votes: Mapping[str, float]) -> str:
    """The key with the most; of several, the one that comes first."""
    return max(votes, key=lambda key: votes[key])


def shares_of(completion: Completion, options: Sequence[Option]) -> dict[str, float]:
    """How likely each option is by the log-probabilities of the first token; nothing where they cannot tell.

    A token stands for the one option whose label it is, or with which only that label begins. When a token that
    several labels begin with is the likeliest, the log-probabilities do not tell.
    """
    token = next((each for each in completion.tokens if each.text.strip()), None)
    if token is None:
        return {}
    shares: dict[str, float] = {}
    unclear = 0.0
    for text, logprob in _alternatives(token).items():
        meant = _meant(text, options)
        if meant is None:
            unclear = max(unclear, math.exp(logprob) if _begins_some(text, options) else 0.0)
        else:
            shares[meant] = shares.get(meant, 0.0) + math.exp(logprob)
    total = sum(shares.values())
    if not total or unclear > max(shares.values()):
        return {}
    return {key: round(share / total, 4) for key, share in shares.items()}


def key_in(text: str, options: Sequence[Option]) -> str | None:
    """The option that an answer names: by its label, whatever stands around it, or by its whole text."""
    stripped = text.strip().strip("\"'`*().: ")
    words = stripped.replace(".", " ").replace(")", " ").replace(":", " ").split()
    for said in (stripped, *words[:1]):
        for option in options:
            if said.upper() == option.label:
                return option.text
    return next((option.text for option in options if "/" in option.text and option.text in text), None)


def _alternatives(token: Token) -> dict[str, float]:
    return {**token.alternatives, token.text: token.logprob}


def _meant(text: str, options: Sequence[Option]) -> str | None:
    said = text.strip().strip('"}').upper()
    exact = [option.text for option in options if option.label == said]
    begun = [option.text for option in options if said and option.label.startswith(said)]
    return exact[0] if exact else begun[0] if len(begun) == 1 else None


def _begins_some(text: str, options: Sequence[Option]) -> bool:
    said = text.strip().strip('"}').upper()
    return bool(said) and any(option.label.startswith(said) for option in options)
