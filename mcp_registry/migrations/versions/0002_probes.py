"""Probes: what the last validation of a tool has shown."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "probe",
        sa.Column("tool_id", _any_text(), nullable=False),
        sa.Column("key", _any_text(), nullable=False),
        sa.Column("outcome", _any_text(), nullable=False),
        sa.Column("reason", _any_text(), nullable=False),
        sa.Column("arguments", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["tool_id"], ["tool.tool_id"], name="fk_probe_tool_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tool_id", name="pk_probe"),
    )


def downgrade() -> None:
    op.drop_table("probe")


def _any_text() -> sa.types.TypeEngine[str]:
    return sa.String().with_variant(sa.String(collation="C"), "postgresql")
