"""The revisions make exactly the tables of tables.py, on both databases, from empty, and back."""

import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, text

from mcp_registry import migrations
from mcp_registry.catalogue import open_catalogue
from mcp_registry.database import open_database
from mcp_registry.tables import metadata
from retrieval.tool import ToolSpec

ROOT = Path(migrations.__file__).parents[2]


@contextmanager
def connected(url):
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def copy_packages(folder):
    for package in ("mcp_registry", "retrieval"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__", "models"))
    return folder


def test_the_revisions_make_the_tables_of_the_models(catalogue_url):
    with open_database(catalogue_url, wait_s=10) as database, database.reading() as connection:
        assert set(inspect(connection).get_table_names()) == {*metadata.tables, "alembic_version"}
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_opening_again_migrates_nothing(catalogue_url):
    for _ in range(2):
        with open_database(catalogue_url, wait_s=10) as database, database.reading() as connection:
            stored = connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all()
            assert stored == [migrations.revisions()[-1]]


def test_the_numbers_read_from_the_folder_are_those_that_alembic_sees():
    with connected("sqlite://") as connection:
        scripts = ScriptDirectory.from_config(migrations.configuration(connection))
    assert scripts.get_heads() == [migrations.revisions()[-1]]
    assert [script.revision for script in scripts.walk_revisions()] == migrations.revisions()[::-1]


def test_every_revision_can_be_taken_back():
    with connected("sqlite://") as connection:
        migrations.upgrade(connection)
        command.downgrade(migrations.configuration(connection), "base")
        assert inspect(connection).get_table_names() == ["alembic_version"]


LAST, NEXT, AFTER = (f"{int(migrations.revisions()[-1]) + ahead:04d}" for ahead in range(3))
REMAKES_SERVERS = f"""
from alembic import op
revision, down_revision, branch_labels, depends_on = "{NEXT}", "{LAST}", None, None
def upgrade():
    with op.batch_alter_table("server") as batch:
        batch.alter_column("origin", new_column_name="source")
"""


def test_a_revision_that_makes_a_table_anew_keeps_the_rows_that_refer_to_it(catalogue_url, tmp_path):
    with open_catalogue(catalogue_url) as catalogue:
        tool = ToolSpec(server="git", name="log")
        catalogue.load_definitions([tool], origin="tools.jsonl", at=datetime(2026, 11, 21, tzinfo=UTC))
    copied = copy_packages(tmp_path)
    (copied / "mcp_registry/migrations/versions" / f"{NEXT}_servers_anew.py").write_text(REMAKES_SERVERS)
    program = "import sys; from mcp_registry.database import open_database as o; o(sys.argv[1], wait_s=9).__enter__()"
    subprocess.run([sys.executable, "-c", program, catalogue_url], cwd=copied, check=True, timeout=60)
    url = catalogue_url.replace("postgresql://", "postgresql+psycopg://")
    with connected(url) as connection:
        assert connection.execute(text("SELECT name, source FROM server")).all() == [("git", "tools.jsonl")]
        assert connection.execute(text("SELECT tool_id FROM tool")).all() == [("git/log",)]


def test_one_command_drafts_the_next_revision(tmp_path):
    copy_packages(tmp_path)
    tables = tmp_path / "mcp_registry" / "tables.py"
    added = "    reason: str | None = Field(default=None, sa_type=AnyText)\n"
    tables.write_text(re.sub(r"(    origin: str = .*\n)", rf"\1{added}", tables.read_text(), count=1))
    draft = [sys.executable, "-m", "mcp_registry.migrations", "servers have a reason"]
    subprocess.run(draft, cwd=tmp_path, check=True, timeout=60, capture_output=True)
    written = next(tmp_path.glob(f"mcp_registry/migrations/versions/{NEXT}_*.py"))
    assert f'down_revision = "{LAST}"' in written.read_text().replace("'", '"')
    again = subprocess.run(draft, cwd=tmp_path, check=True, timeout=60, capture_output=True, text=True)
    assert f"{AFTER}_servers_have_a_reason.py" in again.stdout
    second = next(tmp_path.glob(f"mcp_registry/migrations/versions/{AFTER}_*.py")).read_text()
    assert "add_column" in written.read_text()
    assert "add_column" not in second
