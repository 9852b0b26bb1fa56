"""Argument values in a query: paths and addresses say what to work on, not which tool does it."""

import re

_ADDRESS = re.compile(r"\b(?:https?|ftp|wss?)://\S+|\bwww\.\S+", re.IGNORECASE)
_MAIL = re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b")
_PATH = re.compile(
    r"(?<![\w/.])(?:~|\.{1,2})?/[\w.\-@]+(?:/[\w.\-@]*)*"  # /a/b, ./a, ../a, ~/a
    r"|\b[A-Za-z]:\\[\w.\\\- ]+\w"  # C:\a\b
    r"|\b[\w\-]+(?:/[\w.\-]+)+\.\w{1,5}\b"  # a/b.c
)
_HOST = re.compile(r"^(?:\w+://)?(?:[^/@\s]*@)?(?:www\.)?([^/:?#\s]+)", re.IGNORECASE)
_EXTENSION = re.compile(r"\.(\w{1,5})\W*$")


def without_values(query: str) -> str:
    """The query with paths and addresses cut down to what speaks of a tool: a host's name, a file's extension.

    A file's folders are words that many tools have and that mean nothing here. Cut down to nothing, the query
    stays as it is.

    Example:
        "Read ./test/src/main.py"                    -> "Read py"
        "Summarise https://www.youtube.com/watch?v=x" -> "Summarise youtube"
        "Mail ada@example.org"                       -> "Mail"
    """
    if not any(sign in query for sign in "/\\@") and "www." not in query:
        return query
    cut = _ADDRESS.sub(lambda found: _host(found[0]), query)
    cut = _MAIL.sub(" ", cut)
    cut = _PATH.sub(lambda found: _extension(found[0]), cut)
    return cut if cut.strip() else query


def _host(address: str) -> str:
    """The name that a host is known by: without www, without the top-level domain."""
    found = _HOST.match(address)
    labels = found[1].split(".") if found else []
    return " " + " ".join(labels[:-1] if len(labels) > 1 else labels) + " "


def _extension(path: str) -> str:
    found = _EXTENSION.search(path)
    return f" {found[1]} " if found else " "
