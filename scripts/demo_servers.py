"""Real MCP servers for `make run`: installed from PyPI and npm, each at the version that this script was tried with."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from demo_sandbox import Sandbox

_INSTALL_S = 600.0
_PINS = Path(__file__).resolve().parent.parent / "constraints.txt"

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server as its registry publishes it, and the arguments that it gets here."""

    name: str
    package: str
    command: str
    args: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Servers whose requirements resolve together: one environment holds them all."""

    name: str
    servers: tuple[Server, ...]
    options: tuple[str, ...] = ()
    """What the installer is told besides the packages."""


@dataclass(slots=True)
class Installed:
    """What there is to register, name to argv, and what there is not, name to reason."""

    commands: dict[str, tuple[str, ...]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)


def install_servers(sandbox: Sandbox, *, say: Say) -> Installed:
    """Every server that this machine can have. What is there already is not installed again."""
    found = Installed()
    groups = [_protocol_2(sandbox), _protocol_1(sandbox)]
    if sandbox.repository is None:
        found.missing["git"] = "git is not installed"
    installers = [(group, _install_python) for group in groups]
    node = _node(sandbox)
    if shutil.which("node") and shutil.which("npm"):
        installers.append((node, _install_node))
    else:
        found.missing |= {server.name: "node and npm are not installed" for server in node.servers}
    with ThreadPoolExecutor() as threads:
        running = [threads.submit(install, sandbox.root, group, say) for group, install in installers]
        for result in (future.result() for future in running):
            found.commands |= result.commands
            found.missing |= result.missing
    return found


def _protocol_2(sandbox: Sandbox) -> Group:
    servers = [Server(name="time", package="mcp-server-time==2026.10.19", command="mcp-server-time")]
    if sandbox.repository is not None:
        repository = ("--repository", str(sandbox.repository))
        servers.append(
            Server(name="git", package="mcp-server-git==2026.10.19", command="mcp-server-git", args=repository)
        )
    return Group(name="python-mcp-2", servers=tuple(servers), options=("--constraint", str(_PINS)))


def _protocol_1(sandbox: Sandbox) -> Group:
    return Group(
        name="python-mcp-1",
        servers=(
            Server(
                name="shop",
                package="mcp-server-sqlite==2025.4.25",
                command="mcp-server-sqlite",
                args=("--db-path", str(sandbox.database)),
            ),
            Server(name="calculator", package="mcp-server-calculator==0.2.1", command="mcp-server-calculator"),
            Server(name="units", package="unit-converter-mcp==0.1.2", command="unit-converter-mcp"),
        ),
        # Written for the SDK's first major version, which not all of them say.
        options=("mcp==1.30.0",),
    )


def _node(sandbox: Sandbox) -> Group:
    return Group(
        name="node",
        servers=(
            Server(
                name="files",
                package="@modelcontextprotocol/server-filesystem@2026.8.31",
                command="mcp-server-filesystem",
                args=(str(sandbox.files),),
            ),
            Server(
                name="everything",
                package="@modelcontextprotocol/server-everything@2026.8.31",
                command="mcp-server-everything",
                args=("stdio",),
            ),
        ),
    )


def _install_python(root: Path, group: Group, say: Say) -> Installed:
    """A virtual environment with the group's packages; wheels only, since a machine may have no compiler."""
    folder = root / group.name
    python = folder / "bin" / "python"

    def install(packages: Sequence[str]) -> str | None:
        if not python.exists():
            reason = _run([sys.executable, "-m", "venv", str(folder)])
            if reason:
                return reason
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        return _run([*pip, "--only-binary", ":all:", *packages, *group.options])

    return install_group(group, folder, folder / "bin", install=install, say=say)


def _install_node(root: Path, group: Group, say: Say) -> Installed:
    folder = root / group.name

    def install(packages: Sequence[str]) -> str | None:
        folder.mkdir(parents=True, exist_ok=True)
        npm = ["npm", "install", "--prefix", str(folder), "--no-audit", "--no-fund", "--loglevel=error"]
        return _run([*npm, *packages])

    return install_group(group, folder, folder / "node_modules" / ".bin", install=install, say=say)


def install_group(
    group: Group, folder: Path, bin_folder: Path, *, install: Callable[[Sequence[str]], str | None], say: Say
) -> Installed:
    """The whole group at once; when that fails, one by one, so that a broken one takes no other with it."""
    stamp = folder / "installed.json"
    wanted = [sys.version.split()[0], *group.options, *(server.package for server in group.servers)]
    result = Installed()
    if not _is_stamped(stamp, wanted):
        say(f"installing {', '.join(server.package for server in group.servers)}")
        if install([server.package for server in group.servers]):
            for server in group.servers:
                if reason := install([server.package]):
                    result.missing[server.name] = reason
        if not result.missing:
            stamp.write_text(json.dumps(wanted), encoding="utf-8")
    for server in group.servers:
        if server.name not in result.missing:
            result.commands[server.name] = (str(bin_folder / server.command), *server.args)
    return result


def _is_stamped(stamp: Path, wanted: list[str]) -> bool:
    try:
        return json.loads(stamp.read_text(encoding="utf-8")) == wanted
    except (OSError, ValueError):
        return False


def _run(argv: Sequence[str]) -> str | None:
    """None when the installer succeeded, or its own last word on why it did not."""
    try:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_INSTALL_S, check=False
        )
    except subprocess.TimeoutExpired:
        return f"{argv[0]} did not finish within {_INSTALL_S:.0f} s"
    except OSError as error:
        return str(error)
    if done.returncode == 0:
        return None
    lines = [line.strip() for line in f"{done.stdout}\n{done.stderr}".splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith(("error", "npm error"))]
    return (errors or lines or [f"exit status {done.returncode}"])[0]
