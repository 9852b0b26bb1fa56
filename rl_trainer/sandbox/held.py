"""A holder seen from outside: start it, send it one request, read its answer, let go of it."""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rl_trainer.errors import NoSandbox, WorldFailed
from rl_trainer.sandbox import kernel
from rl_trainer.sandbox.bounded_output import BoundedOutput
from rl_trainer.sandbox.holder import START
from rl_trainer.sandbox.sandbox import Limits

_ROOT = str(Path(__file__).resolve().parents[2])
_START_S = 60.0
_END_S = 10.0
_PART = 1 << 16
_FLOOD = 256
_MENDING = (
    "Local sandboxes need Linux 5.14 or newer, on x86_64 or aarch64, whose user namespaces are open to this user "
    "(sysctl user.max_user_namespaces above 0; on Ubuntu also kernel.apparmor_restrict_unprivileged_userns=0; "
    "in a container, one that was started with them). Or use sandboxes of Docker."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A holder at work. folders: descriptors of the work folder and of /tmp."""

    process: subprocess.Popen[bytes]
    channel: socket.socket
    folders: tuple[int, int]


async def hold(disk_mb: int, *, interpreter: str, shown: Sequence[str]) -> Held:
    """Start a holder and wait until its root stands.

    Raises:
        NoSandbox: the kernel refuses; the message says which call, and what would help.
    """
    if not kernel.supported():
        raise NoSandbox(f"no local sandbox on {os.uname().sysname} {os.uname().machine}. {_MENDING}")
    ours, its = socket.socketpair()
    ours.setblocking(False)
    with contextlib.ExitStack() as failed:
        failed.callback(ours.close)
        with its:
            process = _start(its, (_ROOT, str(disk_mb), interpreter, *shown))
        failed.callback(_bury, process)
        said, folders = await _first_words(ours)
        if said != "ready":
            raise NoSandbox(f"no local sandbox here: {said.removeprefix('broken ') or 'its holder died'}. {_MENDING}")
        failed.pop_all()
        return Held(process=process, channel=ours, folders=(folders[0], folders[1]))


def _start(channel: socket.socket, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
    # Not asyncio's own: in Python 3.11 that is one more thread for each process.
    return subprocess.Popen(
        (sys.executable, "-I", "-S", "-c", START, *arguments),
        env={"LC_ALL": "C.UTF-8"},
        cwd="/",
        stdin=channel.fileno(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _bury(process: subprocess.Popen[bytes]) -> None:
    """The holder dies with its starter, and its sandbox with the holder: this waits for milliseconds at most."""
    process.kill()
    process.wait()


async def _first_words(channel: socket.socket) -> tuple[str, list[int]]:
    if not await _readable(channel.fileno(), _START_S):
        return f"broken its holder did not start within {_START_S:.0f} s", []
    try:
        said, folders, _, _ = socket.recv_fds(channel, 4096, 2)
    except OSError as error:
        return f"broken {error}", []
    return said.decode(errors="replace").strip(), folders


async def let_go(held: Held) -> None:
    """End the holder, and with it every process, mount and file of its sandbox; waits until they are gone."""
    for folder in held.folders:
        os.close(folder)
    # A child that was forked from us may have the channel too, so closing alone might tell the holder nothing.
    with contextlib.suppress(OSError):
        held.channel.shutdown(socket.SHUT_RDWR)
    held.channel.close()
    ended = os.pidfd_open(held.process.pid)
    try:
        await _readable(ended, _END_S)
    finally:
        os.close(ended)
        _bury(held.process)


async def _readable(descriptor: int, seconds: float) -> bool:
    """Whether there is something to be read, or a process has ended, within so many seconds."""
    loop = asyncio.get_running_loop()
    there = asyncio.Event()
    loop.add_reader(descriptor, there.set)
    try:
        async with asyncio.timeout(seconds):
            return await there.wait()
    except TimeoutError:
        return False
    finally:
        loop.remove_reader(descriptor)


def encoded(command: str, shell: str, limits: Limits, environment: Mapping[str, str]) -> bytes:
    """A request as the holder reads it (rl_trainer/sandbox/one_run.py)."""
    times = (limits.cpu_s, limits.cpu_of_all_s, limits.wall_s)
    sizes = (limits.memory_mb, limits.file_mb, limits.processes)
    variables = (f"{name}={value}" for name, value in environment.items())
    return "\0".join((command, shell, *map(str, times), *map(str, sizes), *variables)).encode(errors="surrogateescape")


async def ask(held: Held, request: bytes, output_limit: int) -> tuple[list[str], BoundedOutput, bool]:
    """Send one request; the answer's words, the output, and whether it was ended because it printed without end."""
    loop = asyncio.get_running_loop()
    output = BoundedOutput(output_limit)
    flooded = False
    source, sink = os.pipe()
    os.set_blocking(source, False)

    def take() -> None:
        nonlocal flooded
        part = os.read(source, _PART)
        output.add(part)
        if not part:
            loop.remove_reader(source)
        elif output.size > _FLOOD * output_limit and not flooded:
            flooded = True
            end_run(held)

    try:
        await _send(held.channel, request, sink)
        loop.add_reader(source, take)
        words = await _answer(held.channel)
        loop.remove_reader(source)
        # Everything that could print is dead: the rest is in the pipe already. Whether it ends there as well does not
        # matter: a child that another thread is just starting may have the other end until it has started.
        with contextlib.suppress(BlockingIOError):
            while not flooded and (part := os.read(source, _PART)):
                output.add(part)
    finally:
        loop.remove_reader(source)
        os.close(source)
    return words, output, flooded


def end_run(held: Held) -> None:
    """Have the run that is under way killed, if there is one; its answer comes as ever."""
    try:
        held.channel.send(bytes(4))
    except OSError:
        held.process.kill()


async def _send(channel: socket.socket, request: bytes, sink: int) -> None:
    try:
        socket.send_fds(channel, [len(request).to_bytes(4, "big")], [sink])
        await asyncio.get_running_loop().sock_sendall(channel, request)
    except OSError as error:
        raise WorldFailed(f"the sandbox's holder is gone: {error}") from error
    finally:
        os.close(sink)


async def _answer(channel: socket.socket) -> list[str]:
    said = b""
    while not said.endswith(b"\n"):
        try:
            part = await asyncio.get_running_loop().sock_recv(channel, 4096)
        except OSError as error:
            raise WorldFailed(f"the sandbox's holder is gone: {error}") from error
        if not part:
            raise WorldFailed("the sandbox's holder died in the middle of a command")
        said += part
    return said.decode(errors="replace").split()
