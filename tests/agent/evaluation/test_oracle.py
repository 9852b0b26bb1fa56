"""The oracle is right where its rates are 0, wrong as often as they say, and counts what a real model would take."""

import json
from collections import Counter
from typing import Any

import msgspec
import pytest

from agent.evaluation.counting import BLOCK, PrefixCounter
from agent.evaluation.mind import Mind, Rates
from agent.evaluation.oracle import OracleLLM
from agent.evaluation.tasks import WORLDS, Task, draw_task, right_steps
from agent.evaluation.world import World
from agent.llm import Ask, Choice, Option, Purpose
from agent.message import system, user
from agent.references import references
from retrieval.tool import canonical_json

PERFECT = Rates().scaled(0)
PLAN = Ask(purpose=Purpose.PLAN)
ACT = Ask(purpose=Purpose.ACT)


def _oracle(task: Task, *, rates: Rates = PERFECT, seed: int = 0) -> tuple[World[Any], OracleLLM]:
    world = task.world.twin()
    return world, OracleLLM(Mind(task, world, rates=rates, seed=seed), seed=seed)


async def _said(oracle: OracleLLM, ask: Ask) -> Any:
    return json.loads((await oracle.sample([user("?")], ask)).text)


def _choice(*texts: str) -> Ask:
    options = [Option(label="ABCDEFGH"[place], text=text) for place, text in enumerate(texts)]
    ends = [Option(label=word, text=word) for word in ("END", "NONE")]
    return Ask(purpose=Purpose.DECIDE, shape=Choice(options=(*options, *ends)))


@pytest.mark.parametrize("kind", WORLDS)
async def test_without_mistakes_one_action_after_the_other_reaches_the_goal(kind: str) -> None:
    task = draw_task(kind, 3)
    world, oracle = _oracle(task)
    for _ in range(20):
        said = await _said(oracle, ACT)
        if "answer" in said:
            break
        assert world.do(said["tool"].partition("/")[2], said["arguments"]).ok
    assert task.reached(world)


@pytest.mark.parametrize("kind", ["files", "home"])
async def test_without_mistakes_a_plan_reaches_the_goal(kind: str) -> None:
    task = draw_task(kind, 3)
    world, oracle = _oracle(task)
    for step in (await _said(oracle, PLAN))["steps"]:
        assert world.do(step["tool"].partition("/")[2], step["arguments"]).ok
    assert task.reached(world)


async def test_a_plan_refers_to_ids_that_nobody_has_told_and_names_those_that_somebody_has() -> None:
    task = next(task for seed in range(50) if "Give the ticket" in (task := draw_task("tickets", seed)).goal)
    world, oracle = _oracle(task)
    steps = (await _said(oracle, PLAN))["steps"]
    assert list(references(steps))
    assert all(each.step < number for number, step in enumerate(steps, 1) for each in references(step))
    for step in task.gold:
        if step.tool == "search_tickets":
            world.do(step.tool, step.arguments)
    assert not list(references((await _said(oracle, PLAN))["steps"]))


async def test_references_count_on_from_the_steps_that_the_prompt_says_were_taken() -> None:
    task = next(task for seed in range(50) if "Give the ticket" in (task := draw_task("tickets", seed)).goal)
    _, oracle = _oracle(task)
    answer = await oracle.sample([user("Plan only what is left. Your first step is number 5.")], PLAN)
    assert min(each.step for each in references(json.loads(answer.text)["steps"])) >= 5


async def test_a_decision_takes_the_right_option_or_none_or_the_end() -> None:
    task = draw_task("home", 1)
    world, oracle = _oracle(task)
    right = f"home/{task.gold[0].tool} {canonical_json(task.gold[0].arguments)}"
    wrong = 'home/grab {"thing":"nothing"}'
    assert (await oracle.sample([], _choice(wrong, right))).text == "B"
    assert (await oracle.sample([], _choice(wrong, 'home/open {"container":"sofa"}'))).text == "NONE"
    for step in task.gold:
        world.do(step.tool, step.arguments)
    assert (await oracle.sample([], _choice(wrong, right))).text == "END"


async def test_an_option_may_refer_to_a_result_instead_of_naming_it() -> None:
    task = next(t for seed in range(50) if (t := draw_task("database", seed)).gold[0].tool == "find_product")
    world, oracle = _oracle(task)
    world.do("find_product", task.gold[0].arguments)
    given = {**task.gold[1].arguments, "product_id": "$1.rows[0].id"}
    right = f"database/{task.gold[1].tool} {canonical_json(given)}"
    other = f"database/{task.gold[1].tool} {canonical_json({**given, 'product_id': '$1.rows[0].stock'})}"
    assert (await oracle.sample([], _choice(other, right))).text == "B"


async def test_log_probabilities_lie_on_the_label_that_is_chosen() -> None:
    task = draw_task("home", 1)
    _, oracle = _oracle(task)
    right = f"home/{task.gold[0].tool} {canonical_json(task.gold[0].arguments)}"
    ask = _choice('home/grab {"thing":"nothing"}', right)
    answer = await oracle.sample([], Ask(purpose=ask.purpose, shape=ask.shape, logprobs=20))
    (token,) = answer.completions[0].tokens
    assert token.text == "B"
    assert max(token.alternatives, key=lambda text: token.alternatives[text]) == "B"


async def test_mistakes_are_as_frequent_as_their_rates_and_the_same_for_the_same_seed() -> None:
    task = draw_task("home", 4)
    rates = Rates(blind=0, slip=0, wrong_tool=0.1, wrong_argument=0.2, variety=0)
    ask = Ask(purpose=Purpose.PLAN, n=300)
    texts = [
        [each.text for each in (await _oracle(task, rates=rates, seed=7)[1].sample([], ask)).completions]
        for _ in range(2)
    ]
    assert texts[0] == texts[1]
    kinds: Counter[str] = Counter()
    for text in texts[0]:
        for step, gold in zip(json.loads(text)["steps"], task.gold, strict=True):
            tool = step["tool"].partition("/")[2]
            kinds["tool" if tool != gold.tool else "argument" if step["arguments"] != gold.arguments else "none"] += 1
    assert 0.07 < kinds["tool"] / kinds.total() < 0.13
    assert 0.16 < kinds["argument"] / kinds.total() < 0.24


async def test_a_step_that_was_not_thought_of_comes_once_a_refusal_tells_of_it() -> None:
    task = next(t for seed in range(50) if (t := draw_task("files", seed)).gold[0].mends)
    world, oracle = _oracle(task, rates=Rates(blind=1, slip=0, wrong_tool=0, wrong_argument=0, deaf=0))
    said = await _said(oracle, ACT)
    assert said["tool"] == f"files/{task.gold[1].tool}"
    assert not world.do(task.gold[1].tool, task.gold[1].arguments).ok
    assert (await _said(oracle, ACT))["tool"] == f"files/{task.gold[0].tool}"


def test_a_prompt_that_begins_like_an_earlier_one_is_cached_up_to_there() -> None:
    counter = PrefixCounter()
    long = "word " * 400
    first = counter.usage([system(long)], ["yes"])
    assert (first.calls, first.cached, first.decoded) == (1, 0, 1)
    counter.usage([system("something else")], [""])
    second = counter.usage([system(long), user("and more")], ["yes", "no"])
    assert second.cached % BLOCK == 0
    assert first.encoded - BLOCK <= second.cached <= first.encoded
    assert second.decoded == 2


def test_without_a_cache_nothing_is_cached() -> None:
    counter = PrefixCounter(remembers=0)
    assert [counter.usage([system("word " * 400)], [""]).cached for _ in range(2)] == [0, 0]


def test_a_cache_forgets_the_oldest_prompts() -> None:
    counter = PrefixCounter(remembers=1)
    for text in ("a" * 400, "b" * 400):
        counter.usage([system(text)], [""])
    assert counter.usage([system("a" * 400)], [""]).cached == 0


@pytest.mark.parametrize(("overlooked", "chosen"), [(0.0, "A"), (1.0, "NONE")])
async def test_a_mistake_that_is_not_refused_may_be_overlooked(overlooked: float, chosen: str) -> None:
    rates = msgspec.structs.replace(PERFECT, wrong_argument=1.0, overlooked=overlooked)
    tried = 0
    for task in (draw_task("files", seed, hindered=0.0) for seed in range(40)):
        world, oracle = _oracle(task, rates=rates)
        said, right = await _said(oracle, ACT), task.gold[0]
        silent = world.do(said["tool"].partition("/")[2], said["arguments"]).ok
        if silent and right in right_steps(world, task.aims):
            ask = _choice(f"files/{right.tool} {canonical_json(right.arguments)}")
            assert (await oracle.sample([], ask)).text == chosen
            assert not world.do("read_file", {"path": "/nowhere"}).ok
            assert (await oracle.sample([], ask)).text == "A"
            tried += 1
    assert tried
