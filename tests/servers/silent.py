"""A server that never answers: `silent.py [from-start|calls|reads-no-more|blocked]`.

from-start: reads everything and says nothing. calls: opens and lists, then never answers a call or anything after it.
reads-no-more: the same, and from its first call on it does not even read. blocked: it never reads at all.
"""

import sys
import time
from typing import Any

from rpc import serve, tool


def hang(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    for _ in sys.stdin:
        pass
    sys.exit()


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["calls"]:
            serve("silent", tools=lambda cursor: {"tools": [tool("wait")]}, call=hang)
        case ["reads-no-more"]:
            serve("silent", tools=lambda cursor: {"tools": [tool("wait")]}, call=lambda *_: time.sleep(3600))
        case ["blocked"]:
            time.sleep(3600)
        case _:
            for _ in sys.stdin:
                pass
