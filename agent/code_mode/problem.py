"""What stops a program, and what only pauses it."""


class ProgramError(Exception):
    """The program is wrong, or something it did failed; the model is told, and may mend it. `line` counts from 1."""

    catchable = True

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line

    def __str__(self) -> str:
        return f"line {self.line}: {self.message}" if self.line else self.message


class ToolFailed(ProgramError):
    """A tool answered with an error; a program may catch it."""


class Stopped(ProgramError):
    """A bound was reached, or nobody knows whether a call ran: no program may catch this."""

    catchable = False


class NotYet(Exception):
    """The result of a call is not there yet. `side_by_side`: calls after it may be made at the same time."""

    def __init__(self, *, side_by_side: bool) -> None:
        super().__init__()
        self.side_by_side = side_by_side


class SearchWanted(Exception):
    """The program asks for other tools; it is written anew when they are there."""

    def __init__(self, queries: tuple[str, ...]) -> None:
        super().__init__()
        self.queries = queries
