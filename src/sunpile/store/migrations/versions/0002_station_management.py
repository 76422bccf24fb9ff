"""station management (being built: what the tables have and the database lacks)."""

from alembic import op
from alembic.autogenerate import produce_migrations
from alembic.operations.ops import ModifyTableOps

from sunpile.store.every_table import metadata

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    changes = produce_migrations(op.get_context(), metadata).upgrade_ops
    assert changes is not None
    for change in changes.ops:
        steps = change.ops if isinstance(change, ModifyTableOps) else [change]
        for step in steps:
            op.invoke(step)
