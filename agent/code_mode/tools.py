"""`Tools`: what a program may call."""

from typing import Any, Protocol


class Tools(Protocol):
    """The tools of a program. `path` is where the program is: the same call has the same path whenever it is run."""

    def has(self, server: str) -> bool:
        """Whether there is a server of that name."""
        ...

    def call(self, server: str, name: str, given: list[Any], named: dict[str, Any], path: str) -> Any:
        """The result of a call.

        Raises:
            NotYet: it is not there yet. ProgramError: it cannot be made so, or it failed.
        """
        ...
