"""What can go wrong in a run, and who must act.

    AgentError                     base; the operator must act
    ├── MissingExtra               a library of an extra is not installed; the message has the command
    ├── BadAgentSettings           a setting, an option or a request cannot be used as written
    ├── UnknownRun                 no run of that id; the message has the nearest
    ├── WrongMoment                the run is not in a state in which that can be done to it
    ├── StoreError                 the runs' database cannot be opened, read or written
    ├── LlmUnavailable             the language model did not answer within its retries
    │   └── LlmRefused             ... answered that it will not: a bad key, model or request
    ├── AnswerUnusable             it answered, and what it said cannot be used, after a repair was asked for
    └── ModelError                 a local model's weights cannot be fetched, verified or served

What a *model* can mend (an unknown tool, wrong arguments, a rejected call) is an observation of the run, and running
out of a budget is a status: neither is an error.
"""


class AgentError(Exception):
    """Base of every error that this floor raises on purpose."""


class MissingExtra(AgentError):
    """A library that an extra brings is not installed."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs the extra '{extra}': pip install 'quartermaster[{extra}]'")


class BadAgentSettings(AgentError):
    """A setting, an option or a request cannot be used as it is written."""


class UnknownRun(AgentError):
    """No run of that id."""


class WrongMoment(AgentError):
    """The run is not in a state in which that can be done to it."""


class StoreError(AgentError):
    """The runs' database cannot be opened, read or written."""


class LlmUnavailable(AgentError):
    """The language model gave no answer within its retries and their budget."""


class LlmRefused(LlmUnavailable):
    """The endpoint answered that it will not: asking again would not help."""


class AnswerUnusable(AgentError):
    """The model answered, and what it said cannot be used."""


class ModelError(AgentError):
    """A local model's weights cannot be fetched, verified or served."""
