"""Names of tools as endpoints take them: letters, digits, `_` and `-`, at most 64. Tool ids have a `/`, and more."""

import hashlib
import re
from collections.abc import Iterable, Mapping

_TAKEN = re.compile(r"[A-Za-z0-9_-]{1,64}")
_OTHER = re.compile(r"[^A-Za-z0-9-]+")


def wire_name(tool_id: str) -> str:
    """The same name for the same id always, so that prompts stay the same; different ones for different ids.

    `git/git_log` is `git__git_log`. An id of which that cannot be told back (a long one, other letters, `__` in the
    server's name) is written with a hash, and without any `__`: the two kinds cannot meet.
    """
    server, slash, name = tool_id.partition("/")
    plain = f"{server}__{name}" if slash else tool_id
    clear = "__" not in server and not server.endswith("_")
    if clear and _TAKEN.fullmatch(plain):
        return plain
    digest = hashlib.sha256(tool_id.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{_OTHER.sub('_', tool_id)[:46].strip('_')}-{digest}"


def ids_by_wire_name(tool_ids: Iterable[str]) -> Mapping[str, str]:
    """What each name that an endpoint gives back stands for."""
    return {wire_name(tool_id): tool_id for tool_id in tool_ids}
