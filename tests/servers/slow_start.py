"""A server that answers nothing for some seconds after its start: `slow_start.py SECONDS`; then it is a good one."""

import sys
import time

from rpc import serve, tool

if __name__ == "__main__":
    time.sleep(float(sys.argv[1]))
    serve("slow-start", tools=lambda cursor: {"tools": [tool("hello")]})
