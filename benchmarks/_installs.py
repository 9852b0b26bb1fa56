"""Real servers from the package registries: what servers.json lists, installed into folders that are kept."""

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_INSTALL_S = 900.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One entry of servers.json. `calls` are (tool, arguments); `tools` is None where its listing is broken."""

    name: str
    registry: str
    package: str
    version: str
    command: str
    args: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    tools: int | None = None
    calls: tuple[tuple[str, dict[str, Any]], ...] = ()
    requirements: tuple[str, ...] = ()
    """What it needs beside its own package."""


@dataclass(slots=True)
class Installed:
    """The program of each server by name, and why others have none."""

    programs: dict[str, Path] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)


def read_servers(file: Path, sandbox: Path) -> list[Listed]:
    """The servers of a file like servers.json, with `{sandbox}` filled in."""
    entries = json.loads(file.read_text("utf-8").replace("{sandbox}", str(sandbox)))
    return [
        Listed(
            name=name,
            registry=entry["registry"],
            package=entry["package"],
            version=entry["version"],
            command=entry["command"],
            args=tuple(entry["args"]),
            env=entry["env"],
            tools=entry["tools"],
            calls=tuple((tool, arguments) for tool, arguments in entry["calls"]),
            requirements=tuple(entry.get("with", ())),
        )
        for name, entry in entries.items()
    ]


def install(servers: Sequence[Listed], work: Path) -> Installed:
    """Every server that this machine can have; what is there already is not installed again."""
    groups: dict[tuple[str, ...], list[Listed]] = {}
    for server in servers:
        if server.registry == "pypi":
            groups.setdefault(server.requirements, []).append(server)
    npm = [server for server in servers if server.registry == "npm"]
    found = Installed()
    with ThreadPoolExecutor(2) as threads:
        jobs = [threads.submit(_python_group, group, work) for group in groups.values()]
        jobs.append(threads.submit(_node, npm, work))
        for job in jobs:
            found.programs |= job.result().programs
            found.missing |= job.result().missing
    return found


def _python_group(group: Sequence[Listed], work: Path) -> Installed:
    """One environment for all that resolve together; one each when they do not."""
    members = hashlib.sha256(repr(sorted(server.name for server in group)).encode()).hexdigest()[:8]
    together = _venv(group, work / f"venv-{members}")
    if not together.missing or len(group) == 1:
        return together

    def alone(server: Listed) -> Installed:
        return _venv([server], work / f"venv-for-{server.name}")

    found = Installed()
    with ThreadPoolExecutor(2) as threads:
        for one in threads.map(alone, group):
            found.programs |= one.programs
            found.missing |= one.missing
    return found


def _venv(servers: Sequence[Listed], folder: Path) -> Installed:
    wanted = sorted({f"{server.package}=={server.version}" for server in servers})
    wanted += sorted({text for server in servers for text in server.requirements})
    python = folder / "bin" / "python"

    def run() -> str | None:
        if not python.exists() and (reason := _reason([sys.executable, "-m", "venv", str(folder)])):
            return reason
        return _reason([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted])

    return _installed(servers, folder / "bin", _once(folder / "tried.json", wanted, run, keep_failure=len(servers) > 1))


def _node(servers: Sequence[Listed], work: Path) -> Installed:
    """One npm prefix for all; those that cannot be had are tried one by one."""
    if not servers or not shutil.which("npm"):
        return Installed(missing={server.name: "npm is not on this machine" for server in servers})
    together = _npm(servers, work / "node")
    if not together.missing:
        return together
    found = Installed()
    for server in servers:
        one = _npm([server], work / f"node-for-{server.name}")
        found.programs |= one.programs
        found.missing |= one.missing
    return found


def _npm(servers: Sequence[Listed], folder: Path) -> Installed:
    wanted = [f"{server.package}@{server.version}" for server in servers]
    npm = ["npm", "install", "--prefix", str(folder), "--no-audit", "--no-fund", "--loglevel=error", *wanted]
    reason = _once(folder / "tried.json", wanted, lambda: _reason(npm), keep_failure=len(servers) > 1)
    return _installed(servers, folder / "node_modules" / ".bin", reason)


def _installed(servers: Sequence[Listed], programs: Path, reason: str | None) -> Installed:
    found = Installed()
    for server in servers:
        if reason is None and (programs / server.command).exists():
            found.programs[server.name] = programs / server.command
        else:
            found.missing[server.name] = reason or f"{server.package} has no program {server.command!r}"
    return found


def _once(stamp: Path, wanted: list[str], run: Callable[[], str | None], *, keep_failure: bool) -> str | None:
    """Install what is wanted unless that was done before. Requirements that did not agree will not agree today."""
    asked = [sys.version.split()[0], *wanted]
    try:
        tried = json.loads(stamp.read_text("utf-8"))
        if tried["wanted"] == asked:
            return tried["reason"]
    except (OSError, ValueError):
        pass
    print(f"installing {', '.join(wanted)}", file=sys.stderr, flush=True)
    stamp.parent.mkdir(parents=True, exist_ok=True)
    reason = run()
    if reason is None or keep_failure:
        stamp.write_text(json.dumps({"wanted": asked, "reason": reason}), "utf-8")
    return reason


def _reason(argv: Sequence[str]) -> str | None:
    """None when a command succeeded, or its own word on why it did not."""
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_INSTALL_S)
    except subprocess.TimeoutExpired:
        return f"{argv[0]} did not finish within {_INSTALL_S:.0f} s"
    if done.returncode == 0:
        return None
    lines = [line.strip() for line in f"{done.stdout}\n{done.stderr}".splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith(("error", "npm error"))]
    return (errors or lines or [f"exit status {done.returncode}"])[0]
