"""A command of this machine, run to its end within a time and with bounded output."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rl_trainer.errors import NoSandbox
from rl_trainer.sandbox.bounded_output import BoundedOutput

_PART = 1 << 16
_FLOOD = 256
_GRACE_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """code: None where it was not waited for any longer. ended: wall, output, or empty."""

    code: int | None
    output: BoundedOutput
    ended: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Within:
    """What a command may take: seconds, and bytes of output that are kept. only_stdout: stderr is thrown away."""

    seconds: float
    output: int
    only_stdout: bool = False


async def run_here(
    command: Sequence[str],
    within: Within,
    *,
    stdin: bytes | None = None,
    env: Mapping[str, str] | None = None,
    cwd: str | None = None,
) -> Finished:
    """Run a command in a session of its own; its whole process group is gone when this returns."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL if stdin is None else asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL if within.only_stdout else asyncio.subprocess.STDOUT,
            env=None if env is None else dict(env),
            cwd=cwd,
            start_new_session=True,
        )
    except (FileNotFoundError, PermissionError) as error:
        raise NoSandbox(f"{command[0]} cannot be started here; is it installed? {error.strerror}") from error
    output = BoundedOutput(within.output)
    ended = ""
    try:
        async with asyncio.timeout(within.seconds):
            feeding = asyncio.ensure_future(_feed(process, stdin))
            ended = await _drain(process, output, most=_FLOOD * within.output)
            feeding.cancel()
            await asyncio.wait({feeding})
            if not ended:
                await process.wait()
    except TimeoutError:
        ended = "wall"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(process.wait()), _GRACE_S)
        process._transport.close()  # pyright: ignore  # else its pipes stay open until it is collected
    return Finished(code=process.returncode, output=output, ended=ended)


async def _feed(process: asyncio.subprocess.Process, stdin: bytes | None) -> None:
    if process.stdin is None or stdin is None:
        return
    with contextlib.suppress(ConnectionError):
        process.stdin.write(stdin)
        await process.stdin.drain()
    process.stdin.close()


async def _drain(process: asyncio.subprocess.Process, output: BoundedOutput, *, most: int) -> str:
    """Read to the end; why it was not."""
    assert process.stdout is not None
    while part := await process.stdout.read(_PART):
        output.add(part)
        if output.size > most:
            return "output"
    return ""
