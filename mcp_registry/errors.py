"""What can go wrong between us and the servers, and who must act.

    RegistryError                  base; the operator must act
    ├── BadServer                  a server's entry cannot be used as written (name, command, URL)
    ├── UnknownServer              no server of that name; the message has the nearest names
    ├── UnknownTool                no tool of that id; the message has the nearest ids
    ├── NotStartable               an offer that is not enabled, or definitions without a server behind them
    ├── MissingSecret              `${NAME}` is not in the environment
    ├── BadImport                  a file to import cannot be read as any known form
    ├── BadSettings                a key or a value of the settings is wrong
    ├── BadFilter                  a search is limited to a server, tag, trust or profile that is not there
    ├── CatalogueError             the database cannot be opened or migrated
    ├── Unreachable                the server did not start, answer or stay up; says why
    │   └── DeadlineExceeded       ... did not answer in time
    └── ProtocolFailure            the server answered with a protocol error (JSON-RPC code kept)

What a *model* can mend (an unknown tool, wrong arguments) is never raised past the gateway: it is a `ToolResult`
with `is_error`.
"""


class RegistryError(Exception):
    """Base of every error that this floor raises on purpose."""


class BadServer(RegistryError):
    """A server's entry cannot be used as it is written."""


class UnknownServer(RegistryError):
    """No server of that name is registered or offered."""


class UnknownTool(RegistryError):
    """No tool of that id is in the catalogue, as an operator named it."""


class NotStartable(RegistryError):
    """The server is known, but there is nothing that we may start."""


class MissingSecret(RegistryError):
    """A `${NAME}` reference has no value in the environment."""


class BadImport(RegistryError):
    """A file to import cannot be read as any known form."""


class BadSettings(RegistryError):
    """A key or a value of the settings is wrong."""


class BadFilter(RegistryError):
    """A search is limited to something that is not there; the message has the nearest."""


class CatalogueError(RegistryError):
    """The catalogue's database cannot be opened or migrated."""


class Unreachable(RegistryError):
    """The server did not start, did not answer, or went away.

    `unknown`: a call was sent and may have run. Otherwise it certainly did not.
    """

    unknown: bool = False


class DeadlineExceeded(Unreachable):
    """The server did not answer within the caller's deadline."""


class ProtocolFailure(RegistryError):
    """The server answered with a JSON-RPC error; `code` and `data` are the server's."""

    def __init__(self, message: str, *, code: int, data: object = None) -> None:
        super().__init__(message)
        self.code = code
        self.data = data
