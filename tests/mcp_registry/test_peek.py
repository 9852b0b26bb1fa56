"""The generation, read without opening the catalogue."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from mcp_registry.catalogue import open_catalogue
from mcp_registry.database_url import sqlite_url
from mcp_registry.errors import CatalogueError
from mcp_registry.peek import read_generation
from retrieval.tool import ToolSpec


def load(catalogue, name):
    from datetime import UTC, datetime

    catalogue.load_definitions([ToolSpec(server="s", name=name)], origin="f", at=datetime.now(UTC))


def test_it_is_none_before_there_is_a_catalogue_and_equal_to_its_own_after(catalogue_url):
    assert read_generation(catalogue_url) is None
    with open_catalogue(catalogue_url) as catalogue:
        assert read_generation(catalogue_url) == catalogue.generation()
        load(catalogue, "a")
        after = catalogue.generation()
        assert read_generation(catalogue_url) == after
    assert read_generation(catalogue_url) == after


def test_reading_makes_no_file(tmp_path):
    assert read_generation(sqlite_url(tmp_path / "folder" / "catalogue.db")) is None
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "empty.db").touch()
    assert read_generation(sqlite_url(tmp_path / "empty.db")) is None


def test_two_catalogues_never_have_the_same_generation_by_chance(tmp_path):
    first, second = sqlite_url(tmp_path / "a.db"), sqlite_url(tmp_path / "b.db")
    with open_catalogue(first) as catalogue:
        load(catalogue, "a")
    with open_catalogue(second) as catalogue:
        load(catalogue, "b")
    assert read_generation(first) != read_generation(second)


def test_it_is_read_while_another_connection_writes(sqlite_catalogue_url):
    with open_catalogue(sqlite_catalogue_url) as catalogue:
        before = catalogue.generation()
        with catalogue._database.writing():
            assert read_generation(sqlite_catalogue_url) == before


def test_it_is_read_from_a_folder_that_cannot_be_written(tmp_path):
    file = tmp_path / "folder" / "catalogue.db"
    with open_catalogue(sqlite_url(file)) as catalogue:
        generation = catalogue.generation()
    file.parent.chmod(0o555)
    try:
        assert read_generation(sqlite_url(file)) == generation
    finally:
        file.parent.chmod(0o755)


def test_a_file_of_something_else_says_so(tmp_path):
    (tmp_path / "diary.db").write_text("my diary, " * 1000)
    with pytest.raises(CatalogueError, match="is not a database"):
        read_generation(sqlite_url(tmp_path / "diary.db"))
    with closing(sqlite3.connect(tmp_path / "other.db")) as connection:
        connection.execute("CREATE TABLE x (y)")
    assert read_generation(sqlite_url(tmp_path / "other.db")) is None


def test_a_postgres_that_is_not_there_says_so_without_the_password():
    with pytest.raises(CatalogueError, match="cannot be read") as caught:
        read_generation("postgresql://user:s3cret@127.0.0.1:1/db")
    assert "s3cret" not in str(caught.value)


def test_it_costs_no_import_of_a_database_library(sqlite_catalogue_url):
    with open_catalogue(sqlite_catalogue_url):
        pass
    code = """
import sys
from mcp_registry.peek import read_generation
assert read_generation(sys.argv[1]) > 0
heavy = {"sqlalchemy", "sqlmodel", "alembic", "pydantic", "psycopg"} & set(sys.modules)
assert not heavy, heavy
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    subprocess.run([sys.executable, "-c", code, sqlite_catalogue_url], check=True, timeout=60, env=environment)
