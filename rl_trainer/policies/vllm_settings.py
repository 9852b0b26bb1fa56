"""`VllmSettings`: where a vLLM server is, and how it is asked."""

import msgspec


class VllmSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """url: of the server, without /v1. model: as it calls it; the first that it serves when left empty.

    key_variable: the environment variable that holds the key, if it wants one. parallel: requests at once, at most.
    timeout_s: how long one request may take. attempts, budget_s, backoff_s: how often and for how long a request is
    tried again. shared: other processes ask the same server, so every answer is checked against the server's own
    version. interrupt: an update of weights ends what is being written; otherwise it waits for it.
    """

    url: str = "http://127.0.0.1:8000"
    model: str = ""
    key_variable: str = "QUARTERMASTER_ENGINE_KEY"
    parallel: int = 256
    timeout_s: float = 600.0
    attempts: int = 5
    budget_s: float = 900.0
    backoff_s: float = 1.0
    shared: bool = False
    interrupt: bool = True
