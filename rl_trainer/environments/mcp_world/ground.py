"""`Ground`: what the worlds of one set of servers share: their catalogue and its index, made once."""

import os
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from mcp_registry.access import Access
from mcp_registry.audit import open_audit_trail
from mcp_registry.catalogue import Catalogue, open_catalogue
from mcp_registry.database_url import sqlite_url
from mcp_registry.registry import Registry
from mcp_registry.sessions import open_sessions
from mcp_registry.settings import Settings
from retrieval.embedders import open_embedder
from retrieval.index import ToolIndex, open_index
from rl_trainer.environments.mcp_world.task import WORLD, McpTask
from rl_trainer.errors import WorldFailed

_SETTINGS = Settings()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """An open catalogue with the servers' tools."""

    catalogue: Catalogue
    index: ToolIndex


@asynccontextmanager
async def open_ground(task: McpTask) -> AsyncGenerator[Ground]:
    """The servers are started once, to be asked for their tools.

    Raises:
        WorldFailed: one of them cannot be started or listed; the message says which and why.
    """
    with TemporaryDirectory(prefix="quartermaster-mcp-") as name:
        home = Path(name)
        with open_catalogue(sqlite_url(home / "catalogue.db")) as catalogue:
            for spec in task.specs:
                catalogue.add_server(spec, origin="task")
            index = open_index(home / "index", open_embedder(_SETTINGS.retrieval.model), _SETTINGS.retrieval)
            ground = Ground(catalogue=catalogue, index=index)
            with world_folder(task) as folder:
                async with open_registry_in(ground, folder) as registry:
                    for outcome in await registry.sync():
                        if not outcome.ok:
                            raise WorldFailed(f"server {outcome.server!r} cannot be listed: {outcome.error}")
            yield ground


@asynccontextmanager
async def open_registry_in(ground: Ground, folder: Path) -> AsyncGenerator[Registry]:
    """The production registry over the ground; its servers are its own, and start in the folder when first called."""
    environment = {**os.environ, WORLD: str(folder)}
    async with open_audit_trail(ground.catalogue) as audit, open_sessions(environment=environment) as sessions:
        access = Access(ground.catalogue, _SETTINGS, None)
        yield Registry(access, ground.catalogue, ground.index, sessions, audit)


@contextmanager
def world_folder(task: McpTask) -> Generator[Path]:
    """A folder with the task's files, gone when the block is left."""
    with TemporaryDirectory(prefix="quartermaster-world-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        for path, text in task.files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, "utf-8")
        yield folder
