"""`Offer`: a server that could be launched, and would be only after the operator enables it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from mcp_registry.server import Transport
from retrieval.card import ServerCard


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchOption:
    """One way to launch an offered server, as its source describes it.

    `needs` are the `${NAME}` references that must be set first, each with what its source says of it.

    Example:
        LaunchOption(label="npm", transport=Stdio(command="npx", args=("-y", "notion-mcp"), env={"KEY": "${KEY}"}),
                     needs={"KEY": "Notion integration token"})
    """

    label: str
    transport: Transport
    needs: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A server card with how it would be launched. Importing one starts nothing.

    `launch` may be empty: the source knows the server but not how to launch it; it is found, and cannot be enabled.
    `about` holds what a reader may want and no code reads: repository, licence, stars, category.
    """

    card: ServerCard
    source: str
    launch: tuple[LaunchOption, ...] = ()
    about: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def name(self) -> str:
        return self.card.name


def how_to_add(name: str, *, launchable: bool) -> str:
    """The command line that an operator types to connect an offered server."""
    return f"quartermaster servers enable {name}" if launchable else f"quartermaster servers add {name} -- COMMAND ARGS"
