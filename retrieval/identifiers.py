"""Identifiers as people would say them: names of tools, of parameters and of servers."""

import re

_PIECE = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\dA-Za-z_]+")

_SAYS_NOTHING = frozenset({"mcp", "server", "servers", "api", "apis"})
"""Words of server names that tell no two servers apart."""


def spoken(identifier: str) -> list[str]:
    """An identifier as separate lower-case words, none stemmed or dropped.

    Example:
        "getUserByID" -> ["get", "user", "by", "id"];  "HTTPServer.list-files" -> ["http", "server", "list", "files"]
    """
    return [piece.lower() for piece in _PIECE.findall(identifier)]


def product_name(server: str) -> str:
    """What a server is for, from its name: the last of dotted parts, in words that tell servers apart.

    Example:
        "toucan_servers.adalovu-mcp-playwright" -> "adalovu playwright";  "github-mcp-server" -> "github"
    """
    last = server.rsplit(".", 1)[-1]
    return " ".join(word for word in spoken(last) if word not in _SAYS_NOTHING) or " ".join(spoken(server))
