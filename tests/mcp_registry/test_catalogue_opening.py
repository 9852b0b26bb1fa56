"""Opening the catalogue: where, how fast, and what is said when it does not work."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing

import psycopg
import pytest
from filelock import FileLock

from mcp_registry.catalogue import open_catalogue
from mcp_registry.database_url import sqlite_url
from mcp_registry.errors import CatalogueError
from mcp_registry.migrations import revisions
from mcp_registry.server import ServerSpec, Stdio

SERVER = ServerSpec(name="git", transport=Stdio(command="git-mcp"))

OPEN_WHEN_TOLD = """
import sys
from mcp_registry.catalogue import open_catalogue
print("ready", flush=True)
sys.stdin.readline()
with open_catalogue(sys.argv[1]) as catalogue:
    print(catalogue.generation(), flush=True)
"""


def execute(url, statement):
    """Change the database behind the catalogue's back."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as connection:
            connection.execute(statement)
    else:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(statement)


def test_what_was_written_is_there_when_it_is_opened_again(catalogue_url):
    with open_catalogue(catalogue_url) as catalogue:
        catalogue.add_server(SERVER, origin="added")
        generation = catalogue.generation()
    with open_catalogue(catalogue_url) as catalogue:
        assert catalogue.server("git").spec == SERVER
        assert catalogue.generation() == generation


def test_processes_that_open_a_new_catalogue_at_once_all_succeed(catalogue_url):
    command = [sys.executable, "-W", "error", "-c", OPEN_WHEN_TOLD, catalogue_url]
    pipe = subprocess.PIPE
    processes = [subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) for _ in range(3)]
    assert [process.stdout.readline() for process in processes] == ["ready\n"] * 3
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    outputs = [process.communicate(timeout=60) for process in processes]
    assert [error for _, error in outputs] == [""] * 3
    assert len({generation for generation, _ in outputs}) == 1


def test_opening_at_head_does_not_import_alembic(sqlite_catalogue_url):
    with open_catalogue(sqlite_catalogue_url):
        pass
    code = OPEN_WHEN_TOLD + "assert not [name for name in sys.modules if name.startswith('alembic')]"
    subprocess.run([sys.executable, "-c", code, sqlite_catalogue_url], input=b"go\n", check=True, timeout=60)


def test_the_folder_is_made_and_the_file_is_in_wal_mode(tmp_path):
    file = tmp_path / "new" / "folder ?#%41 ü" / "catalogue.db"
    with open_catalogue(sqlite_url(file)) as catalogue:
        catalogue.add_server(SERVER, origin="added")
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert [path.name for path in file.parent.iterdir() if path.suffix == ".db"] == ["catalogue.db"]


def test_a_database_that_is_newer_than_the_code_is_refused_and_left_alone(catalogue_url):
    with open_catalogue(catalogue_url) as catalogue:
        catalogue.add_server(SERVER, origin="added")
    execute(catalogue_url, "UPDATE alembic_version SET version_num = '9999'")
    with (
        pytest.raises(CatalogueError, match=r"newer Quartermaster.*9999.*upgrade quartermaster"),
        open_catalogue(catalogue_url),
    ):
        pass
    execute(catalogue_url, f"UPDATE alembic_version SET version_num = '{revisions()[-1]}'")
    with open_catalogue(catalogue_url) as catalogue:
        assert catalogue.server("git") is not None


def test_another_programs_tables_are_left_alone(catalogue_url):
    execute(catalogue_url, "CREATE TABLE server (x INTEGER)")
    with pytest.raises(CatalogueError, match=r"another program's tables \(server\)"), open_catalogue(catalogue_url):
        pass


def test_a_writer_that_waits_too_long_for_another_says_so(catalogue_url):
    with open_catalogue(catalogue_url, wait_s=0.2) as catalogue, open_catalogue(catalogue_url) as other:
        with other._database.writing():
            with pytest.raises(CatalogueError, match="is locked by another program for too long"):
                catalogue.add_server(SERVER, origin="added")
            assert catalogue.servers() == []  # readers do not wait
        catalogue.add_server(SERVER, origin="added")


def test_a_new_file_that_another_program_has_locked_says_so(tmp_path):
    file = tmp_path / "catalogue.db"
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        with (
            pytest.raises(CatalogueError, match="is locked by another program"),
            open_catalogue(sqlite_url(file), wait_s=0.2),
        ):
            pass


def test_a_migration_that_another_process_does_not_finish_says_so(tmp_path):
    file = tmp_path / "catalogue.db"
    with (
        FileLock(f"{file}.lock"),
        pytest.raises(CatalogueError, match=r"being opened by another process, for more than 0\.2 s"),
        open_catalogue(sqlite_url(file), wait_s=0.2),
    ):
        pass


def test_a_file_that_is_no_database_says_so_and_stays(tmp_path):
    file = tmp_path / "catalogue.db"
    file.write_text("my diary, " * 1000)
    with (
        pytest.raises(CatalogueError, match="is not a SQLite database: move it away"),
        open_catalogue(sqlite_url(file)),
    ):
        pass
    assert file.read_text().startswith("my diary")


def test_a_damaged_database_says_so(tmp_path):
    file = tmp_path / "catalogue.db"
    with open_catalogue(sqlite_url(file)):
        pass
    content = file.read_bytes()
    file.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    with (
        pytest.raises(CatalogueError, match="is damaged: put back a copy"),
        open_catalogue(sqlite_url(file)) as catalogue,
    ):
        catalogue.servers()


def test_a_folder_in_the_place_of_the_file_says_so(tmp_path):
    with (
        pytest.raises(CatalogueError, match="cannot be opened: check that it is a file"),
        open_catalogue(sqlite_url(tmp_path)),
    ):
        pass


def test_a_folder_that_cannot_be_made_says_so(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(CatalogueError, match="cannot be made or entered"),
        open_catalogue(sqlite_url(tmp_path / "file" / "c.db")),
    ):
        pass


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_catalogue_that_cannot_be_written_says_which_right_is_missing(tmp_path, what):
    file = tmp_path / "home" / "catalogue.db"
    with open_catalogue(sqlite_url(file)):
        pass
    blocked = file if what == "file" else file.parent
    mode = blocked.stat().st_mode
    blocked.chmod(mode & ~0o222)
    try:
        with pytest.raises(CatalogueError, match=f"right to write {blocked}"), open_catalogue(sqlite_url(file)):
            pass
    finally:
        blocked.chmod(mode)


def test_a_password_never_shows(postgres_url):
    folder = postgres_url.partition("host=")[2]
    for url in (
        f"postgresql://nobody:s3cr%20et@/none?host={folder}",
        f"postgresql://nobody@/none?host={folder}&password=s3cr%20et",
        "postgres://nobody:s3cr%20et@127.0.0.1:1/none",
        "postgresql://nobody:s3cr%zzet@127.0.0.1:1/none",
        "postgresql://nobody:s3cr et@127.0.0.1:1/none?no_such_option=1",
        "postgresql://nobody:s3cr/et@127.0.0.1:1/none",
    ):
        with pytest.raises(CatalogueError) as caught, open_catalogue(url):
            pass
        assert "s3cr" not in str(caught.value)
        assert caught.value.__cause__ is None


def test_a_server_that_is_not_there_says_what_to_check():
    with (
        pytest.raises(CatalogueError, match=r"PostgreSQL database none on 127\.0\.0\.1 cannot be reached: check"),
        open_catalogue("postgresql://nobody@127.0.0.1:1/none"),
    ):
        pass


def test_postgres_without_its_driver_names_the_extra():
    code = """
import sys
sys.modules["psycopg"] = None
from mcp_registry.catalogue import open_catalogue
from mcp_registry.errors import CatalogueError
from mcp_registry.peek import read_generation
for use in (read_generation, lambda url: open_catalogue(url).__enter__()):
    try:
        use("postgres://user:pw@localhost/db")
    except CatalogueError as error:
        assert "pip install 'quartermaster[postgres]'" in str(error), error
    else:
        raise SystemExit("no error")
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_server_that_was_restarted_is_found_again(postgres_url):
    with open_catalogue(postgres_url) as catalogue:
        catalogue.add_server(SERVER, origin="added")
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        assert catalogue.server("git") is not None
