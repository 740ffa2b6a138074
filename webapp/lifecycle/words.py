"""What the stages are called."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l

STAGES: dict[str, Any] = {
    "introduction": _l("Introduction"),
    "growth": _l("Growth"),
    "maturity": _l("Maturity"),
    "dormancy": _l("Dormancy"),
    "churn": _l("Churn"),
}


def stage_name(stage: str) -> str:
    """In the reader's language; an unknown one as it is stored."""
    return str(STAGES.get(stage, stage))
