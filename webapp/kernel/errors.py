"""What can go wrong, as values (refusals) and as exceptions (faults)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Refused:
    """The answer no, with its reason. A value, so that audit and idempotency rows written beside it survive.

    code: stable machine word (sold_out, not_eligible). facts: what the message is filled with; JSON-able.
    The edge turns code + facts into a sentence in the reader's language.
    """

    code: str
    facts: dict[str, Any] = field(default_factory=dict)


class UserError(Exception):
    """A fault that the person at the keyboard can mend; its text is shown as it is, without a traceback."""


class NotFound(Exception):
    """No such row for this brand and actor: a 404 at the edge."""


class Forbidden(Exception):
    """The actor may not do this: a 403 at the edge."""


class Superseded(Exception):
    """Another process has moved the same piece of work on; stop quietly."""
