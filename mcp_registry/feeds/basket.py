"""`Basket`: gathers what a file holds, entry by entry, and says what was left out."""

from collections.abc import Mapping, Sequence

from mcp_registry.errors import BadServer
from mcp_registry.feeds import Feed
from mcp_registry.feeds.hide import Variables, hide_secrets
from mcp_registry.feeds.name import Names
from mcp_registry.offer import LaunchOption, Offer
from mcp_registry.server import Limits, ServerSpec, Transport, as_server_name
from retrieval.card import ServerCard
from retrieval.tool import ToolSpec

_SHOWN = 5


class Basket:
    """Fills a `Feed`. Names are unique in it; entries that share a fate are told of in one line."""

    def __init__(self) -> None:
        self._names = Names()
        self._variables = Variables()
        self._servers: list[ServerSpec] = []
        self._offers: list[Offer] = []
        self._tools: dict[str, ToolSpec] = {}
        self._homes: dict[str, str] = {}
        self._problems: list[str] = []
        self._notes: list[str] = []
        self._left_out: dict[str, list[str]] = {}
        self._kept: dict[str, list[str]] = {}

    def problem(self, text: str) -> None:
        self._problems.append(text)

    def note(self, text: str) -> None:
        self._notes.append(text)

    def left_out(self, reason: str, name: str) -> None:
        """Count an entry that is left out for a reason that others share."""
        self._left_out.setdefault(reason, []).append(name)

    def kept(self, remark: str, name: str) -> None:
        """Count an entry that is kept with a remark that others share."""
        self._kept.setdefault(remark, []).append(name)

    def add_server(self, wanted: str, transport: Transport, limits: Limits | None = None) -> None:
        """Add an entry of a client's configuration; its literal secrets are replaced, and told of by name."""
        name = self._names.take(wanted)
        if name != wanted:
            self.note(f"server {wanted!r} is called {name!r} here")
        hidden = hide_secrets(transport, server=name, variables=self._variables)
        try:
            spec = ServerSpec(name=name, transport=hidden.transport, limits=limits or Limits())
        except BadServer as error:
            self.problem(str(error))
            return
        self._servers.append(spec)
        for variable, where in hidden.variables.items():
            self.note(f"server {name!r}: the literal value of {where} is not kept; export {variable}=... instead")

    def add_offer(
        self,
        wanted: str,
        *,
        source: str,
        card: Mapping[str, object],
        launch: Sequence[LaunchOption] = (),
        about: Mapping[str, object] | None = None,
    ) -> None:
        """Add a server that may be launched some day. `card` has title, description, tags and tool_names."""
        known = {key: str(value) for key, value in (about or {}).items() if value not in (None, "", False)}
        self._offers.append(
            Offer(card=_card(self._offer_name(wanted), card), source=source, launch=tuple(launch), about=known)
        )

    def add_tool(self, tool: ToolSpec, where: str) -> None:
        """Add a definition; a second one of the same id is left out."""
        if tool.tool_id in self._tools:
            self.problem(f"{where}: tool {tool.tool_id!r} is already defined; the first definition is kept")
        else:
            self._tools[tool.tool_id] = tool

    def home_of(self, server: str) -> str:
        """The server name that definitions of this server go under: its own, if that is allowed."""
        if server not in self._homes:
            self._homes[server] = self._names.take(server)
            if self._homes[server] != server:
                self.kept("called otherwise here, as no server's name may be so", f"{server} -> {self._homes[server]}")
        return self._homes[server]

    def feed(self, form: str) -> Feed:
        for reason, names in self._left_out.items():
            self.problem(f"{_counted(names)} left out: {reason}")
        for remark, names in self._kept.items():
            self.note(f"{_counted(names)}: {remark}")
        return Feed(
            form=form,
            servers=tuple(self._servers),
            offers=tuple(self._offers),
            tools=tuple(self._tools.values()),
            problems=tuple(self._problems),
            notes=tuple(self._notes),
        )

    def _offer_name(self, wanted: str) -> str:
        name = self._names.take(wanted)
        if name != as_server_name(wanted):
            self.kept("called otherwise here, as an earlier entry has the name", f"{wanted} -> {name}")
        return name


def _card(name: str, known: Mapping[str, object]) -> ServerCard:
    title, description = known.get("title"), known.get("description")
    tags, tools = known.get("tags"), known.get("tool_names")
    return ServerCard(
        name=name,
        title=title.strip() if isinstance(title, str) and title.strip() else None,
        description=description.strip() if isinstance(description, str) else "",
        tags=_texts(tags),
        tool_names=_texts(tools),
    )


def _texts(values: object) -> tuple[str, ...]:
    if not isinstance(values, list | tuple):
        return ()
    return tuple(dict.fromkeys(text.strip() for text in values if isinstance(text, str) and text.strip()))


def _counted(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    return f"{len(names)} ({shown}{', ...' if len(names) > _SHOWN else ''})"
