"""/tools: search the catalogue and read definitions, for the page and for people with curl."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from mcp_registry.registry import Registry
from retrieval.tool import ToolSpec


def catalogue_router(registry: Registry) -> APIRouter:
    """The routes over a registry, through its one policy check."""
    router = APIRouter(tags=["catalogue"])

    @router.get("/tools", summary="Find tools by what they do, in plain words")
    async def search(
        query: Annotated[str, Query(min_length=1)], k: Annotated[int, Query(ge=1, le=50)] = 10
    ) -> dict[str, Any]:
        found = await registry.search(query, k)
        startable = await registry.startable()
        return {
            "tools": [
                {**_shown(tool), "score": round(hit.score, 4), "callable": tool.server in startable}
                for hit, tool in found
            ]
        }

    return router


def _shown(tool: ToolSpec) -> dict[str, Any]:
    return {
        "tool_id": tool.tool_id,
        "title": tool.title,
        "description": tool.description,
        "input_schema": tool.input_schema,
        "annotations": tool.annotations,
    }
