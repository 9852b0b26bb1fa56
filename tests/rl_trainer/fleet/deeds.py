"""What the workers of the tests do. Jobs are JSON, so that tests can say what is to happen."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from rl_trainer.fleet.work import Work


async def do(payload: bytes) -> bytes:
    """Answers with its process; first does what the job says: die once, die always, raise, wait for a file."""
    job: dict[str, Any] = json.loads(payload)
    if "arrived" in job:
        with Path(job["arrived"]).open("a") as file:
            file.write(f"{os.getpid()}\n")
    if (once := job.get("die_unless")) and not Path(once).exists():
        Path(once).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if job.get("die"):
        os._exit(7)
    if job.get("raise"):
        raise ValueError("this cannot be done")
    if job.get("hang_unless") and not Path(job["hang_unless"]).exists():
        Path(job["hang_unless"]).touch()
        await asyncio.Event().wait()
    while (wait := job.get("until")) and not Path(wait).exists():
        await asyncio.sleep(0.01)
    return json.dumps({"pid": os.getpid(), "said": job.get("say")}).encode()


def not_async(payload: bytes) -> bytes:
    return payload


@asynccontextmanager
async def opened() -> AsyncGenerator[Work]:
    """Counts its jobs; at the end it writes how many there were where they said."""
    jobs: list[Path] = []

    async def count(payload: bytes) -> bytes:
        jobs.append(Path(json.loads(payload)["closed"]))
        return json.dumps({"count": len(jobs)}).encode()

    yield count
    jobs[-1].write_text(str(len(jobs)))
