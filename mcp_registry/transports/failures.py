"""Whatever goes wrong on the way to a server and back, as the floor's errors. The only place that says so."""

from collections.abc import Callable

from mcp.shared.exceptions import MCPError
from pydantic import ValidationError

from mcp_registry.errors import DeadlineExceeded, ProtocolFailure, RegistryError, Unreachable
from mcp_registry.server import Http, ServerSpec, Stdio
from mcp_registry.transports.link import HttpRefused, Lost, TimedOut
from mcp_registry.transports.redaction import place

_HOW_TO_GET = {
    "bunx": "Bun",
    "deno": "Deno",
    "docker": "Docker",
    "node": "Node.js",
    "npx": "Node.js",
    "uv": "uv",
    "uvx": "uv",
}
_HINTS = {
    401: "it wants to know who asks: give it an Authorization header",
    403: "it refuses this caller: check the Authorization header and what it permits",
    404: "no MCP endpoint is at this URL: check its path (often /mcp or /sse)",
    405: "it does not speak this transport at this URL: check the path, and whether its type is sse",
    429: "it is asked too often: wait a while",
}
_SAID_CHARACTERS = 800


class NotSent(Unreachable):
    """The connection was gone before the request left: it certainly did not run, and may be sent again."""


def explain_opening(spec: ServerSpec, error: Exception, *, hide: Callable[[str], str], said: str = "") -> RegistryError:
    """Why a server could not be opened. `spec` is resolved; `hide` takes the secrets out again."""
    server = f"server {spec.name!r}"
    printed = _printed(said)
    match error:
        case TimeoutError() | TimedOut():
            said_limit = f"within {spec.limits.open_s:g} s of its start; if it needs longer, raise its limit open_s"
            return DeadlineExceeded(hide(f"{server} did not answer {said_limit}{printed}"))
        case Lost():
            transport = spec.transport
            how = f"cannot be reached at {place(transport.url)}" if isinstance(transport, Http) else "did not start"
            return Unreachable(hide(f"{server} {how}: {error.message}{printed}"))
        case HttpRefused():
            return _refused(spec, error, hide)
        case MCPError():
            text = f"{server} refused the opening handshake: {error.message} (code {error.code}){printed}"
            return ProtocolFailure(hide(text), code=error.code, data=error.data)
        case ValidationError():
            fields = ", ".join(".".join(map(str, part["loc"])) for part in error.errors()[:3])
            return Unreachable(hide(f"{server} answered the opening handshake with something invalid: {fields}"))
        case OSError() | ValueError() if isinstance(spec.transport, Stdio):
            return Unreachable(hide(f"{server} did not start: {_why_not_started(spec.transport, error)}"))
        case _:
            return Unreachable(hide(f"{server} cannot be used: {error}{printed}"))


def explain(
    spec: ServerSpec, error: MCPError, *, doing: str, hide: Callable[[str], str], said: str = ""
) -> RegistryError:
    """Why a request over an open connection failed. `doing` names it: "tools/call 'echo'"."""
    server = f"server {spec.name!r}"
    printed = _printed(said)
    match error:
        case Lost(sent=False):
            return NotSent(hide(f"{server} went away before {doing} was sent: {error.message}{printed}"))
        case Lost():
            text = f"{server} went away during {doing}, so its outcome is unknown: {error.message}{printed}"
            return Unreachable(hide(text))
        case TimedOut():
            return DeadlineExceeded(hide(f"{server} did not answer {doing} within {error.seconds:.3g} s"))
        case HttpRefused():
            return _refused(spec, error, hide)
        case _:
            text = f"{server} answered {doing} with an error: {error.message} (code {error.code})"
            return ProtocolFailure(hide(text), code=error.code, data=error.data)


def _printed(said: str) -> str:
    """The last whole lines of what a server printed."""
    end = said[-_SAID_CHARACTERS:]
    whole = end.partition("\n")[2] if len(said) > len(end) else end
    return f"; it printed: {whole or end}" if said else ""


def _refused(spec: ServerSpec, error: HttpRefused, hide: Callable[[str], str]) -> Unreachable:
    where = f" at {place(spec.transport.url)}" if isinstance(spec.transport, Http) else ""
    hint = _HINTS.get(error.status) or ("it failed: see its own log" if error.status >= 500 else "")
    text = f"server {spec.name!r}{where} answered {error.message}" + (f"; {hint}" if hint else "")
    return Unreachable(hide(text))


def _why_not_started(stdio: Stdio, error: Exception) -> str:
    if isinstance(error, FileNotFoundError | NotADirectoryError) and stdio.cwd and error.filename == stdio.cwd:
        return f"its working directory {stdio.cwd} does not exist"
    if isinstance(error, FileNotFoundError):
        get = _HOW_TO_GET.get(stdio.command)
        how = f"install {get}, or" if get else "install it and"
        return f"the command {stdio.command!r} is not on the PATH; {how} give its full path"
    if isinstance(error, PermissionError):
        return f"the command {stdio.command!r} may not be executed: check its permissions"
    return str(error)
