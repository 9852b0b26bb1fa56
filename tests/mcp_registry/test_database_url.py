"""Database URLs: what they name, and that they keep their passwords to themselves."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_registry.database_url import parse_database_url, sqlite_url
from mcp_registry.errors import CatalogueError


@pytest.mark.parametrize(
    ("url", "file"),
    [
        ("sqlite:////home/me/c.db", "/home/me/c.db"),
        ("sqlite:///c.db", "c.db"),
        ("sqlite+pysqlite:////a%20b/c.db?timeout=5\n", "/a b/c.db"),
    ],
)
def test_sqlite_urls_name_a_file(url, file):
    assert parse_database_url(url).file == Path(file)


@given(st.text(st.characters(exclude_characters="\x00/", exclude_categories=["Cs"]), min_size=1))
def test_every_path_has_a_url(name):
    path = Path("/folder", name)
    assert parse_database_url(sqlite_url(path)).file == path


@pytest.mark.parametrize(
    "scheme", ["postgresql", "postgres", "postgresql+psycopg", "postgresql+psycopg2", "postgresql+asyncpg"]
)
def test_every_way_to_write_postgresql_is_given_to_the_one_driver(scheme):
    address = parse_database_url(f"{scheme}://me:pw@db.example:5433/tools?sslmode=require")
    assert address.libpq == "postgresql://me:pw@db.example:5433/tools?sslmode=require"
    assert address.shown == "PostgreSQL database tools on db.example"


def test_a_connection_is_not_waited_for_without_end():
    assert parse_database_url("postgresql://h/d").connect_arguments["connect_timeout"] > 0
    assert "connect_timeout" not in parse_database_url("postgresql://h/d?connect_timeout=3").connect_arguments


@pytest.mark.parametrize("url", ["mysql://u:pw@h/d", "sqlite://", "sqlite:///", "catalogue.db", "", "pw"])
def test_what_is_neither_of_the_two_is_refused_without_being_shown(url):
    with pytest.raises(CatalogueError, match="give sqlite:///PATH") as caught:
        parse_database_url(url)
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize("password", ["p@ss", "p/ss@", "p?ss", "p#ss"])
def test_a_password_that_is_not_escaped_is_refused_without_being_shown(password):
    with pytest.raises(CatalogueError, match="write '@' as %40") as caught:
        parse_database_url(f"postgresql://me:{password}@db.example/tools")
    assert "ss" not in str(caught.value).replace("passwo", "").replace("unexpected", "")


def test_an_unreadable_port_or_host_is_refused():
    with pytest.raises(CatalogueError, match="cannot be read"):
        parse_database_url("postgresql://[::1/d")


def test_messages_lose_every_form_of_the_password():
    address = parse_database_url("postgresql://me:se%20cret@h/d?sslpassword=other")
    said = address.without_secrets("no: se%20cret, se cret, other")
    assert said == "no: ***, ***, ***"
