"""`Work`: what a worker does, named as `module:function` so that any process can import it."""

import importlib
import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from rl_trainer.errors import RecipeWrong

Work = Callable[[bytes], Awaitable[bytes]]
"""An async function from a job to its result; both are bytes that the caller understands. It may be called at once for
several jobs, in one event loop, and again for a job whose worker died."""


@asynccontextmanager
async def open_work(name: str) -> AsyncGenerator[Work]:
    """The work that a name like "my_package.my_module:work" means, for as long as its process does it.

    The function is the work itself (async), or opens it (an async context manager that yields the work): connections
    and caches of a process belong there.

    Raises:
        RecipeWrong: the module cannot be imported, or has no such function.
    """
    found = _find(name)
    if inspect.iscoroutinefunction(found):
        yield found
        return
    async with found() as work:
        yield work


def _find(name: str) -> Any:
    module, _, function = name.partition(":")
    if not module or not function:
        raise RecipeWrong(f"work {name!r} is not of the form module:function")
    try:
        found: Any = getattr(importlib.import_module(module), function, None)
    except ImportError as error:
        raise RecipeWrong(f"work {name!r}: {module} cannot be imported here: {error}") from error
    opens = inspect.isasyncgenfunction(getattr(found, "__wrapped__", None))
    if not opens and not inspect.iscoroutinefunction(found):
        raise RecipeWrong(f"work {name!r}: {module} has no async function {function!r}, and none that opens one")
    return found
