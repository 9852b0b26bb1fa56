"""The three meta-tools: what a client of the gateway sees instead of thousands of tools, and what each answers."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mcp_registry.arguments import ArgumentCheck, WrongArguments, example_of
from mcp_registry.calling import unknown_tool
from mcp_registry.errors import BadFilter
from mcp_registry.facts import filter_of
from mcp_registry.gateway.not_connected import NotConnected
from mcp_registry.policy import Decision
from mcp_registry.registry import Registry
from mcp_registry.result import ToolResult
from mcp_registry.settings import GatewaySettings
from retrieval.calibration import nothing_fits
from retrieval.filters import Filter
from retrieval.hit import Hit
from retrieval.tool import ToolSpec, canonical_json

DETAILS = ("names", "summary", "full")
MAX_QUERIES = 8
_SUMMARY_CHARACTERS = 200
NOTHING_FITS = "No tool fits well: these are only the nearest. Search again in other words, or go on without a tool."


def definitions(settings: GatewaySettings) -> list[dict[str, Any]]:
    """The meta-tools as published. They depend on settings only, so a client's prompt cache stays warm."""
    return [
        {
            "name": "search_tools",
            "title": "Search tools",
            "description": (
                "Find tools by what they do. Say the task in plain words, e.g. 'what time is it in Tokyo' or 'create "
                "an issue on GitHub'. Returns the best matches, best first, each with the tool_id and the input "
                "schema that call_tool needs. Search again in other words when nothing fits."
            ),
            "inputSchema": {
                "type": "object",
                "properties": {
                    "query": {"type": "string", "minLength": 1, "description": "The task, in plain words"},
                    "queries": {
                        "type": "array",
                        "items": {"type": "string", "minLength": 1},
                        "maxItems": MAX_QUERIES,
                        "description": "In place of query: one a step of the task; each gets its share of the k",
                    },
                    "k": {
                        "type": "integer",
                        "minimum": 1,
                        "maximum": settings.max_k,
                        "default": settings.default_k,
                        "description": "How many tools to return",
                    },
                    "detail": {
                        "type": "string",
                        "enum": list(DETAILS),
                        "default": "full",
                        "description": "names: ids only; summary: with a short description; full: ready to call",
                    },
                    "servers": {
                        "type": "array",
                        "items": {"type": "string"},
                        "description": "Only of these servers, e.g. ['git', 'fs*']",
                    },
                    "tags": {"type": "array", "items": {"type": "string"}, "description": "Only with one of these"},
                    "read_only": {"type": "boolean", "description": "Only tools that change nothing"},
                },
                "additionalProperties": False,
            },
            "annotations": {"readOnlyHint": True, "openWorldHint": False, "idempotentHint": True},
        },
        {
            "name": "describe_tools",
            "title": "Describe tools",
            "description": "The full definitions of tools whose ids you know: description, input and output schema.",
            "inputSchema": {
                "type": "object",
                "properties": {
                    "ids": {
                        "type": "array",
                        "items": {"type": "string"},
                        "minItems": 1,
                        "maxItems": 50,
                        "description": "Tool ids as search_tools gives them: 'server/tool'",
                    }
                },
                "required": ["ids"],
                "additionalProperties": False,
            },
            "annotations": {"readOnlyHint": True, "openWorldHint": False, "idempotentHint": True},
        },
        {
            "name": "call_tool",
            "title": "Call a tool",
            "description": (
                "Call a tool that search_tools found. The answer is the tool's own, unchanged. Wrong arguments are "
                "answered with what is valid."
            ),
            "inputSchema": {
                "type": "object",
                "properties": {
                    "tool_id": {"type": "string", "description": "'server/tool', as search_tools gives it"},
                    "arguments": {"type": "object", "description": "As the tool's input schema says"},
                },
                "required": ["tool_id"],
                "additionalProperties": False,
            },
            "annotations": {"readOnlyHint": False, "openWorldHint": True},
        },
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtraTool:
    """A tool that a floor above adds to the gateway: as it is published, and what answers its checked arguments."""

    definition: dict[str, Any]
    call: Callable[[dict[str, Any]], Awaitable[ToolResult]]


class MetaTools:
    """Answers calls of the meta-tools over one registry. Whatever a model can mend comes back as a result."""

    def __init__(self, registry: Registry, extra: Sequence[ExtraTool] = ()) -> None:
        self._registry = registry
        self._settings = registry.settings.gateway
        self._not_connected = NotConnected(registry)
        self._extra = {tool.definition["name"]: tool for tool in extra}
        self.published = [*definitions(self._settings), *(tool.definition for tool in extra)]
        self._checks = {tool["name"]: ArgumentCheck(tool["inputSchema"]) for tool in self.published}

    async def call(
        self, name: str, arguments: Mapping[str, Any] | None, meta: Mapping[str, Any] | None = None
    ) -> ToolResult:
        """Answer one call. A tool's id in place of a meta-tool's name is taken as a call of that tool."""
        given = dict(arguments or {})
        if name not in self._checks:
            if "/" in name:
                return await self._registry.call(name, given, meta=meta)
            known = ", ".join(self._checks)
            return ToolResult.error(
                f"{unknown_tool(name, await self._registry.nearest(name))}. This gateway has {known}."
            )
        try:
            # The arguments of call_tool's tool are checked against that tool's own schema, whatever form they have.
            inner = given.pop("arguments", None) if name == "call_tool" else None
            fitting = self._checks[name].fit(given)
        except WrongArguments as error:
            return ToolResult.error(f"wrong arguments for {name!r}:\n{error}")
        match name:
            case "search_tools":
                return await self._search(**fitting)
            case "describe_tools":
                return await self._describe(fitting["ids"])
            case "call_tool":
                return await self._registry.call(fitting["tool_id"], inner, meta=meta)
            case _:
                return await self._extra[name].call(fitting)

    async def _search(
        self, query: str = "", queries: Sequence[str] = (), k: int | None = None, detail: str = "full", **limits: Any
    ) -> ToolResult:
        asked = [*([query] if query else []), *queries]
        if not asked:
            return ToolResult.error("wrong arguments for 'search_tools':\nquery: missing; say the task in plain words")
        only = filter_of(**{name: value for name, value in limits.items() if value})
        try:
            found = await self._found(asked, k or self._settings.default_k, only if only != Filter() else None)
        except BadFilter as error:
            return ToolResult.error(f"{error}. Search again without that limit, or with the right name.")
        answer: dict[str, Any] = {"tools": [await self._entry(hit, tool, detail) for hit, tool in found]}
        if nothing_fits([hit for hit, _ in found], self._registry.settings.retrieval.fit_threshold):
            answer["note"] = NOTHING_FITS
        if only == Filter() and len(asked) == 1:
            best = max((hit.score for hit, _ in found), default=0.0)
            if servers := await self._not_connected.better_than(best, asked[0]):
                answer["not_connected"] = servers
        return _structured(answer)

    async def _found(self, asked: Sequence[str], k: int, only: Filter | None) -> list[tuple[Hit, ToolSpec]]:
        validation = self._registry.settings.validation
        if not validation.in_gateway:
            return await self._registry.search(asked, k, only=only)
        # What fails is put last, so that something must stand in reserve for its place.
        found = await self._registry.search(asked, k + validation.candidates, only=only)
        return [(each.hit, each.tool) for each in (await self._registry.validated(found))[:k]]

    async def _describe(self, ids: list[str]) -> ToolResult:
        tools = await self._registry.tools(ids)
        unknown = [id_ for id_ in dict.fromkeys(ids) if id_ not in tools]
        answer: dict[str, Any] = {"tools": [await self._full(tools[id_]) for id_ in dict.fromkeys(ids) if id_ in tools]}
        if unknown:
            answer["unknown"] = [{"tool_id": id_, "nearest": await self._registry.nearest(id_)} for id_ in unknown]
        result = _structured(answer)
        return result if tools else ToolResult({**result.raw, "isError": True})

    async def _entry(self, hit: Hit, tool: ToolSpec, detail: str) -> dict[str, Any]:
        match detail:
            case "names":
                return {"tool_id": hit.id, "score": round(hit.score, 4)}
            case "summary":
                summary = " ".join(tool.description.split())[:_SUMMARY_CHARACTERS]
                return {"tool_id": hit.id, "description": summary, "score": round(hit.score, 4)}
            case _:
                entry = await self._full(tool)
                entry["example"] = {"tool_id": tool.tool_id, "arguments": example_of(tool.input_schema)}
                entry["score"] = round(hit.score, 4)
                entry["why"] = why(hit)
                return entry

    async def _full(self, tool: ToolSpec) -> dict[str, Any]:
        entry = _definition(tool)
        if tool.server not in await self._registry.startable():
            entry["callable"] = False
        elif self._registry.settings.policy.ask:
            await self._registry.server(tool.server)  # so that deciding has nothing to read
            if self._registry.decide(tool) is Decision.ASK:
                entry["needs_approval"] = True
        return entry


def why(hit: Hit) -> str:
    """Why a hit was found, in one line."""
    parts = [f"meaning {hit.signals.get('dense', 0.0):.2f}"]
    if hit.words:
        parts.append(f"words {', '.join(hit.words)} ({hit.signals.get('lexical', 0.0):.2f})")
    return "; ".join(parts)


def _definition(tool: ToolSpec) -> dict[str, Any]:
    entry: dict[str, Any] = {"tool_id": tool.tool_id}
    if tool.title:
        entry["title"] = tool.title
    entry["description"] = tool.description
    entry["input_schema"] = tool.input_schema
    if tool.output_schema is not None:
        entry["output_schema"] = tool.output_schema
    if tool.annotations:
        entry["annotations"] = tool.annotations
    return entry


def _structured(value: dict[str, Any]) -> ToolResult:
    """The value as structured content, and as the text that clients without it read."""
    return ToolResult({"content": [{"type": "text", "text": canonical_json(value)}], "structuredContent": value})
