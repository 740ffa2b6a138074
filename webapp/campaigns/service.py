"""What others do with campaigns, without HTTP: write a draft, look at it, send it, and steer it."""

from __future__ import annotations

from webapp.campaigns import source  # registers with the outbox
from webapp.campaigns.drafts import create, set_audience, set_basics, set_content, set_offer
from webapp.campaigns.laying import lay
from webapp.campaigns.results import results
from webapp.campaigns.states import cancel, pause, resume, review, send
from webapp.campaigns.winding_up import wind_up

__all__ = [
    "cancel",
    "create",
    "lay",
    "pause",
    "results",
    "resume",
    "review",
    "send",
    "set_audience",
    "set_basics",
    "set_content",
    "set_offer",
    "source",
    "wind_up",
]
