"""The program that serves one model: llama.cpp's HTTP server, for as long as its standard input stays open.

It is started as a file of its own and imports nothing of this package: whatever happens in it, the agent goes on. It
takes its settings as one JSON object, prints one line of JSON with its address when it is ready, and logs to stderr.
"""

import importlib
import json
import os
import sys
import threading
from typing import Any


def _end_with_parent() -> None:
    """Leave at once when whoever started this has closed the pipe, on purpose or by dying."""
    while os.read(0, 4096):
        pass
    os._exit(0)


def _parameters(llama: Any, wanted: dict[str, Any]) -> Any:
    made = llama.CommonParams()
    made.model.path = wanted["path"]
    made.model_alias = {wanted["name"]}
    made.hostnames = [wanted["host"]]
    made.port = wanted["port"]
    made.api_keys = wanted["api_keys"]
    made.n_ctx = wanted["context"]
    made.cpuparams.n_threads = made.cpuparams_batch.n_threads = wanted["threads"]
    # Slots share one buffer of the context's size, so that many of them cost little and n samples are one request.
    made.n_parallel = wanted["slots"]
    made.kv_unified = True
    made.cache_ram_mib = wanted["cache_mib"]
    made.cors_origins = ""  # no web page may use it
    made.ui = False
    made.endpoint_slots = False  # it would show everyone's prompts
    return made


def main() -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    wanted: dict[str, Any] = json.loads(sys.argv[1])
    llama: Any = importlib.import_module("xllamacpp")
    try:
        server = llama.Server(_parameters(llama, wanted))
    except RuntimeError as error:
        sys.exit(str(error))  # the reason stands above, in llama.cpp's own words
    sys.stdout.write(json.dumps({"url": server.listening_address}) + "\n")
    sys.stdout.flush()
    threading.Event().wait()


if __name__ == "__main__":
    main()
