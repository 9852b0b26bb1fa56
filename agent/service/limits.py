"""What a request may choose: any option of a run, but no laxer approval than the service's own."""

from collections.abc import Mapping
from typing import Any

from agent.errors import BadAgentSettings
from agent.options import Options
from agent.options_given import with_options

_LAXER = ("ask", "untainted", "all")
_READS = ("all", "copied", "off")


def requested(defaults: Options, given: Mapping[str, Any]) -> Options:
    """The options of a run that a client asks for, over the service's own.

    Raises:
        BadAgentSettings: no such option, a value that it cannot have, or one that would ask people less than the
            operator has set.
    """
    options = with_options(defaults, given)
    if _LAXER.index(options.approve) > _LAXER.index(defaults.approve):
        raise BadAgentSettings(
            f"approve={options.approve!r} is laxer than this service allows ({defaults.approve!r}): the operator sets "
            "agent.approve"
        )
    if _READS.index(options.guard_reads) > _READS.index(defaults.guard_reads):
        raise BadAgentSettings(
            f"guard_reads={options.guard_reads!r} is laxer than this service allows ({defaults.guard_reads!r}): the "
            "operator sets agent.guard_reads"
        )
    return options
