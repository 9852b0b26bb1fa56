"""One command in a process namespace of its own, watched by the namespace's first process.

When the first process ends, the kernel kills all others of the namespace, whatever they did to get away.

No dataclass and nothing of `typing` here, nor in what else the holder imports: those two take longer to import than all
else that is done until the sandbox stands.
"""

import os
import resource
import signal
import time

from rl_trainer.sandbox import kernel
from rl_trainer.sandbox.forbidden_calls import forbid_calls
from rl_trainer.sandbox.process_table import look
from rl_trainer.sandbox.root_folder import INNER_ID, WORK, mount_processes

_LOOK_S = 0.1
_MIB = 1 << 20
_OWN_PROCESSES = 3


class Request:
    """What is to be run, and within what: fields between NULs, which neither a command nor a variable can contain."""

    __slots__ = (
        "command",
        "cpu_s",
        "cpu_total_s",
        "environment",
        "file_mb",
        "memory_mb",
        "processes",
        "shell",
        "wall_s",
    )

    def __init__(self, sent: bytes) -> None:
        fields = sent.decode(errors="surrogateescape").split("\0")
        self.command, self.shell = fields[:2]
        self.cpu_s, self.cpu_total_s, self.wall_s = map(float, fields[2:5])
        self.memory_mb, self.file_mb, self.processes = map(int, fields[5:8])
        pairs = (variable.partition("=") for variable in fields[8:])
        self.environment = {name: value for name, _, value in pairs}


def be_first_process(request: Request, output: int, result: int) -> None:
    """Run the command and write `code killed cpu_s` to result. The caller must end this process right afterwards."""
    kernel.die_with_parent()
    kernel.hide_memory()
    for number in (signal.SIGINT, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    mount_processes()
    child = os.fork()
    if child == 0:
        _be_command(request, output)
    os.close(output)
    code, killed, cpu_s = _watch(request, child)
    os.write(result, f"{code} {killed or '-'} {cpu_s:.3f}".encode())


def _watch(request: Request, child: int) -> tuple[int, str, float]:
    """The exit code, which limit ended the command, and the seconds of CPU."""
    start = time.monotonic()
    busy = False
    while True:
        left = start + request.wall_s - time.monotonic()
        signal.sigtimedwait({signal.SIGCHLD}, max(0.001, min(_LOOK_S, left)))
        status = _reap(child)
        if status is not None:
            return _verdict(request, os.waitstatus_to_exitcode(status))
        cpu_s, awake, too_much_memory = look(request.memory_mb * _MIB)
        # What it did at first was to start; how it spends the second half of its time tells a sleeper.
        busy = awake or (busy and left < request.wall_s / 2)
        if too_much_memory:
            return 128 + signal.SIGKILL, "memory", cpu_s
        if cpu_s > request.cpu_total_s:
            return 128 + signal.SIGXCPU, "cpu", cpu_s
        if left <= 0:
            return 128 + signal.SIGKILL, _who_took_the_time(request, cpu_s, busy=busy), cpu_s


def _who_took_the_time(request: Request, cpu_s: float, *, busy: bool) -> str:
    """cpu: it computed too long. idle: it slept. wall: it wanted to go on, and the machine was not there for it."""
    if cpu_s >= request.cpu_s:
        return "cpu"
    return "wall" if busy else "idle"


def _reap(child: int) -> int | None:
    """The wait status of the command itself, if it has ended; orphans are buried on the way."""
    while True:
        try:
            number, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return 0
        if number == child:
            return status
        if number == 0:
            return None


def _verdict(request: Request, code: int) -> tuple[int, str, float]:
    """A shell reports the signal that ended its last command as 128 and the number."""
    code = 128 - code if code < 0 else code
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = used.ru_utime + used.ru_stime
    if code == 128 + signal.SIGXCPU or (code == 128 + signal.SIGKILL and cpu_s >= request.cpu_s):
        return code, "cpu", cpu_s
    return code, "file" if code == 128 + signal.SIGXFSZ else "", cpu_s


def _be_command(request: Request, output: int) -> None:
    """Become the command; never returns."""
    try:
        os.setsid()
        os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        _limit(request)
        if os.getuid() == 0:
            os.setgroups([])
            os.setresgid(INNER_ID, INNER_ID, INNER_ID)
            kernel.drop_privileges()
            os.setresuid(INNER_ID, INNER_ID, INNER_ID)
        else:
            kernel.drop_privileges()
        forbid_calls()
        os.umask(0o022)
        os.chdir(WORK)
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        os.execve(request.shell, [request.shell, "-c", request.command], request.environment)  # noqa: S606
    except OSError as error:
        os.write(2, f"cannot start the command: {error}\n".encode())
    finally:
        os._exit(126)


def _limit(request: Request) -> None:
    cpu_s = max(1, -int(-request.cpu_s // 1))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 1))
    for kind, size in (
        (resource.RLIMIT_DATA, request.memory_mb * _MIB),
        (resource.RLIMIT_FSIZE, request.file_mb * _MIB),
        (resource.RLIMIT_NPROC, request.processes + _OWN_PROCESSES),
        (resource.RLIMIT_NOFILE, 512),
        # 1 is the size at which the kernel also keeps dumps from a program that collects them; 0 is not.
        (resource.RLIMIT_CORE, 1),
        (resource.RLIMIT_STACK, 8 * _MIB),
        (resource.RLIMIT_MEMLOCK, _MIB),
    ):
        most = resource.getrlimit(kind)[1]
        size = size if most == resource.RLIM_INFINITY else min(size, most)
        resource.setrlimit(kind, (size, size))
