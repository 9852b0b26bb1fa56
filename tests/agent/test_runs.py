"""Runs in the background: followed, cancelled, drained."""

import asyncio
from typing import Any

import pytest

from agent import event as kinds
from agent.errors import WrongMoment
from agent.hub import Hub
from agent.options import Status
from agent.runs import open_runs


async def test_a_follower_gets_every_event_once_and_in_order(world: Any) -> None:
    hub = Hub()
    world.will_call(world.look, text="milk")
    world.will_answer()
    async with open_runs(world.deps(listen=hub.tell), hub) as runs:
        run_id = await runs.start("go", world.opts())
        seen = [each.seq async for each in runs.follow(run_id) if not isinstance(each, str)]
    assert seen == list(range(1, len(seen) + 1))
    assert len(seen) == len(await world.journal.events(run_id))


async def test_followers_hear_what_the_model_writes(world: Any) -> None:
    hub = Hub()
    world.will_answer("milk")
    async with open_runs(world.deps(listen=hub.tell, on_text=hub.text), hub) as runs:
        run_id = await runs.start("go", world.opts())
        heard = [each async for each in runs.follow(run_id) if isinstance(each, str)]
    assert heard == ['{"answer": "milk"}']


async def test_a_cancelled_run_ends_for_good_and_its_followers_are_let_go(world: Any) -> None:
    hub = Hub()
    begun = world.hang()
    async with open_runs(world.deps(listen=hub.tell), hub) as runs:
        run_id = await runs.start("go", world.opts())
        following = asyncio.create_task(_last(runs, run_id))
        await asyncio.wait_for(begun.wait(), 5)
        await runs.cancel(run_id)
        assert await asyncio.wait_for(following, 5) is Status.CANCELLED
        with pytest.raises(WrongMoment, match="ended"):
            await runs.cancel(run_id)


async def test_a_run_is_worked_on_once(world: Any) -> None:
    hub = Hub()
    begun = world.hang()
    async with open_runs(world.deps(listen=hub.tell), hub) as runs:
        run_id = await runs.start("go", world.opts())
        await asyncio.wait_for(begun.wait(), 5)
        with pytest.raises(WrongMoment, match="worked on"):
            runs.resume(run_id)
        await runs.cancel(run_id)


async def test_closing_lets_runs_stop_after_their_step(world: Any) -> None:
    hub = Hub()
    world.will_call(world.write, text="a")
    world.will_call(world.write, text="b")
    async with open_runs(world.deps(listen=hub.tell), hub) as runs:
        run_id = await runs.start("write", world.opts(approve="all"))
        async for each in runs.follow(run_id):
            if not isinstance(each, str) and isinstance(each.event, kinds.CallStarted):
                break
    record = await world.journal.run(run_id)
    assert record.status is Status.INTERRUPTED
    assert world.notes in (["a"], ["a", "b"])


async def _last(runs: Any, run_id: str) -> Status | None:
    last = None
    async for each in runs.follow(run_id):
        if not isinstance(each, str) and isinstance(each.event, kinds.StatusChanged):
            last = each.event.status
        if last is Status.CANCELLED:
            return last
    return last


async def test_a_run_that_ends_while_a_follower_reads_is_followed_to_its_end(world: Any) -> None:
    hub = Hub()
    run = [kinds.RunStarted(goal="go", options=world.opts())]
    await world.journal.append("r1", run)
    events = world.journal.events

    async def ends_meanwhile(run_id: str, *, after: int = 0) -> Any:
        found = await events(run_id, after=after)
        world.journal.events = events
        for recorded in await world.journal.append("r1", [kinds.StatusChanged(status=Status.DONE)]):
            hub.tell("r1", recorded)
        return found

    world.journal.events = ends_meanwhile
    seen = [each.seq async for each in hub.follow("r1", world.journal) if not isinstance(each, str)]
    assert seen == [1, 2]
