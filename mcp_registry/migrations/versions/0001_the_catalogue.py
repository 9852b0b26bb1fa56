"""The catalogue: servers, their tools and set-aside entries, offers, calls, and the generation."""

import time

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "server",
        sa.Column("name", _any_text(), nullable=False),
        sa.Column("status", _any_text(), nullable=False),
        sa.Column("origin", _any_text(), nullable=False),
        sa.Column("spec", sa.Text(), nullable=True),
        sa.Column("info", sa.Text(), nullable=True),
        sa.Column("synced_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stale_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", _any_text(), nullable=True),
        sa.PrimaryKeyConstraint("name", name="pk_server"),
    )
    op.create_table(
        "tool",
        sa.Column("tool_id", _any_text(), nullable=False),
        sa.Column("server", _any_text(), nullable=False),
        sa.Column("name", _any_text(), nullable=False),
        sa.Column("fingerprint", _any_text(), nullable=False),
        sa.Column("published", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["server"], ["server.name"], name="fk_tool_server", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tool_id", name="pk_tool"),
    )
    op.create_index("ix_tool_server", "tool", ["server"])
    op.create_table(
        "set_aside",
        sa.Column("server", _any_text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", _any_text(), nullable=False),
        sa.Column("reason", _any_text(), nullable=False),
        sa.Column("raw", _any_text(), nullable=False),
        sa.ForeignKeyConstraint(["server"], ["server.name"], name="fk_set_aside_server", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("server", "position", name="pk_set_aside"),
    )
    op.create_table(
        "offer",
        sa.Column("name", _any_text(), nullable=False),
        sa.Column("source", _any_text(), nullable=False),
        sa.Column("card_fingerprint", _any_text(), nullable=False),
        sa.Column("fingerprint", _any_text(), nullable=False),
        sa.Column("card", sa.Text(), nullable=False),
        sa.Column("launch", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_offer"),
    )
    op.create_table(
        "call",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("server", _any_text(), nullable=False),
        sa.Column("tool", _any_text(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("outcome", _any_text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_call"),
    )
    state = op.create_table(
        "state",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_state"),
    )
    # Milliseconds of now: an index that was built from a catalogue since deleted never looks up to date with this one.
    op.bulk_insert(state, [{"id": 1, "generation": time.time_ns() // 1_000_000}])


def downgrade() -> None:
    for table in ("state", "call", "offer", "set_aside", "tool", "server"):
        op.drop_table(table)


def _any_text() -> sa.types.TypeEngine[str]:
    return sa.String().with_variant(sa.String(collation="C"), "postgresql")
