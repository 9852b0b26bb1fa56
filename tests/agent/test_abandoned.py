"""Runs whose process was killed."""

from pathlib import Path
from typing import Any

from agent import event as kinds
from agent.abandoned import mark_abandoned
from agent.options import Status
from agent.run import resume_run
from agent.store import open_journal


async def test_a_run_that_nobody_works_on_is_marked_and_can_be_resumed(world: Any, tmp_path: Path) -> None:
    async with open_journal(f"sqlite:///{tmp_path / 'runs.db'}") as journal:
        for run_id in ("killed", "at-work"):
            await journal.append(run_id, [kinds.RunStarted(goal="go", options=world.opts())])
        async with journal.lease("at-work"):
            assert await mark_abandoned(journal) == [], "they may have only just begun"
            assert await mark_abandoned(journal, older_than_s=0.0) == ["killed"]
        record = await journal.run("killed")
        assert record is not None
        assert record.status is Status.INTERRUPTED
        world.will_answer("back")
        assert (await resume_run("killed", world.deps(journal=journal))).answer == "back"
