"""Writing many members at once, from files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, bindparam, select, update

from webapp.kernel import bulk
from webapp.kernel.scope import Scope
from webapp.members import queries
from webapp.members.identities import EMAIL, PHONE
from webapp.members.models import (
    Consent,
    ConsentNow,
    Member,
    MemberAttribute,
    MemberIdentity,
    tail_of,
)
from webapp.members.service import MARKETING, draw
from webapp.members.stored import Stored


class Value(NamedTuple):
    """An attribute's value: as written, and typed where its definition is of that type (thousandths; a day)."""

    text: str
    number: int | None
    day: date | None


Was = dict[str, Any]
"""JSON-able: fields, identities, consents, attributes: name -> what was stored (None: nothing); said: ids of consents."""


class MemberIn(NamedTuple):
    """A member as a file tells of one. None: not said, so what is stored stays; a new member then has none.

    consents: channel -> answer about marketing. attributes: definition's id -> value.
    """

    number: str
    name: str | None
    phone: str | None
    email: str | None
    birthday: date | None
    gender: str | None
    joined_on: date | None
    store_id: int | None
    consents: Mapping[str, bool]
    attributes: Mapping[int, Value]


class Declared(NamedTuple):
    """Channels to which the people of a file agreed, as its importer declares: kept with this source and moment.

    It is no answer of the person's own, so any no that they ever gave wins over it.
    """

    channels: tuple[str, ...]
    source: str
    at: datetime


@dataclass(slots=True)
class Recorded:
    """What `record` did. kept_withdrawn: yeses that stand against what the member or the staff said later.
    phones_taken: numbers of members whose phone somebody else has come to hold since the file was checked.
    first_id, last_id: all members between them are new (0: none is). before: member -> what was stored of what was changed,
    as members.undo takes it back."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    kept_withdrawn: int = 0
    phones_taken: list[str] = field(default_factory=list)
    phone_holders: list[int] = field(default_factory=list)
    first_id: int = 0
    last_id: int = 0
    before: dict[int, Was] = field(default_factory=dict)


@dataclass(slots=True)
class _Rows:
    """Rows to insert."""

    members: list[tuple[Any, ...]] = field(default_factory=list)
    identities: list[tuple[Any, ...]] = field(default_factory=list)
    consents: list[tuple[Any, ...]] = field(default_factory=list)
    consents_now: list[tuple[Any, ...]] = field(default_factory=list)
    attributes: list[tuple[Any, ...]] = field(default_factory=list)


_MEMBER = (
    *("brand_id", "id", "person_id", "number", "name", "birthday", "gender", "store_id", "joined_on"),
    *("joined_given", "draw", "dirty_on", "facts_seq", "created_at", "updated_at"),
)
_IDENTITY = ("brand_id", "id", "member_id", "kind", "value", "holder", "verified", "tail")
_CONSENT = ("brand_id", "id", "member_id", "channel", "purpose", "granted", "source", "at")
_CONSENT_NOW = ("brand_id", "member_id", "channel", "purpose", "granted", "at")
_ATTRIBUTE = ("brand_id", "member_id", "attribute_id", "text", "number", "day")


def record(
    scope: Scope, source: str, members: Sequence[MemberIn], declared: Declared | None = None
) -> Recorded:
    """Write a batch (numbers and phones differ among themselves) in this unit. source: "import:...", kept with consents."""
    done, rows = Recorded(), _Rows()
    stored = Stored(scope, [said.number for said in members], [said.phone for said in members if said.phone])
    touched: dict[int, date] = {}
    ids: Iterator[int] = iter(())
    if new := sum(said.number not in stored.members for said in members):
        taken = scope.new_ids(new)
        ids, done.first_id, done.last_id = iter(taken), taken[0], taken[-1]
    for said in members:
        if said.phone and stored.holder.get(said.phone, said.number) != said.number:
            done.phones_taken.append(said.number)
            said = said._replace(phone=None)
        old = stored.members.get(said.number)
        if old is None:
            _create(scope, next(ids), said, source, declared, rows, done)
            continue
        was: Was = {"fields": {}, "identities": {}, "consents": {}, "attributes": {}, "said": []}
        changed = _correct(scope, old, said, touched, was)
        changed |= _identities(scope, old.id, said, stored, rows, done, was)
        changed |= _consents(scope, old.id, said, source, stored, rows, done, was)
        if declared is not None:
            changed |= _declare(scope, old.id, said, declared, stored, rows, done, was)
        changed |= _attributes(scope, old.id, said, stored, rows, was)
        if changed:
            done.before[old.id] = {
                **was,
                "updated_at": old.updated_at.isoformat(),
                "at": scope.now.isoformat(),
            }
            old.updated_at = scope.now
            done.updated += 1
        else:
            done.unchanged += 1
    scope.session.flush()
    bulk.insert(scope, Member, _MEMBER, rows.members)
    bulk.insert(scope, MemberIdentity, _IDENTITY, rows.identities)
    bulk.insert(scope, Consent, _CONSENT, rows.consents)
    bulk.insert(scope, ConsentNow, _CONSENT_NOW, rows.consents_now)
    bulk.insert(scope, MemberAttribute, _ATTRIBUTE, rows.attributes)
    queries.touch_many(scope, touched)
    return done


def _create(
    scope: Scope,
    id_: int,
    said: MemberIn,
    source: str,
    declared: Declared | None,
    rows: _Rows,
    done: Recorded,
) -> None:
    brand_id = scope.brand.id
    rows.members.append(
        (
            *(
                brand_id,
                id_,
                id_,
                said.number,
                said.name or "",
                said.birthday,
                said.gender or "",
                said.store_id,
            ),
            *(said.joined_on or scope.today, said.joined_on is not None, draw(), scope.today, 1),
            *(scope.now, scope.now),
        )
    )
    for kind, value in ((PHONE, said.phone), (EMAIL, said.email)):
        if value:
            rows.identities.append(_identity_row(scope, id_, kind, value))
    for channel, granted in said.consents.items():
        _say(scope, id_, channel, granted, source, rows)
        rows.consents_now.append((brand_id, id_, channel, MARKETING, granted, scope.now))
    if declared is not None:
        for channel in set(declared.channels).difference(said.consents):
            _say(scope, id_, channel, True, declared.source, rows, declared.at)
            rows.consents_now.append((brand_id, id_, channel, MARKETING, True, declared.at))
    for attribute_id, typed in said.attributes.items():
        rows.attributes.append((brand_id, id_, attribute_id, *typed))
    done.created += 1
    if said.phone:
        done.phone_holders.append(id_)


def _identity_row(scope: Scope, member_id: int, kind: str, value: str) -> tuple[Any, ...]:
    holds = kind == PHONE  # the shop's own files are its clerks' word
    held = value if holds else None
    return (scope.brand.id, scope.new_id(), member_id, kind, value, held, holds, tail_of(kind, value))


def _say(
    scope: Scope,
    member_id: int,
    channel: str,
    granted: bool,
    source: str,
    rows: _Rows,
    at: datetime | None = None,
) -> int:
    id_ = scope.new_id()
    rows.consents.append(
        (scope.brand.id, id_, member_id, channel, MARKETING, granted, source, at or scope.now)
    )
    return id_


def _correct(scope: Scope, old: Member, said: MemberIn, touched: dict[int, date], was: Was) -> bool:
    changed = False
    for name in ("name", "birthday", "gender", "store_id"):
        value = getattr(said, name)
        if value is not None and value != (before := getattr(old, name)):
            was["fields"][name] = before.isoformat() if isinstance(before, date) else before
            setattr(old, name, value)
            changed = True
    if said.joined_on is not None:
        if said.joined_on != old.joined_on:
            day = min(said.joined_on, old.joined_on)
            touched[old.person_id] = min(day, touched.get(old.person_id, day))
            was["fields"] |= {"joined_on": old.joined_on.isoformat(), "joined_given": old.joined_given}
            old.joined_on, changed = said.joined_on, True
        if not old.joined_given:
            old.joined_given = True
    return changed


def _identities(
    scope: Scope,
    member_id: int,
    said: MemberIn,
    stored: Stored,
    rows: _Rows,
    done: Recorded,
    was: Was,
) -> bool:
    changed = False
    for kind, value in ((PHONE, said.phone), (EMAIL, said.email)):
        if not value:
            continue
        old = stored.identities.get((member_id, kind))
        if old is not None and old.value == value and (kind != PHONE or old.holder == value):
            continue
        changed = True
        was["identities"][kind] = old and [old.value, old.holder, old.verified]
        if old is None:
            rows.identities.append(_identity_row(scope, member_id, kind, value))
        else:
            old.value, old.verified = value, kind == PHONE
            old.holder, old.tail = (value if kind == PHONE else None), tail_of(kind, value)
        if kind == PHONE:
            done.phone_holders.append(member_id)
    return changed


def _consents(
    scope: Scope,
    member_id: int,
    said: MemberIn,
    source: str,
    stored: Stored,
    rows: _Rows,
    done: Recorded,
    was: Was,
) -> bool:
    """A no counts at once. A yes undoes only a no of this same source that nobody had said yes before: what took a yes
    back is a withdrawal, and an older file that is imported again must not bring the yes back."""
    changed = False
    for channel, granted in said.consents.items():
        now = stored.consents.get((member_id, channel))
        if now is not None and now.granted == granted:
            continue
        if now is not None and granted and _withdrawn(scope, member_id, channel, source):
            done.kept_withdrawn += 1
            continue
        changed = True
        was["consents"][channel] = now and [now.granted, now.at.isoformat()]
        was["said"].append(_say(scope, member_id, channel, granted, source, rows))
        if now is None:
            rows.consents_now.append((scope.brand.id, member_id, channel, MARKETING, granted, scope.now))
        else:
            now.granted, now.at = granted, scope.now
    return changed


def _declare(
    scope: Scope,
    member_id: int,
    said: MemberIn,
    declared: Declared,
    stored: Stored,
    rows: _Rows,
    done: Recorded,
    was: Was,
) -> bool:
    """A declaration counts where the person, and this file, have said nothing."""
    changed = False
    for channel in declared.channels:
        if channel in said.consents:
            continue
        now = stored.consents.get((member_id, channel))
        if now is not None:
            done.kept_withdrawn += not now.granted
            continue
        changed = True
        was["consents"][channel] = None
        was["said"].append(_say(scope, member_id, channel, True, declared.source, rows, declared.at))
        rows.consents_now.append((scope.brand.id, member_id, channel, MARKETING, True, declared.at))
    return changed


def _withdrawn(scope: Scope, member_id: int, channel: str, source: str) -> bool:
    """Does the no that counts now stand against a file of this source?"""
    said = scope.session.execute(
        select(Consent.source, Consent.granted)
        .where(
            Consent.brand_id == scope.brand.id,
            Consent.member_id == member_id,
            Consent.channel == channel,
            Consent.purpose == MARKETING,
        )
        .order_by(Consent.at.desc(), Consent.id.desc())
    ).all()
    return not said or said[0].source != source or any(one.granted for one in said)


def _attributes(scope: Scope, member_id: int, said: MemberIn, stored: Stored, rows: _Rows, was: Was) -> bool:
    changed = False
    for attribute_id, value in said.attributes.items():
        old = stored.attributes.get((member_id, attribute_id))
        if old is None:
            was["attributes"][str(attribute_id)] = None
            rows.attributes.append((scope.brand.id, member_id, attribute_id, *value))
            changed = True
        elif old.text != value.text:
            was["attributes"][str(attribute_id)] = [old.text, old.number, old.day and old.day.isoformat()]
            old.text, old.number, old.day = value
            changed = True
    return changed


def move_joining_days(scope: Scope, days: Mapping[int, date]) -> None:
    """member -> another joining day, for members whose day was only assumed. The caller marks the persons."""
    _set_joining_days(scope, days, Member.joined_on != bindparam("b_day"))


def join_earlier(scope: Scope, days: Mapping[int, date]) -> None:
    """As move_joining_days, but whoever has joined earlier by now stays where they are."""
    _set_joining_days(scope, days, Member.joined_on > bindparam("b_day"))


def _set_joining_days(scope: Scope, days: Mapping[int, date], where: ColumnElement[bool]) -> None:
    if days:
        scope.flush()
        scope.send(
            update(Member.__table__)  # type: ignore[arg-type]
            .where(
                Member.brand_id == scope.brand.id,
                Member.id == bindparam("b_id"),
                Member.joined_given.is_(False),
                where,
            )
            .values(joined_on=bindparam("b_day")),
            [{"b_id": member_id, "b_day": day} for member_id, day in sorted(days.items())],
        )
