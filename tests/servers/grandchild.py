"""A server that starts a process of its own and leaves it behind: `grandchild.py PIDFILE [stubborn]`.

The file gets both process ids, one a line. `stubborn`: both ignore SIGTERM, and the server ignores a closed stdin too.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from rpc import serve, tool

SLEEPER = "import signal, time; {} time.sleep(3600)"

if __name__ == "__main__":
    stubborn = "stubborn" in sys.argv
    if stubborn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    ignore = "signal.signal(signal.SIGTERM, signal.SIG_IGN);" if stubborn else ""
    child = subprocess.Popen([sys.executable, "-c", SLEEPER.format(ignore)])
    pids = Path(sys.argv[1])
    pids.with_suffix(".new").write_text(f"{os.getpid()}\n{child.pid}\n")
    pids.with_suffix(".new").rename(pids)
    serve("grandchild", tools=lambda cursor: {"tools": [tool("hello")]})
    if stubborn:
        time.sleep(3600)
