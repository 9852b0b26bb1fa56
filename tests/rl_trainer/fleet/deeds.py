"""What the workers of the tests do. Jobs are JSON, so that tests can say what is to happen."""

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import Any


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
