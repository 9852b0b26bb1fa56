"""Which tool a small local model chooses: by search over all real tools, against prompts with all of a catalogue.

Requests: plain ones with labels (mcp_union), drawn once. A row is a catalogue and a way of equipping the model:

  all        every tool of the catalogue stands in the prompt
  rag-mcp    the k best tools for the request stand in it
  scalemcp   the model first writes what it searches for, then chooses among what is found: two calls

The catalogues: all 21,300 tools; and for each size N, N tools: a right one for each of a group of requests (N/2 at
most), the rest drawn at random from the others, so most of them are far from the request. Prompts are the product's,
the answer is held to its JSON schema, greedy, one sample. Tools are shown as the product's short cards.

right: the tool called is one of those that the labels accept. found: one of them stood in the prompt. first: the first
tool in the prompt was one of them, which for a search is its best hit: what a model must beat to be of use. valid: the
arguments fit the tool's schema, of all requests. tokens: of the prompts of one request; new: those of them that the
server had not kept from before. s: from request to choice, search included. A row ends early when its time is over
(--row-seconds): `n` says how many requests it has. The index is kept in the work folder.

Models must be pulled, or given as GGUF files: quartermaster models pull qwen2.5-coder-0.5b
Example: .venv/bin/python benchmarks/tool_choice.py --queries 10 --sizes 10 50 --models qwen2.5-coder-0.5b
"""

import argparse
import asyncio
import json
import random
import statistics
import sys
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from _machine import machine_line, table
from _union import SEED, Request, built_index, read_requests, read_tools

from agent.action_schema import action_schema
from agent.deps import Deps
from agent.endpoint import LlmSettings, open_llm
from agent.errors import BadAgentSettings, LlmUnavailable
from agent.event import RunStarted
from agent.llm import LLM, Ask, JsonShape, Purpose
from agent.models import Serving, local_settings, open_local_model, pulled
from agent.options import Options
from agent.prompts import briefing
from agent.state import fold
from agent.strategies import by_name
from agent.testing import SimpleToolbox
from agent.thinking import Thinking
from agent.tool_cards import cards
from mcp_registry.arguments import ArgumentCheck, WrongArguments
from mcp_registry.home import find_home
from retrieval.index import ToolIndex
from retrieval.multi import search_many
from retrieval.tool import ToolId, ToolSpec

Way = Literal["all", "rag-mcp", "scalemcp"]
_MOST_TOKENS = 220
_HEADS = ["model", "catalogue", "way", "n", "found", "first", "right", "valid", "tokens", "new", "s p50", "s mean"]


@dataclass(frozen=True, kw_only=True)
class Tried:
    """One request: what stood in the prompt, what was chosen, what it took."""

    found: bool
    first: bool
    right: bool
    valid: bool
    tokens: int
    new: int
    seconds: float


class Catalogue(SimpleToolbox):
    """Some of the tools, searched by the product's index. Nothing is called here."""

    def __init__(self, tools: Mapping[ToolId, ToolSpec], index: ToolIndex) -> None:
        super().__init__([(tool, lambda arguments: "") for tool in tools.values()])
        self.ids: Collection[ToolId] = tools.keys()
        self._index = index

    async def search(self, queries: Sequence[str], k: int) -> list[ToolSpec]:
        def one(query: str, k: int) -> Any:
            return self._index.search(query, k, kind="tools", allow=self.ids.__contains__)

        hits = await asyncio.to_thread(search_many, one, list(queries), k)
        return list((await self.tools([hit.id for hit in hits])).values())


async def main(options: argparse.Namespace) -> None:
    home = find_home(options.home)
    missing = [name for name in options.models if not name.endswith(".gguf") and name not in pulled(home)]
    if missing:
        print(f"skipped: {', '.join(missing)} must be pulled first: quartermaster models pull NAME", file=sys.stderr)
        return
    machine = machine_line()
    print(machine, file=sys.stderr if options.json else sys.stdout)
    tools, same = read_tools()
    requests = read_requests(options.queries, tools)
    options.work.mkdir(parents=True, exist_ok=True)
    index = built_index(options.work / "index", tools)
    rows: list[dict[str, Any]] = []
    for model in options.models:
        serving = Serving(context=options.context, threads=options.threads)
        async with (
            open_local_model(model, home=home, serving=serving) as local,
            open_llm(
                local_settings(local, LlmSettings(timeout_s=1_800.0, budget_s=1_800.0, attempts=1)),
                profile_file=options.work / "profiles.json",
            ) as llm,
        ):
            for size, way in plan_of(options, len(tools)):
                row = await measured(llm, way, catalogues(size, requests, tools, same, index), options)
                rows.append({"model": local.model, "catalogue": size, "way": way, **row})
                print(f"{local.model}, {size:,} tools, {way}: {row}", file=sys.stderr, flush=True)
    if options.json:
        print(json.dumps({"machine": machine, "k": options.k, "context": options.context, "rows": rows}))
    else:
        asked = f"{len(requests)} requests, k = {options.k}, context {options.context:,} tokens"
        print(f"\n{asked}\n\n{table(_HEADS, [cells(row) for row in rows])}\n")
        print("\n".join(dict.fromkeys(row["problem"] for row in rows if "problem" in row)))


def plan_of(options: argparse.Namespace, every: int) -> Iterator[tuple[int, Way]]:
    yield every, "rag-mcp"
    yield every, "scalemcp"
    for size in options.sizes:
        yield size, "all"
        if options.search_small:
            yield size, "rag-mcp"
    yield every, "all"


async def measured(
    llm: LLM, way: Way, groups: Iterator[tuple[Catalogue, list[Request]]], options: argparse.Namespace
) -> dict[str, Any]:
    """The row of a table; `problem` says why there is nothing in it."""
    tried: list[Tried] = []
    started = time.monotonic()
    for catalogue, requests in groups:
        for request in requests:
            if tried and time.monotonic() - started > options.row_seconds:
                break
            try:
                tried.append(await choose(llm, way, catalogue, request, options.k))
            except BadAgentSettings as problem:
                return {"n": 0, "problem": str(problem)}
            except LlmUnavailable as problem:
                everything = (await catalogue.tools()).values()
                return {"n": len(tried), "problem": f"{problem} (the cards have {len(cards(everything)):,} characters)"}
    return summary(tried)


def summary(tried: Sequence[Tried]) -> dict[str, Any]:
    count = len(tried)
    return {
        "n": count,
        "found": sum(each.found for each in tried) / count,
        "first": sum(each.first for each in tried) / count,
        "right": sum(each.right for each in tried) / count,
        "valid": sum(each.valid for each in tried) / count,
        "tokens": statistics.mean(each.tokens for each in tried),
        "new": statistics.mean(each.new for each in tried),
        "s_p50": statistics.median(each.seconds for each in tried),
        "s_mean": statistics.mean(each.seconds for each in tried),
    }


def cells(row: Mapping[str, Any]) -> list[str]:
    start = [row["model"], f"{row['catalogue']:,}", row["way"], str(row["n"])]
    if "problem" in row:
        return [*start, *["-"] * 4, "does not fit", *["-"] * 3]
    shares = [f"{row[name]:.0%}" for name in ("found", "first", "right", "valid")]
    return [
        *start,
        *shares,
        f"{row['tokens']:,.0f}",
        f"{row['new']:,.0f}",
        f"{row['s_p50']:.1f}",
        f"{row['s_mean']:.1f}",
    ]


async def choose(llm: LLM, way: Way, catalogue: Catalogue, request: Request, k: int) -> Tried:
    """One request, from its words to a tool and its arguments."""
    chosen = Options(planner="react", equipment=way, memory="full", k=k)
    deps = Deps(llm=llm, toolbox=catalogue)
    run = Thinking("run", fold([RunStarted(goal=request.text, options=chosen)]), deps, by_name(chosen, llm))
    started = time.perf_counter()
    shown = await run.equipment.tools(run)
    if way == "scalemcp":
        said = await ask(run, [], can_search=True)
        await run.equipment.search(run, [str(query) for query in said.get("search", [request.text])])
        shown = await run.equipment.tools(run)
    said = await ask(run, shown, can_search=False) if shown else {}
    seconds = time.perf_counter() - started
    tool = next((tool for tool in shown if tool.tool_id == said.get("tool")), None)
    return Tried(
        first=bool(shown) and shown[0].tool_id in request.right,
        found=any(each.tool_id in request.right for each in shown),
        right=tool is not None and tool.tool_id in request.right,
        valid=tool is not None and is_valid(tool, said.get("arguments")),
        tokens=run.state.usage.encoded,
        new=run.state.usage.net_encoded,
        seconds=seconds,
    )


async def ask(run: Thinking, tools: Sequence[ToolSpec], *, can_search: bool) -> dict[str, Any]:
    """What the model says, as the product asks it; cut short where it writes without end."""
    schema = action_schema(tools, can_search=can_search, can_finish=False)
    shape = JsonShape(schema=schema, name="action")
    answer = await run.sample(briefing(run, tools), Ask(purpose=Purpose.ACT, max_tokens=_MOST_TOKENS, shape=shape))
    try:
        said = json.loads(answer.text)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def is_valid(tool: ToolSpec, arguments: object) -> bool:
    try:
        ArgumentCheck(tool.input_schema).fit(arguments)
    except WrongArguments:
        return False
    return True


def catalogues(
    size: int,
    requests: Sequence[Request],
    tools: Mapping[ToolId, ToolSpec],
    same: Mapping[ToolId, str],
    index: ToolIndex,
) -> Iterator[tuple[Catalogue, list[Request]]]:
    """Catalogues of so many tools, each with the requests that it has a right tool for. No distractor is right too."""
    if size >= len(tools):
        yield Catalogue(tools, index), list(requests)
        return
    dice = random.Random(SEED + size)
    ids = sorted(tools)
    share = max(1, size // 2)
    for start in range(0, len(requests), share):
        group = list(requests[start : start + share])
        needed = list(dict.fromkeys(min(request.right) for request in group))
        taken = {same[id_] for request in group for id_ in request.right}
        drawn = (id_ for id_ in dice.sample(ids, len(ids)) if same[id_] not in taken)
        chosen = {id_: tools[id_] for id_ in (*needed, *(next(drawn) for _ in range(size - len(needed))))}
        yield Catalogue(chosen, index), group


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--models", nargs="+", default=["qwen2.5-coder-0.5b"], help="names of pulled models, GGUF files"
    )
    parser.add_argument("--queries", type=int, default=40)
    parser.add_argument("--sizes", type=int, nargs="*", default=[10, 50, 100, 200, 400])
    parser.add_argument("--search-small", action="store_true", help="search in the small catalogues too")
    parser.add_argument("--k", type=int, default=8)
    parser.add_argument("--context", type=int, default=32_768)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--row-seconds", type=float, default=900.0)
    parser.add_argument("--home", type=Path, default=None, help="the state folder with the pulled models")
    parser.add_argument("--work", type=Path, default=Path(".bench/tool_choice"))
    parser.add_argument("--json", action="store_true")
    asyncio.run(main(parser.parse_args()))
