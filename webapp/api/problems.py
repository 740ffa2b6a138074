"""What is said instead of an answer: one shape, a stable word, a sentence in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from flask import Response, current_app, g
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from msgspec import UNSET

from webapp.api.schemas import Error, ErrorBody, Reason
from webapp.coupons import says
from webapp.kernel.errors import Refused

RETRY = "60"  # seconds
# Where nobody said more than a status (kernel.errorpages).
STATUSES = {
    400: "bad_request",
    401: "key_needed",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "not_json",
    422: "invalid",
    429: "slow_down",
    503: "away",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """No, with its status. A value: beside a refusal of the core its idempotency row survives."""

    code: str
    status: int = 409
    facts: Mapping[str, Any] = field(default_factory=dict)
    field: str = ""


class Stop(Exception):
    """A request that goes no further; raised before anything is done."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


def _(message: str, **facts: Any) -> str:
    return str(gettext(message, **facts))


def of(why: Refused, field: str = "") -> Problem:
    """A refusal of the core: the request was understood, and nothing was changed."""
    return Problem(why.code, 409, why.facts, field)


def reason(why: Refused) -> Reason:
    """The same within an answer."""
    return Reason(code=why.code, message=says.refused(why), facts=_facts(why.facts))


def body(problem: Problem) -> Error:
    """As it is sent."""
    return Error(
        error=ErrorBody(
            code=problem.code,
            message=_sentence(problem),
            facts=_facts(problem.facts),
            field=problem.field or UNSET,
        )
    )


def answer(problem: Problem) -> Response:
    """As a response."""
    response = current_app.make_response((msgspec.json.encode(body(problem)), problem.status))
    response.mimetype = "application/json"
    if problem.status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="Regulars"'
    if problem.status == 429:
        response.headers["Retry-After"] = RETRY
    return response


def of_status(code: int, said: str, reference: str) -> Response:
    """For kernel.errorpages: what is wrong where no operation of ours was reached, or it failed."""
    facts = {"reference": reference} if reference else {}
    word = STATUSES.get(code, "fault" if code >= 500 else "bad_request")
    if said:
        facts["said"] = said
    return answer(Problem(word, code, facts))


def _facts(facts: Mapping[str, Any]) -> Any:
    """Ids are strings outside; `said` is the message already."""
    said = {key: str(value) if key == "id" else value for key, value in facts.items() if key != "said"}
    return said or UNSET


def _sentence(problem: Problem) -> str:
    facts = dict(problem.facts)
    own = _own(problem.code, facts)
    if own is not None:
        return own
    return says.refused(Refused(problem.code, facts)) if g.get("brand") else _("This is not possible now.")


def _own(code: str, facts: Mapping[str, Any]) -> str | None:
    """What the core has no sentence for."""
    if code == "scope":
        return _("This key may not do that: it lacks “%(scope)s”. An owner can make another one.", **facts)
    if code == "invalid":
        return str(facts.get("said") or _("The request does not fit what is described for it."))
    if code == "currency":
        return _("This shop reckons in %(currency)s.", **facts)
    sentence = _OWN.get(code)
    return None if sentence is None else str(sentence)


_OWN: Mapping[str, Any] = {
    "key_needed": _l("Send a key that works: Authorization: Bearer and the key that an owner made."),
    "slow_down": _l("Too many requests. Please wait a minute and try again."),
    "too_many_guesses": _l(
        "Too many codes or members that do not exist. Please wait five minutes and try again."
    ),
    "not_json": _l("Send JSON, with the content type application/json."),
    "too_large": _l("This is too large: at most 256 kB."),
    "bad_json": _l("This is no JSON."),
    "too_deep": _l("This is nested too deeply."),
    "bad_request": _l("This request cannot be read."),
    "idempotency_key": _l(
        "Send an Idempotency-Key of 8 to 200 visible letters: a new one for each thing to be done once."
    ),
    "idempotency_key_reused": _l("This Idempotency-Key was used for another request."),
    "not_found": _l("There is no such thing here."),
    "method_not_allowed": _l("This address does not take that method."),
    "forbidden": _l("This key does not reach that."),
    "member_unknown": _l("No member of this shop has this number or phone."),
    "store_unknown": _l("The key does not reach such a store, or it is closed."),
    "lines_do_not_sum": _l("The lines do not sum to the total."),
    "away": _l("The shop cannot be reached at the moment. Please try again in a few seconds."),
    "fault": _l("Something went wrong on our side. Nothing was changed."),
}
