"""What a process that runs goals needs, opened from a state folder: model, tools, journal, checkpoints."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from agent.abandoned import mark_abandoned
from agent.checkpoints import open_checkpointer
from agent.deps import Deps, Listener
from agent.model_choice import ModelChoice, open_model
from agent.registry_toolbox import RegistryToolbox
from agent.store import journal_url, open_journal
from mcp_registry.home import Home
from mcp_registry.registry import Registry, open_registry
from mcp_registry.settings import load_settings
from retrieval.vector_store import Progress


@asynccontextmanager
async def open_deps(
    home: Home,
    choice: ModelChoice,
    *,
    listen: Listener | None = None,
    on_text: Callable[[str, str], None] | None = None,
    profile: str | None = None,
    progress: Progress | None = None,
) -> AsyncGenerator[tuple[Deps, Registry]]:
    """Deps over the registry, the journal and the checkpoints of a state folder, and the registry itself.

    Raises:
        AgentError: there is no model, or a database that cannot be opened. RegistryError: as `open_registry`.
    """
    async with AsyncExitStack() as stack:
        llm = await stack.enter_async_context(open_model(home, choice))
        registry = await stack.enter_async_context(
            open_registry(home, load_settings(home), profile=profile, progress=progress)
        )
        url = journal_url(home)
        journal = await stack.enter_async_context(open_journal(url))
        await mark_abandoned(journal)
        checkpointer = await stack.enter_async_context(open_checkpointer(home))
        yield (
            Deps(
                llm=llm,
                toolbox=RegistryToolbox(registry),
                journal=journal,
                checkpointer=checkpointer,
                listen=listen,
                on_text=on_text,
            ),
            registry,
        )
