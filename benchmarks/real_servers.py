"""Real MCP servers from PyPI and npm: installed, synced in one run, and their sample calls answered by the gateway.

What is measured: for each server of servers.json whether it installs, how many tools one `servers sync` finds against
how many the file lists, and whether its sample calls are answered through `quartermaster gateway` (stdio) and
`quartermaster serve` (HTTP) as a client of the MCP SDK that is connected to the server directly gets them answered.
A direct answer is asked for twice: where the two differ (a clock, say), only the form of the answer is compared.

Environments and packages are kept in the work folder, so that only the first run installs.
Example: .venv/bin/python benchmarks/real_servers.py --only time git --work /tmp/real
"""

import argparse
import asyncio
import json
import logging
import shutil
import subprocess
import sys
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from _answers import Answers, ask_directly, ask_gateway, judge
from _installs import Installed, Listed, install, read_servers
from _machine import SHARED, machine_line, stopwatch, table
from _quartermaster import CommandFailed, CommandLine, serve

FILES_PORT = 8098
"""Where the sample call of the server `fetch` finds the sandbox's files."""


def main(options: argparse.Namespace) -> int:
    print(machine_line())
    logging.getLogger("mcp").setLevel(logging.CRITICAL)  # some servers say goodbye on stdout, and the SDK logs each
    if not options.servers.exists():
        print(f"skipped: there is no {options.servers}")
        return 0
    work: Path = options.work
    work.mkdir(parents=True, exist_ok=True)
    sandbox = work / "sandbox"
    servers = [
        server for server in read_servers(options.servers, sandbox) if not options.only or server.name in options.only
    ]
    with stopwatch() as installing:
        installed = install(servers, work / "installs")
    print(f"\n{len(installed.programs)} of {len(servers)} servers are installed ({installing.seconds:.0f} s)\n")
    there = [server for server in servers if server.name in installed.programs]

    command_line = CommandLine(work / "home")
    shutil.rmtree(command_line.home, ignore_errors=True)
    make_sandbox(options.servers, sandbox)
    with stopwatch() as adding:
        for server in there:
            command_line.add(server.name, str(installed.programs[server.name]), *server.args, env=server.env)
    with stopwatch() as syncing:
        outcomes = {entry["name"]: entry for entry in json.loads(command_line.run("servers", "sync", "--json"))}
    found = sum(outcome["tools"] for outcome in outcomes.values())
    print(
        f"`servers add` of {len(there)}: {adding.seconds:.1f} s; one `servers sync`: {syncing.seconds:.1f} s, "
        f"{found} tools\n"
    )
    answers = asyncio.run(ask(there, installed, command_line, options.servers))
    report(servers, installed, outcomes, answers)
    return 0


async def ask(
    servers: Sequence[Listed], installed: Installed, command_line: CommandLine, listed_in: Path
) -> dict[str, Answers]:
    """The answers to all sample calls, by who was asked; each pass finds the sandbox as it was when it was new."""
    work = command_line.home.parent
    sandbox, log = work / "sandbox", work / "servers.log"
    answers: dict[str, Answers] = {}
    for number in (1, 2):
        make_sandbox(listed_in, sandbox)
        with files_served(sandbox / "files"):
            answers[f"direct {number}"] = await ask_directly(servers, installed.programs, log)
    for name in ("stdio", "HTTP"):
        make_sandbox(listed_in, sandbox)
        http = serve(command_line, log=log) if name == "HTTP" else nullcontext(None)
        with files_served(sandbox / "files"), http as gateway, stopwatch() as asking:
            target = gateway.url if gateway else command_line.gateway
            answers[name] = await ask_gateway(servers, target, log)
        print(f"{sum(map(len, answers[name].values()))} calls over {name}: {asking.seconds:.1f} s", flush=True)
    return answers


def report(
    servers: Sequence[Listed], installed: Installed, outcomes: dict[str, Any], answers: dict[str, Answers]
) -> None:
    """One row a server, then everything that is not as it should be."""
    rows: list[list[str]] = []
    remarks: list[str] = []
    for server in servers:
        if server.name in installed.missing:
            rows.append([server.name, server.registry, "not installed", "", "", "", "", ""])
            remarks.append(f"{server.name} is not installed: {installed.missing[server.name]}")
            continue
        outcome = outcomes[server.name]
        remarks += _problems_of(server, outcome)
        row = [server.name, server.registry]
        row += ["-" if server.tools is None else str(server.tools), str(outcome["tools"])]
        row += [str(len(outcome["set_aside"])), f"{outcome['seconds']:.1f}"]
        for way in ("stdio", "HTTP"):
            verdicts = judge(server, answers, way)
            good = sum(verdict.good for verdict in verdicts)
            row.append(f"{good}/{len(verdicts)}")
            remarks += [f"{server.name}, over {way}: {verdict.remark}" for verdict in verdicts if verdict.remark]
        rows.append(row)
    print()
    print(table(["server", "registry", "tools listed", "found", "set aside", "sync s", "stdio", "HTTP"], rows))
    print("\nRemarks:" if remarks else "\nno deviation")
    for remark in remarks:
        print(f"- {' '.join(remark.split())[:500]}")


def _problems_of(server: Listed, outcome: dict[str, Any]) -> list[str]:
    problems: list[str] = []
    if outcome["error"]:
        problems.append(f"{server.name} was not synced: {outcome['error']}")
    elif server.tools is not None and outcome["tools"] != server.tools:
        problems.append(f"{server.name}: {outcome['tools']} tools instead of {server.tools}")
    problems += [f"{server.name}: {entry['name']} is set aside: {entry['reason']}" for entry in outcome["set_aside"]]
    return problems


def make_sandbox(listed_in: Path, sandbox: Path) -> None:
    """The small world of the sample calls, as make_sandbox.py beside the list makes it."""
    shutil.rmtree(sandbox, ignore_errors=True)
    sandbox.mkdir(parents=True)
    subprocess.run([sys.executable, str(listed_in.with_name("make_sandbox.py")), str(sandbox)], check=True)


@contextmanager
def files_served(folder: Path) -> Generator[None]:
    """The folder at http://127.0.0.1:8098/ until the block ends."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's own name
            pass

    with ThreadingHTTPServer(("127.0.0.1", FILES_PORT), partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--servers", type=Path, default=SHARED / "servers" / "servers.json", help="the list of servers")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="only these of them")
    parser.add_argument(
        "--work", type=Path, default=Path("~/.cache/quartermaster-bench/real").expanduser(), help="a folder to keep"
    )
    return parser.parse_args()


if __name__ == "__main__":
    try:
        sys.exit(main(_options()))
    except CommandFailed as error:
        sys.exit(str(error))
