"""`Names`: server names that are allowed and that no other entry of the same feed has."""

import re

from mcp_registry.server import as_server_name

_LONGEST = 200


class Names:
    """Hands out server names. The first to ask for a name gets it; others get `-2`, `-3`, ... at its end.

    Example:
        names.take("acme/time") -> "acme-time";  names.take("acme time") -> "acme-time-2"
    """

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def take(self, text: str) -> str:
        wanted = as_server_name(text)
        name, number = wanted, 1
        while name in self._taken:
            number += 1
            ending = f"-{number}"
            name = wanted[: _LONGEST - len(ending)] + ending
        self._taken.add(name)
        return name


def as_variable(*texts: str) -> str:
    """The nearest name of an environment variable to some texts, joined; allowed names are kept as they are.

    Example:
        "slack bot", "Authorization" -> "SLACK_BOT_AUTHORIZATION";  "302AI_API_KEY" -> "_302AI_API_KEY";
        "notionApiKey" -> "notionApiKey";  "exa", "apiKey" -> "EXA_API_KEY"
    """
    if len(texts) == 1 and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", texts[0]):
        return texts[0]
    words = re.findall(r"[A-Za-z0-9]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", " ".join(texts)))
    name = "_".join(words).upper() or "VALUE"
    return f"_{name}" if name[0].isdigit() else name


def words(text: str) -> frozenset[str]:
    """A vocabulary, written as one text."""
    return frozenset(text.split())
