"""Candidates of a search are probed: a synthetic query with a deadline to each that only reads; the verdict is kept."""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mcp_registry.errors import RegistryError
from mcp_registry.policy import Decision
from mcp_registry.server import ServerSpec, transport_to_json
from mcp_registry.synthetic_query import NoQuery, synthetic_query
from mcp_registry.validation import Candidate, Outcome, Verdict, demote, judge, why_not_probed
from retrieval.errors import RetrievalError
from retrieval.hit import Hit
from retrieval.tool import ToolSpec, canonical_json

if TYPE_CHECKING:
    from mcp_registry.registry import Registry

QueryWriter = Callable[[ToolSpec], Awaitable[Mapping[str, Any]]]
"""Writes arguments where the schema gives no values; raises NoQuery or RetrievalError when it cannot."""


async def validated(
    registry: "Registry", found: Sequence[tuple[Hit, ToolSpec]], write: QueryWriter | None = None
) -> list[Candidate]:
    """The hits with a verdict each, those that failed behind all others. Only the first few are probed, at once."""
    first = registry.settings.validation.candidates
    async with asyncio.TaskGroup() as group:
        probes = [group.create_task(verdict_on(registry, tool, write)) for _, tool in found[:first]]
    verdicts = [probe.result() for probe in probes]
    rest = Verdict(outcome=Outcome.NOT_CHECKED, reason=f"it is not among the first {first}")
    verdicts += [rest] * (len(found) - len(verdicts))
    return demote(
        [Candidate(hit=hit, tool=tool, verdict=verdict) for (hit, tool), verdict in zip(found, verdicts, strict=True)]
    )


async def verdict_on(registry: "Registry", tool: ToolSpec, write: QueryWriter | None = None) -> Verdict:
    """The verdict on one tool: the one that is kept, or that of a probe now, which is sent only where it may be."""
    try:
        record = await registry.server(tool.server)
        spec = record.spec if record else None
        reason = why_not_probed(tool, spec)
        if reason is None and registry.decide(tool) is not Decision.ALLOW:
            reason = "the policy lets nobody call it unasked"
        if reason is not None or spec is None:
            return Verdict(outcome=Outcome.NOT_CHECKED, reason=reason or "")
        settings, key = registry.settings.validation, _key(tool, spec)
        kept = await asyncio.to_thread(registry.catalogue.verdict, tool.tool_id, key, settings, now=datetime.now(UTC))
        if kept is not None:
            return kept
        arguments = await _arguments(tool, write)
        verdict = await _probe(registry, tool, arguments)
        await asyncio.to_thread(registry.catalogue.record_verdict, tool.tool_id, key, verdict, at=datetime.now(UTC))
    except (NoQuery, RegistryError, RetrievalError) as error:
        return Verdict(outcome=Outcome.NOT_CHECKED, reason=str(error))
    return verdict


async def _probe(registry: "Registry", tool: ToolSpec, arguments: Mapping[str, Any]) -> Verdict:
    timeout_s = registry.settings.validation.timeout_s
    started = time.monotonic()
    result = await registry.call(tool.tool_id, dict(arguments), timeout_s=timeout_s, probe=True)
    verdict = judge(tool, result, seconds=time.monotonic() - started, timeout_s=timeout_s)
    return replace(verdict, arguments=arguments)


async def _arguments(tool: ToolSpec, write: QueryWriter | None) -> Mapping[str, Any]:
    """Arguments by rules, or else by a writer; what leads out of the tool is left to neither.

    Raises:
        NoQuery, RetrievalError: there are none.
    """
    try:
        return synthetic_query(tool.input_schema)
    except NoQuery as error:
        if write is None or error.unsafe:
            raise
    return await write(tool)


def _key(tool: ToolSpec, spec: ServerSpec) -> str:
    """What a verdict is about: the tool as published, and how its server is launched."""
    launch = canonical_json([tool.fingerprint, transport_to_json(spec.transport)])
    return hashlib.sha256(launch.encode("utf-8", "surrogatepass")).hexdigest()
