"""The ways of reading that benchmarks/prism.py compares, each with the same oracle and what it took."""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from _streams import Stream, tokens_of

from agent.llm import Answer, Ask, Profile, Purpose
from agent.message import Message, system, user
from agent.prism.chunks import Chunk, chunked
from agent.prism.oracle import ADD_ONLY_SCHEMA, FACT_SCHEMA, OracleReader, Slot, asked, values_in
from agent.prism.reading import ReadSettings, read
from agent.prism.summaries import merged, summarised, updated
from agent.usage import Usage

ALPHAS = (0.0, 0.1, 0.5)
OMEGA = 3.0
BEST, FULL, INCREMENTAL = "PRISM amendments, fold rule", "full context", "incremental summary"


@dataclass(frozen=True, kw_only=True)
class Setup:
    chunk: int
    memory: int
    miss: float
    wrong_paths: float
    seed: int


@dataclass(frozen=True, kw_only=True)
class Result:
    """One way on one stream. costs: by cache price."""

    way: str
    tokens: int
    chunk: int
    known: dict[Slot, str]
    answers: dict[Slot, str]
    usage: Usage
    peak: int
    costs: dict[float, float]
    seconds: float = 0.0
    rejected: int = 0
    folds: int = 0
    scores: dict[str, float] = field(default_factory=dict)


class Meter:
    """The oracle with its usage added up."""

    def __init__(self, oracle: OracleReader) -> None:
        self.oracle = oracle
        self.usage = Usage()

    async def sample(self, messages: Sequence[Message], ask: Ask) -> Answer:
        answer = await self.oracle.sample(messages, ask)
        self.usage += answer.usage
        return answer


def oracle_of(setup: Setup, alpha: float = 0.1) -> OracleReader:
    profile = Profile(shapes="response_format", context_tokens=32_768, cache_price=alpha)
    return OracleReader(
        seed=setup.seed, miss=setup.miss, wrong_paths=setup.wrong_paths, profile=profile, count=tokens_of
    )


def cost(usage: Usage, alpha: float) -> float:
    return usage.net_encoded + alpha * usage.cached + OMEGA * usage.decoded


def result(way: str, stream: Stream, setup: Setup, meter: Meter, known: dict[Slot, str], answer: str) -> Result:
    return Result(
        way=way,
        tokens=stream.tokens,
        chunk=setup.chunk,
        known=known,
        answers=read_answer(answer),
        usage=meter.usage,
        peak=meter.oracle.peak,
        costs={alpha: cost(meter.usage, alpha) for alpha in ALPHAS},
    )


def read_answer(text: str) -> dict[Slot, str]:
    return {tuple(key.split("/")): value for key, value in json.loads(text).items()}


def chunks_of(stream: Stream, tokens: int) -> list[Chunk]:
    return [
        Chunk(text=piece, source=f"{text.name}#{number}", untrusted=text.untrusted)
        for text in stream.texts
        for number, piece in enumerate(chunked(text.content, tokens), 1)
    ]


Way = Callable[[Stream, Setup, str], Awaitable[Result]]


def prism(name: str, *, alphas: Sequence[float] = (0.1,), schema: str = FACT_SCHEMA, **settings: Any) -> Way:
    """PRISM with these settings; where the fold rule looks at the cache price, one run for each."""

    async def run(stream: Stream, setup: Setup, question: str) -> Result:
        costs: dict[float, float] = {}
        found: Result | None = None
        for alpha in alphas:
            oracle = oracle_of(setup, alpha)
            wanted = ReadSettings(schema=schema, chunk_tokens=setup.chunk, memory_tokens=setup.memory, **settings)
            reading = await read(stream.texts, question, oracle, settings=wanted)
            meter = Meter(oracle)
            meter.usage = reading.usage
            made = result(name, stream, setup, meter, values_in(reading.memory.value), reading.answer)
            costs |= {each: made.costs[each] for each in (ALPHAS if len(alphas) == 1 else (alpha,))}
            if found is None or alpha == 0.1:
                found = replace(made, rejected=reading.saved.rejected, folds=reading.saved.folds)
        assert found is not None
        return replace(found, costs=costs)

    return run


async def full_context(stream: Stream, setup: Setup, question: str) -> Result:
    """Everything in one prompt, however long; the oracle's context has no end."""
    meter = Meter(oracle_of(setup))
    texts = [user(text.content, untrusted=text.untrusted) for text in stream.texts]
    prompt = [system("Answer from the texts."), *texts, user(question)]
    answer = await meter.sample(prompt, Ask(purpose=Purpose.ANSWER))
    known = dict(pair for text in stream.texts for pair in meter.oracle.facts(text.content))
    return result(FULL, stream, setup, meter, known, answer.text)


async def incremental(stream: Stream, setup: Setup, question: str) -> Result:
    meter, summary = Meter(oracle_of(setup)), ""
    for chunk in chunks_of(stream, setup.chunk):
        summary = await updated(summary, chunk, question, meter.sample, setup.memory)
    return await _from_summary(INCREMENTAL, stream, setup, meter, summary, question)


async def hierarchical(stream: Stream, setup: Setup, question: str) -> Result:
    meter = Meter(oracle_of(setup))
    summaries = [
        await summarised(chunk, question, meter.sample, setup.memory) for chunk in chunks_of(stream, setup.chunk)
    ]
    summary = await merged(summaries, question, meter.sample, tokens=setup.memory, summary_tokens=setup.memory)
    return await _from_summary("hierarchical summary", stream, setup, meter, summary, question)


async def _from_summary(way: str, stream: Stream, setup: Setup, meter: Meter, summary: str, question: str) -> Result:
    prompt = [system("Answer from the summary."), user(summary), user(question)]
    answer = await meter.sample(prompt, Ask(purpose=Purpose.ANSWER))
    every = await OracleReader().sample(
        [system(""), user(summary), user(asked(list(stream.gold)))], Ask(purpose=Purpose.ANSWER)
    )
    return result(way, stream, setup, meter, read_answer(every.text), answer.text)


WAYS: dict[str, Way] = {
    FULL: full_context,
    INCREMENTAL: incremental,
    "hierarchical summary": hierarchical,
    BEST: prism(BEST, alphas=ALPHAS),
    "PRISM amendments": prism("PRISM amendments", fold=False),
    "PRISM amendments, add only": prism("PRISM amendments, add only", fold=False, schema=ADD_ONLY_SCHEMA),
    "PRISM in-place": prism("PRISM in-place", form="in-place"),
    "PRISM in-place, add only": prism("PRISM in-place, add only", form="in-place", schema=ADD_ONLY_SCHEMA),
}
