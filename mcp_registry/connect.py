"""`entry_for`, `render`, `write`: our gateway's entry in a client's configuration file."""

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mcp_registry.clients import Client
from mcp_registry.errors import BadImport, BadServer
from mcp_registry.splice import CannotSplice, put_json, put_toml

NAME = "quartermaster"


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What `write` did. `backup` is the file as it was before; None when there was none, or nothing to change."""

    path: Path
    changed: bool
    backup: Path | None = None


def own_command() -> tuple[str, ...]:
    """How a client can start us: the executable beside this Python, by its absolute path, or this Python with `-m`.

    A client started from a desktop has another PATH than a terminal, so a bare name would often not be found.
    """
    beside = shutil.which(NAME, path=str(Path(sys.executable).parent))
    return (str(Path(beside).absolute()),) if beside else (sys.executable, "-m", NAME)


def entry_for(client: Client, *, home: Path, command: Sequence[str], url: str | None = None) -> dict[str, Any]:
    """The entry in the client's own spelling: `command` with `gateway --home HOME`, or the URL of a running service.

    Example:
        Cursor -> {"command": "/opt/bin/quartermaster", "args": ["gateway", "--home", "/home/me/.quartermaster"]}

    Raises:
        BadServer: the client's file takes commands only, or the URL is none.
    """
    if url is None:
        program, *first = command
        return {**client.stdio, "command": program, "args": [*first, "gateway", "--home", str(home.absolute())]}
    if client.url_key is None:
        raise BadServer(f"{client.title} reads only commands from its file: leave the URL out. {client.hint}")
    if not url.startswith(("http://", "https://")):
        raise BadServer(f"{url!r} is not an http:// or https:// URL")
    return {**client.remote, client.url_key: url}


def render(client: Client, entry: Mapping[str, Any], *, path: Path | None = None) -> str:
    """What to paste, and where: text for a person, with the file's own notation inside."""
    target = path or client.path()
    where = f"Add this to {target}" if target else "Add this to your client's configuration"
    return f"{where} ({client.title}):\n\n{snippet(client, entry)}\n\n{client.hint}"


def snippet(client: Client, entry: Mapping[str, Any]) -> str:
    """A whole file with nothing in it but our entry."""
    if client.notation == "toml":
        return put_toml("", (client.key, NAME), entry).rstrip("\n")
    return json.dumps({client.key: {NAME: entry}}, indent=2, ensure_ascii=False)


def write(client: Client, entry: Mapping[str, Any], *, path: Path | None = None) -> Written:
    """Put the entry into the client's file: all else in it stays, and the file as it was is copied beside it first.

    Raises:
        BadImport: the file cannot be changed without losing something, or cannot be read or written; it is untouched.
        BadServer: the client has no file of its own, and no path is given.
    """
    target = path or client.path()
    if target is None:
        raise BadServer(f"{client.title} has no file of its own; print the entry instead, or say which file")
    # A link is kept, and the file that it points to is changed.
    target = Path(os.path.realpath(target))
    try:
        before = target.read_bytes() if target.exists() else None
        after = _spliced(client, entry, target, before)
        if before == after:
            return Written(path=target, changed=False)
        target.parent.mkdir(parents=True, exist_ok=True)
        backup = _back_up(target) if before is not None else None
        _replace(target, before, after)
    except OSError as error:
        raise BadImport(f"{target} cannot be written: {error.strerror}. {_by_hand(client, entry)}") from error
    return Written(path=target, changed=True, backup=backup)


def _spliced(client: Client, entry: Mapping[str, Any], target: Path, before: bytes | None) -> bytes:
    try:
        text = (before or b"").decode("utf-8")
        put = put_toml if client.notation == "toml" else put_json
        return put(text, (client.key, NAME), entry).encode("utf-8")
    except UnicodeDecodeError:
        reason = "it is not UTF-8 text"
    except CannotSplice as error:
        reason = str(error)
    raise BadImport(f"{target} is left as it is: {reason}. {_by_hand(client, entry)}")


def _by_hand(client: Client, entry: Mapping[str, Any]) -> str:
    return f"Add the entry by hand:\n\n{snippet(client, entry)}"


def _back_up(target: Path) -> Path:
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    backup = target.with_name(f"{target.name}.{stamp}.bak")
    number = 1
    while backup.exists():
        number += 1
        backup = target.with_name(f"{target.name}.{stamp}-{number}.bak")
    shutil.copy2(target, backup)
    return backup


def _replace(target: Path, before: bytes | None, after: bytes) -> None:
    """Put the new content in place at once: a reader sees the old file or the new one, never a part."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(after)
            file.flush()
            os.fsync(file.fileno())
        if before is not None:
            shutil.copymode(target, temporary)
        if (target.read_bytes() if target.exists() else None) != before:
            raise BadImport(f"{target} was changed by somebody else at the same time: try again")
        temporary.replace(target)
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()
