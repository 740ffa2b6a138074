"""What a member may see and change by the link to their own page, and what of it staff confirm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update

from webapp.kernel.errors import NotFound, Refused
from webapp.kernel.i18n import LANGUAGES
from webapp.kernel.scope import Scope
from webapp.members import queries as members
from webapp.members import service
from webapp.members.identities import PHONE
from webapp.members.models import Consent, Member
from webapp.plugin_runtime import calls
from webapp.preferences.models import ContactChange

SOURCE = "member"  # what a consent's row says of where it was said: on the member's own page
Key = tuple[str, str]  # channel, purpose


@dataclass(frozen=True, slots=True)
class Standing:
    """A member as their own page shows them. answers: (channel, purpose) -> agreed; every channel of the brand is there.
    waiting: kinds of contact whose change waits to be confirmed."""

    member: Member
    phone: str | None
    email: str | None
    answers: dict[Key, bool]
    waiting: frozenset[str]


def standing(scope: Scope, member_id: int) -> Standing:
    """Raises NotFound."""
    member = members.get(scope, member_id)
    phones, emails = members.phones_and_emails(scope, [member_id])
    said = members.consents(scope, member_id)
    answers = {(one.impl.key, service.MARKETING): False for one in calls.channels(scope)} | said
    waiting = frozenset(change.kind for change in changes(scope, member_id))
    return Standing(
        member, phones.get(member_id), emails.get(member_id), dict(sorted(answers.items())), waiting
    )


def history(scope: Scope, member_id: int, limit: int = 50) -> Sequence[Consent]:
    """Everything that was said, the newest first."""
    return scope.session.scalars(
        select(Consent)
        .where(Consent.brand_id == scope.brand.id, Consent.member_id == member_id)
        .order_by(Consent.at.desc(), Consent.id.desc())
        .limit(limit)
    ).all()


def changes(scope: Scope, member_id: int) -> Sequence[ContactChange]:
    """What waits to be confirmed."""
    return scope.session.scalars(
        select(ContactChange)
        .where(
            ContactChange.brand_id == scope.brand.id,
            ContactChange.member_id == member_id,
            ContactChange.open.is_(True),
        )
        .order_by(ContactChange.kind)
    ).all()


# -- what the member changes -------------------------------------------------------------------------------------------


def say(scope: Scope, member_id: int, said: Mapping[Key, bool]) -> int:
    """Record what the member answered, from this moment, for every sender. Only what the page could have shown counts.
    Returns how many answers changed. Raises NotFound."""
    known = standing(scope, member_id)
    changed = 0
    for (channel, purpose), granted in sorted(said.items()):
        if (channel, purpose) not in known.answers:
            continue
        if known.answers[channel, purpose] == granted:
            if not granted:
                service.repeat_no(scope, member_id, channel, purpose, SOURCE)
            continue
        for id_ in dict.fromkeys((member_id, known.member.person_id)):
            service.set_consent(scope, id_, channel, purpose, granted, SOURCE)
        changed += 1
        word = "consent.given" if granted else "consent.withdrawn"
        scope.audit(word, "member", member_id, channel=channel, purpose=purpose, by=SOURCE)
    return changed


def stop_all(scope: Scope, member_id: int) -> int:
    """No more of anything over any channel, switched on or not. A no is written down even where nothing was said, so that
    an older file does not bring a yes. Returns how many answers changed."""
    known = standing(scope, member_id)
    changed = 0
    for channel, purpose in known.answers:
        for id_ in dict.fromkeys((member_id, known.member.person_id)):
            changed += service.set_consent(scope, id_, channel, purpose, False, SOURCE)
    if changed:
        scope.audit("consent.stopped", "member", member_id, by=SOURCE)
    return changed


def correct(scope: Scope, member_id: int, *, name: str, birthday: str) -> Refused | None:
    """Name and birthday, as the member writes them. Refused: name_long, birthday_bad (facts: field)."""
    answer = service.correct_member(
        scope, member_id, service.Details(name=name, birthday=birthday), source=SOURCE
    )
    return answer if isinstance(answer, Refused) else None


def ask(scope: Scope, member_id: int, kind: str, typed: str) -> Refused | None:
    """Another phone or address: it waits to be confirmed, and until then it is used for nothing. Whether somebody else
    holds it is not said here. Refused: phone_bad, email_bad. Raises NotFound."""
    members.get(scope, member_id)
    if kind == PHONE:
        value = members.normalise_phone(typed, scope.brand.region)
    else:
        value = members.normalise_email(typed)
    if value is None:
        return Refused(f"{kind}_bad", {"field": kind})
    phones, emails = members.phones_and_emails(scope, [member_id])
    _settle(scope, member_id, kind)
    if (phones if kind == PHONE else emails).get(member_id) == value:
        return None
    scope.session.add(
        ContactChange(
            brand_id=scope.brand.id,
            id=scope.new_id(),
            member_id=member_id,
            kind=kind,
            value=value,
            open=True,
            asked_at=scope.now,
        )
    )
    scope.session.flush()
    scope.audit("member.contact_asked", "member", member_id, kind=kind)
    return None


def speak(scope: Scope, member_id: int, locale: str) -> bool:
    """The language of the member's pages. False for one that there is not."""
    if locale not in LANGUAGES:
        return False
    member = members.get(scope, member_id)
    if member.locale != locale:
        member.locale, member.updated_at = locale, scope.now
        scope.session.flush()
        scope.audit("member.correct", "member", member_id, fields=["locale"], source=SOURCE)
    return True


# -- what staff settle -------------------------------------------------------------------------------------------------


def settle(scope: Scope, member_id: int, change_id: int, *, confirm: bool) -> Refused | None:
    """A clerk has seen that it is theirs, or that it is not. Refused: as members.service.correct_member (phone_taken names
    who has it), change_gone. Raises NotFound."""
    members.in_reach(scope, member_id)
    change = scope.session.scalars(
        select(ContactChange)
        .where(
            ContactChange.brand_id == scope.brand.id,
            ContactChange.id == change_id,
            ContactChange.member_id == member_id,
        )
        .with_for_update()
    ).one_or_none()
    if change is None:
        raise NotFound(f"contact change {change_id}")
    if not change.open:
        return Refused("change_gone")
    if confirm:
        value = change.value
        details = service.Details(phone=value) if change.kind == PHONE else service.Details(email=value)
        answer = service.correct_member(scope, member_id, details, source="member, confirmed")
        if isinstance(answer, Refused):
            return answer
    _settle(scope, member_id, change.kind, confirm=confirm)
    scope.audit("member.contact_settled", "member", member_id, kind=change.kind, confirmed=confirm)
    return None


def _settle(scope: Scope, member_id: int, kind: str, *, confirm: bool = False) -> None:
    values: dict[str, Any] = {"open": None, "confirmed": confirm, "settled_at": scope.now, "value": ""}
    scope.session.execute(
        update(ContactChange)
        .where(
            ContactChange.brand_id == scope.brand.id,
            ContactChange.member_id == member_id,
            ContactChange.kind == kind,
            ContactChange.open.is_(True),
        )
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    scope.session.expire_all()
