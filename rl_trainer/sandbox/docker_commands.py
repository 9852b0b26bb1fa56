"""What is said to the docker program, and what its answers mean: pure, so that it is checked without a daemon."""

import io
import math
import posixpath
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass

from rl_trainer.errors import DiskFull
from rl_trainer.sandbox.docker_settings import DockerSettings
from rl_trainer.sandbox.sandbox import Limits

NO_DAEMON = (
    "Cannot connect to the Docker daemon",
    "permission denied while trying to connect",
    "docker daemon running",
)
NO_IMAGE = ("No such image", "pull access denied", "manifest unknown", "not found", "Unable to find image")
MISSING, OUTSIDE, FOLDER, FULL = 66, 67, 68, 69

READ = """
[ -e "$1" ] || exit 66
path=$(realpath "$1") || exit 67
case "$path" in "$(pwd -P)"/*) ;; *) exit 67 ;; esac
[ -d "$path" ] && exit 68
[ -f "$path" ] || exit 67
exec head -c "$2" "$path"
"""
WRITE = """
root=$(pwd -P)
name=$1
shift
for folder in "$@"; do
  [ -d "$folder" ] || mkdir "$folder" || exit 69
  cd -P "$folder" || exit 67
  case "$(pwd -P)/" in "$root"/*) ;; *) exit 67 ;; esac
done
[ -d "$name" ] && exit 68
[ -L "$name" ] && exit 67
[ -e "$name" ] && [ ! -f "$name" ] && exit 67
cat > "$name" || exit 69
"""
PACK = "exec tar -cf - ."
UNPACK = "find . -mindepth 1 -delete; exec tar -xf - ."
SWEEP = """
kill -9 -1 2> /dev/null
for file in memory.events cpu.stat cpu.pressure; do cat "/sys/fs/cgroup/$file" 2> /dev/null; done
exit 0
"""
# The first process outlives `kill -9 -1`, and buries orphans while it waits.
_WAIT = "while :; do sleep 3600 & wait; done"
_LIMIT = 'ulimit -t {cpu}; ulimit -f {file}; ulimit -c 0; exec "$0" -c "$1"'
_ALWAYS = {
    "HOME": "/tmp",  # noqa: S108 - in the container
    "LC_ALL": "C.UTF-8",
    "TZ": "UTC",
    "PAGER": "cat",
    "PYTHONHASHSEED": "0",
    "PYTHONDONTWRITEBYTECODE": "1",
}
_COMPLAINTS = ("Error response from daemon", *NO_DAEMON)
_XCPU, _XFSZ, _KILLED = 152, 153, 137


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What a container has used so far. waited_s: it wanted a CPU and had none; NaN where the kernel does not say."""

    cpu_s: float = 0.0
    waited_s: float = math.nan
    out_of_memory: int = 0

    def since(self, before: "Used") -> "Used":
        """What was used in between."""
        return Used(
            cpu_s=self.cpu_s - before.cpu_s,
            waited_s=self.waited_s - before.waited_s,
            out_of_memory=self.out_of_memory - before.out_of_memory,
        )


def start(name: str, settings: DockerSettings, limits: Limits) -> list[str]:
    """The command that starts a container which waits for commands."""
    memory = f"{limits.memory_mb}m"
    fence = ["--network", "none", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
    sizes = ["--memory", memory, "--memory-swap", memory, "--pids-limit", str(limits.processes + 8)]
    sizes += ["--cpus", str(settings.cpus), "--ulimit", "core=0", "--ulimit", "nofile=512"]
    disk = f"rw,exec,nosuid,nodev,mode=1777,size={limits.disk_mb}m"
    disks = ["--tmpfs", f"/tmp:{disk}"]  # noqa: S108
    if not settings.keep_workdir:
        disks = ["--read-only", *disks, "--tmpfs", f"{settings.workdir}:{disk}"]
    who = ["--user", settings.user] if settings.user else []
    label = ["--label", "quartermaster.sandbox=1", "--hostname", "sandbox", "--workdir", settings.workdir]
    wait = ["--entrypoint", settings.shell, settings.image, "-c", _WAIT]
    return [settings.program, "run", "--detach", "--name", name, *fence, *sizes, *disks, *who, *label, *wait]


def run_in(name: str, settings: DockerSettings, limits: Limits, *, command: str, env: Mapping[str, str]) -> list[str]:
    """The command that runs a command in a container."""
    variables = [part for key, value in {**_ALWAYS, **env}.items() for part in ("--env", f"{key}={value}")]
    prelude = _LIMIT.format(cpu=max(1, math.ceil(limits.cpu_s)), file=limits.file_mb * 2048)
    where = ["--workdir", settings.workdir, *variables, name]
    return [settings.program, "exec", *where, settings.shell, "-c", prelude, settings.shell, command]


def script_in(name: str, settings: DockerSettings, script: str, *arguments: str, reads: bool = False) -> list[str]:
    """The command that runs one of our own scripts in a container."""
    how = ["--interactive"] if reads else []
    where = ["--workdir", settings.workdir, name]
    return [settings.program, "exec", *how, *where, settings.shell, "-c", script, settings.shell, *arguments]


def inspect(name: str, settings: DockerSettings) -> list[str]:
    """The command that says `true` where the container runs."""
    return [settings.program, "inspect", "--format", "{{.State.Running}}", name]


def remove(name: str, settings: DockerSettings) -> list[str]:
    """The command that removes a container with all that is in it."""
    return [settings.program, "rm", "--force", "--volumes", name]


def read_used(said: str) -> Used:
    """From the lines of memory.events, cpu.stat and cpu.pressure (cgroup v2)."""
    cpu_s, waited_s, killed = 0.0, math.nan, 0
    for line in said.splitlines():
        match line.split():
            case ["usage_usec", microseconds]:
                cpu_s = int(microseconds) / 1e6
            case ["oom_kill", times]:
                killed = int(times)
            case ["some", *_, total] if total.startswith("total="):
                waited_s = int(total.removeprefix("total=")) / 1e6
            case _:
                pass
    return Used(cpu_s=cpu_s, waited_s=waited_s, out_of_memory=killed)


def what_killed(code: int, used: Used) -> str:
    """Which limit ended a command that ended by itself."""
    if code == _KILLED and used.out_of_memory:
        return "memory"
    return {_XCPU: "cpu", _XFSZ: "file"}.get(code, "")


def who_took_the_time(used: Used, limits: Limits) -> str:
    """cpu: it computed too long. idle: it slept. wall: it wanted to go on, and the machine was not there for it."""
    if used.cpu_s >= limits.cpu_s:
        return "cpu"
    return "idle" if used.cpu_s + used.waited_s < 0.1 * limits.wall_s else "wall"


def complains_of_daemon(code: int | None, output: str) -> bool:
    """Whether this may be docker's own failure; a command could print the same, so the container is asked then."""
    return code in (1, 125, None) and any(sign in output for sign in _COMPLAINTS)


def unpacked(packed: bytes, *, most: int) -> dict[str, bytes]:
    """The regular files of a tar archive, by path; hard links as the files that they are."""
    found: dict[str, bytes] = {}
    left = most
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        for member in archive:
            if not (member.isreg() or member.islnk()):
                continue
            opened = archive.extractfile(member)
            content = opened.read(left + 1) if opened else b""
            left -= len(content)
            if left < 0:
                raise DiskFull(f"{member.name}: with it the files have more than the {most:,} bytes that a disk holds")
            found[posixpath.normpath(member.name)] = content
    return dict(sorted(found.items()))
