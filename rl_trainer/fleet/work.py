"""`Work`: what a worker does, named as `module:function` so that any process can import it."""

import importlib
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from rl_trainer.errors import RecipeWrong

Work = Callable[[bytes], Awaitable[bytes]]
"""An async function from a job to its result; both are bytes that the caller understands. It may be called at once for
several jobs, in one event loop, and again for a job whose worker died."""


def find_work(name: str) -> Work:
    """The function that a name like "my_package.my_module:work" means.

    Raises:
        RecipeWrong: the module cannot be imported, or has no such async function.
    """
    module, _, function = name.partition(":")
    if not module or not function:
        raise RecipeWrong(f"work {name!r} is not of the form module:function")
    try:
        found: Any = getattr(importlib.import_module(module), function, None)
    except ImportError as error:
        raise RecipeWrong(f"work {name!r}: {module} cannot be imported here: {error}") from error
    if not inspect.iscoroutinefunction(found):
        raise RecipeWrong(f"work {name!r}: {module} has no async function {function!r}")
    return found
