"""The process that holds a sandbox: it owns the namespaces and the disk, and when it ends they are gone.

Started without site-packages, to be quick: `python -I -S -c START FOLDER DISK_MB INTERPRETER SHOWN...`, with the socket
for its stdin, so that the command line, which fenced commands can read, is the same in each sandbox. The starter stays
behind in the host's namespaces, because only it may say which users the new user namespace knows.

Over the socket come requests, each with a descriptor for the output; a request of length 0 ends the run at once.
Answers are lines of text: `ready`, `broken WHY`, `ended CODE KILLED CPU_S`.
"""

import os
import select
import signal
import socket
import sys

from rl_trainer.sandbox import kernel
from rl_trainer.sandbox.one_run import Request, be_first_process
from rl_trainer.sandbox.root_folder import INNER_ID, build_root

START = "import sys; sys.path.insert(0, sys.argv[1]); from rl_trainer.sandbox.holder import main; main(sys.argv[2:])"
OUTER_ID = 65533
"""Whom the commands of a root's sandbox are to the host: nobody, and not the id that stands for unknown users."""

_SANDBOX = kernel.NEWUSER | kernel.NEWNS | kernel.NEWPID | kernel.NEWNET | kernel.NEWIPC | kernel.NEWUTS
_RUN = kernel.NEWPID | kernel.NEWNS | kernel.NEWIPC
_LENGTH = 4


def main(arguments: list[str]) -> None:
    """Start the holder in new namespaces, tell it who it is, and wait for its end."""
    channel = socket.socket(fileno=os.dup(0))
    os.dup2(os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC), 0)
    mapped, told = os.pipe()
    try:
        child = kernel.clone(_SANDBOX)
        if child == 0:
            os.close(told)
            _hold(channel, mapped, arguments)
            os._exit(0)
        _map_users(child)
        os.write(told, b"!")
    except OSError as error:
        channel.sendall(f"broken {error}\n".encode())
        os._exit(1)
    channel.close()
    os.waitpid(child, 0)


def _map_users(child: int) -> None:
    """A root's holder is root inside, over one more user for the commands; anybody else is one user for both."""
    for kind, own in (("uid", os.geteuid()), ("gid", os.getegid())):
        if kind == "gid" and os.geteuid() != 0:
            _tell(f"/proc/{child}/setgroups", "deny")
        lines = f"0 0 1\n{INNER_ID} {OUTER_ID} 1\n" if os.geteuid() == 0 else f"{INNER_ID} {own} 1\n"
        _tell(f"/proc/{child}/{kind}_map", lines)


def _tell(path: str, text: str) -> None:
    file = os.open(path, os.O_WRONLY)
    os.write(file, text.encode())
    os.close(file)


def _hold(channel: socket.socket, mapped: int, arguments: list[str]) -> None:
    try:
        kernel.die_with_parent()
        if os.read(mapped, 1) != b"!":
            return
        os.close(mapped)
        os.setsid()
        disk_mb, interpreter, *shown = arguments
        folders = build_root(shown, disk_mb=int(disk_mb), interpreter=interpreter)
        # No further user namespaces: in one of their own, commands would be free to mount and to count anew.
        _tell("/proc/sys/user/max_user_namespaces", "0")
        kernel.host_name("sandbox")
        _raise_loopback()
        kernel.hide_memory()
    except OSError as error:
        channel.sendall(f"broken {error}\n".encode())
        return
    socket.send_fds(channel, [b"ready\n"], list(folders))
    for folder in folders:
        os.close(folder)
    while _serve(channel):
        pass


def _raise_loopback() -> None:
    """Tests may talk to servers of their own on 127.0.0.1; there is no other interface."""
    import fcntl
    import struct

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh22x", b"lo", 1))


def _serve(channel: socket.socket) -> bool:
    """Take one request and answer it; false when the sandbox is to be closed."""
    start, descriptors, _, _ = socket.recv_fds(channel, _LENGTH, 1)
    if not start:
        return False
    length = int.from_bytes(start, "big")
    if length == 0:
        return True  # the run that this was meant for has ended already
    request = Request(_receive(channel, length))
    output = descriptors[0]
    result, write_result = os.pipe()
    child = kernel.clone(_RUN)
    if child == 0:
        channel.close()
        try:
            be_first_process(request, output, write_result)
        except OSError as error:
            os.write(write_result, f"broken {error}".encode())
        finally:
            os._exit(0)
    os.close(output)
    os.close(write_result)
    go_on = _await(channel, child)
    said = os.read(result, 4096).decode() or f"{128 + signal.SIGKILL} init 0"
    os.close(result)
    if go_on:
        channel.sendall(f"{said if said.startswith('broken') else 'ended ' + said}\n".encode())
    return go_on


def _await(channel: socket.socket, child: int) -> bool:
    """Until the run's first process, and with it every other, is dead; false when nobody waits for it any more."""
    ended = os.pidfd_open(child)
    waiting = select.poll()
    waiting.register(ended, select.POLLIN)
    waiting.register(channel, select.POLLIN)
    go_on = True
    while not any(place == ended for place, _ in waiting.poll()):
        go_on = len(channel.recv(_LENGTH)) > 0
        os.kill(child, signal.SIGKILL)
        if not go_on:
            break
    os.waitpid(child, 0)
    os.close(ended)
    return go_on


def _receive(channel: socket.socket, length: int) -> bytes:
    parts = bytearray()
    while len(parts) < length:
        part = channel.recv(min(1 << 16, length - len(parts)))
        if not part:
            os._exit(0)
        parts += part
    return bytes(parts)


if __name__ == "__main__":
    main(sys.argv[1:])
