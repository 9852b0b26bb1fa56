"""The validation step on real servers: how many tools may be probed, and how many working ones a probe rejects.

What is measured, over the servers of servers.json that are installed in the work folder: the share of tools that may
be probed as their servers publish them, and the share if the operator says that a server only reads (for the servers
named with --read-only); the verdicts; the seconds a probe takes, the first of a server (its start included) apart from
the others. A rejection is false when the same tool answers its sample call of servers.json without an error.

Nothing is installed here: run real_servers.py with the same --work first.
Example: .venv/bin/python benchmarks/validation.py --work /tmp/real --read-only time calculator
"""

import argparse
import asyncio
import shutil
import time
from collections import Counter
from pathlib import Path
from typing import Any

from _installs import Listed, install, read_servers
from _machine import SHARED, machine_line, percentile, table
from real_servers import make_sandbox

from mcp_registry.home import Home
from mcp_registry.probing import verdict_on
from mcp_registry.registry import Registry, open_registry
from mcp_registry.server import ServerSpec, Stdio
from mcp_registry.settings import Settings, ValidationSettings
from mcp_registry.validation import Outcome, Verdict
from retrieval.tool import ToolSpec

SETTINGS = Settings(validation=ValidationSettings(timeout_s=20.0))


async def main(options: argparse.Namespace) -> None:
    print(machine_line())
    if not options.servers.exists() or not (options.work / "installs").exists():
        print("skipped: run real_servers.py with the same --work first")
        return
    sandbox, home = options.work / "sandbox", options.work / "validation-home"
    listed = read_servers(options.servers, sandbox)
    programs = install(listed, options.work / "installs").programs if options.install else _there(listed, options.work)
    make_sandbox(options.servers, sandbox)
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    there = {server.name: server for server in listed if server.name in programs}
    async with open_registry(Home(home), SETTINGS) as registry:
        for server in there.values():
            transport = Stdio(command=str(programs[server.name]), args=server.args, env=server.env)
            reads = server.name in options.read_only
            registry.catalogue.add_server(
                ServerSpec(name=server.name, transport=transport, read_only=reads), origin="benchmark"
            )
        await registry.sync()
        tools = list(registry.catalogue.all_tools())
        verdicts, seconds = await probe(registry, tools)
        false = await falsely_rejected(registry, there, tools, verdicts)
    report(tools, verdicts, seconds, false)


async def probe(registry: Registry, tools: list[ToolSpec]) -> tuple[dict[str, Verdict], dict[str, float]]:
    """The verdict on every tool, one after another, and how long each took that was probed."""
    verdicts: dict[str, Verdict] = {}
    seconds: dict[str, float] = {}
    for tool in tools:
        started = time.perf_counter()
        verdicts[tool.tool_id] = await verdict_on(registry, tool)
        if verdicts[tool.tool_id].outcome is not Outcome.NOT_CHECKED:
            seconds[tool.tool_id] = time.perf_counter() - started
    return verdicts, seconds


async def falsely_rejected(
    registry: Registry, servers: dict[str, Listed], tools: list[ToolSpec], verdicts: dict[str, Verdict]
) -> dict[str, bool]:
    """Of each rejected tool that has a sample call: whether that call works."""
    samples: dict[str, dict[str, Any]] = {
        f"{server.name}/{name}": arguments for server in servers.values() for name, arguments in server.calls
    }
    rejected = [tool.tool_id for tool in tools if verdicts[tool.tool_id].outcome is Outcome.FAILED]
    return {id_: not (await registry.call(id_, samples[id_])).is_error for id_ in rejected if id_ in samples}


def report(
    tools: list[ToolSpec], verdicts: dict[str, Verdict], seconds: dict[str, float], false: dict[str, bool]
) -> None:
    outcomes = Counter(verdict.outcome.value for verdict in verdicts.values())
    print(f"\n{len(tools)} tools\n")
    rows = [[outcome, str(number), f"{number / len(tools):.1%}"] for outcome, number in outcomes.most_common()]
    print(table(["verdict", "tools", "share"], rows))
    reasons = Counter(
        verdict.reason.split("'")[0] if "needs" in verdict.reason else verdict.reason for verdict in verdicts.values()
    )
    print()
    print(table(["reason", "tools"], [[reason, str(number)] for reason, number in reasons.most_common() if reason]))
    times = sorted(seconds.values())
    print(f"\nseconds a probe: p50 {percentile(times, 0.5):.3f}, p95 {percentile(times, 0.95):.3f}")
    print(f"rejected with a sample call: {len(false)}, of which the sample call works: {sum(false.values())}")
    for id_, verdict in verdicts.items():
        if verdict.outcome is Outcome.FAILED:
            print(f"- {id_} {dict(verdict.arguments)}: {verdict.reason}" + (" (false)" if false.get(id_) else ""))


def _there(listed: list[Listed], work: Path) -> dict[str, Path]:
    """The programs that are in the work folder by now."""
    folders = [*(work / "installs").glob("venv-*/bin"), *(work / "installs").glob("node*/node_modules/.bin")]
    own = {server.name: work / "installs" / f"venv-for-{server.name}" / "bin" / server.command for server in listed}
    found = {name: program for name, program in own.items() if program.exists()}
    for server in listed:
        for folder in folders:
            if "venv-for-" not in str(folder) and (folder / server.command).exists():
                found.setdefault(server.name, folder / server.command)
    return found


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--servers", type=Path, default=SHARED / "servers" / "servers.json", help="the list of servers")
    parser.add_argument("--read-only", nargs="*", default=[], metavar="NAME", help="servers that are said to only read")
    parser.add_argument("--install", action="store_true", help="install what is missing")
    parser.add_argument(
        "--work", type=Path, default=Path("~/.cache/quartermaster-bench/real").expanduser(), help="a folder to keep"
    )
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(main(_options()))
