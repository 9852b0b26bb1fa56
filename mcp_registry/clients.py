"""`Client`: where an MCP client keeps its servers, and how it writes one down."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from mcp_registry.errors import BadServer

System = Literal["linux", "macos", "windows"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """One client. `paths` are relative to the user's home; `key` is where the servers stand in the file.

    `url_key` is how it spells a remote server's URL; None when its file takes commands only. `stdio` and `remote` are
    the parts that it wants in an entry of that kind besides.

    Example:
        Client(name="vscode", title="VS Code", paths={"linux": ".config/Code/User/mcp.json"}, key="servers",
               stdio={"type": "stdio"}, remote={"type": "http"})
    """

    name: str
    title: str
    paths: Mapping[System, str] = field(default_factory=dict[System, str])
    key: str = "mcpServers"
    url_key: str | None = "url"
    stdio: Mapping[str, str] = field(default_factory=dict[str, str])
    remote: Mapping[str, str] = field(default_factory=dict[str, str])
    notation: Literal["json", "toml"] = "json"
    hint: str = "Restart it, and ask it to search for a tool."

    def path(self, *, home: Path | None = None, system: System | None = None) -> Path | None:
        """Its configuration file for this user; None for a client without a file of its own."""
        relative = self.paths.get(system or this_system())
        return (home or Path.home()) / relative if relative else None


def this_system() -> System:
    """The kind of machine that we run on."""
    if sys.platform == "darwin":
        return "macos"
    return "windows" if os.name == "nt" else "linux"


def client_of(name: str) -> Client:
    """The client of that name.

    Raises:
        BadServer: there is none; the message has the nearest name and all known ones.
    """
    if name in CLIENTS:
        return CLIENTS[name]
    near = get_close_matches(name.lower(), CLIENTS, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    raise BadServer(f"client {name!r} is not known{hint} Known clients: {', '.join(CLIENTS)}")


def _everywhere(path: str) -> dict[System, str]:
    return {"linux": path, "macos": path, "windows": path}


def _of_application(path: str) -> dict[System, str]:
    return {
        "linux": f".config/{path}",
        "macos": f"Library/Application Support/{path}",
        "windows": f"AppData/Roaming/{path}",
    }


_ALL = (
    Client(
        name="claude-desktop",
        title="Claude Desktop",
        paths=_of_application("Claude/claude_desktop_config.json"),
        url_key=None,
        hint="Quit it completely and start it again. Remote servers are added in its settings, under Connectors.",
    ),
    Client(
        name="claude-code",
        title="Claude Code",
        paths=_everywhere(".claude.json"),
        stdio={"type": "stdio"},
        remote={"type": "http"},
        hint="Start a new session; /mcp shows the server.",
    ),
    Client(name="cursor", title="Cursor", paths=_everywhere(".cursor/mcp.json")),
    Client(
        name="vscode",
        title="VS Code",
        paths=_of_application("Code/User/mcp.json"),
        key="servers",
        stdio={"type": "stdio"},
        remote={"type": "http"},
        hint="Run 'MCP: List Servers' from the command palette.",
    ),
    Client(
        name="windsurf", title="Windsurf", paths=_everywhere(".codeium/windsurf/mcp_config.json"), url_key="serverUrl"
    ),
    Client(name="gemini", title="Gemini CLI", paths=_everywhere(".gemini/settings.json"), url_key="httpUrl"),
    Client(name="codex", title="Codex", paths=_everywhere(".codex/config.toml"), key="mcp_servers", notation="toml"),
    Client(
        name="zed",
        title="Zed",
        paths={
            "linux": ".config/zed/settings.json",
            "macos": ".config/zed/settings.json",
            "windows": "AppData/Roaming/Zed/settings.json",
        },
        key="context_servers",
        stdio={"source": "custom"},
        hint="The agent panel's settings show the server.",
    ),
    Client(name="generic", title="any client that reads mcpServers", hint="Put it into your client's configuration."),
)
CLIENTS: Mapping[str, Client] = {client.name: client for client in _ALL}
