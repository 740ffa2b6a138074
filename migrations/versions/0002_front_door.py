"""Staff, files, entrances, tasks and groups of a shop that runs alone.

Written from the models by tools/revision.py, but for what stands between the marks.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass
    # -- by hand
    # -- as written
