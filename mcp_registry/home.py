"""`Home`: the one folder that holds all state, and where each thing lies in it."""

import os
from dataclasses import dataclass
from pathlib import Path

from mcp_registry.database_url import sqlite_url

VARIABLE = "QUARTERMASTER_HOME"
DATABASE_VARIABLE = "QUARTERMASTER_DATABASE_URL"


@dataclass(frozen=True, slots=True)
class Home:
    """The state folder.

    catalogue.db       servers, tools, offers, calls (unless a database URL is set)
    index/             the search index: a copy, rebuilt from the catalogue when it is lost
    questions.db       synthetic questions, by the tool and the writer
    quartermaster.toml settings, if any
    """

    path: Path

    @property
    def index(self) -> Path:
        return self.path / "index"

    @property
    def questions(self) -> Path:
        return self.path / "questions.db"

    @property
    def settings_file(self) -> Path:
        return self.path / "quartermaster.toml"

    @property
    def database_url(self) -> str:
        """The catalogue's database: `QUARTERMASTER_DATABASE_URL`, or a SQLite file in this folder."""
        return os.environ.get(DATABASE_VARIABLE) or sqlite_url(self.path / "catalogue.db")


def find_home(path: Path | None = None) -> Home:
    """The state folder: the one given, else `QUARTERMASTER_HOME`, else `~/.quartermaster`. Made when it is missing."""
    chosen = path or Path(os.environ.get(VARIABLE) or "~/.quartermaster")
    folder = chosen.expanduser().absolute()
    folder.mkdir(parents=True, exist_ok=True)
    return Home(folder)
