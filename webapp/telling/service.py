"""What a plugin's `ctx.tell` does here: whom it means, how they may be reached, and one message, whoever asks how often.

A message is laid in the unit that caused it, and both have unique keys: whoever is killed in between, or comes second, tells
nobody twice. Whether they still agree is looked at once more when it goes out (source.py).
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import select

from webapp.kernel.bulk import among
from webapp.kernel.i18n import LANGUAGES
from webapp.kernel.idempotency import insert_or_ignore
from webapp.kernel.scope import Scope
from webapp.members.models import ConsentNow, Member
from webapp.outbox import reaching
from webapp.outbox import service as outbox
from webapp.outbox.service import Promise
from webapp.plugin_api import TellAnswer
from webapp.plugin_runtime.words import words
from webapp.telling.models import Telling, Told

MOST = 100  # members that are told at once
LARGEST = 2_000  # characters of the facts
SERVICE, MARKETING = "service", "marketing"
_MEMBER = re.compile(r"member:([0-9]{1,18})", re.ASCII)
_told: Any = Told.__table__
Way = tuple[str, str]  # channel, purpose


def tell(
    scope: Scope,
    plugin: str,
    to: Mapping[str, str],
    *,
    key: str,
    subject: str,
    text: str,
    facts: Mapping[str, Any],
) -> dict[str, TellAnswer]:
    """webapp.plugin_api.PluginContext.tell, in this unit."""
    _check(plugin, to, key, subject, text, facts)
    answers: dict[str, TellAnswer] = dict.fromkeys(to, "nobody")
    person = _people(scope, to)
    ways = _ways(scope, set(person.values()))
    link = {person[word]: to[word] for word in reversed(list(to)) if word in person}
    fresh = _write(
        scope, ways, link, plugin=plugin, key=key, subject=subject, text=text, facts=dict(facts), at=scope.now
    )
    for word, person_id in person.items():
        answers[word] = "unreached" if person_id not in ways else "sending" if person_id in fresh else "known"
    return answers


def _write(scope: Scope, ways: Mapping[int, Way], link: Mapping[int, str], **same: Any) -> set[int]:
    """The rows of whoever has not been told so, and their deliveries. Returns their ids."""
    if not ways:
        return set()
    runs = {way: _run(scope, *way) for way in sorted(set(ways.values()))}
    ids = dict(zip(sorted(ways), scope.new_ids(len(ways)), strict=True))
    rows = [
        {
            "brand_id": scope.brand.id,
            "id": id_,
            "telling_id": runs[ways[person_id]],
            "member_id": person_id,
            "occurrence": id_ & 0x7FFFFFFF,
            "link": link[person_id],
            **same,
        }
        for person_id, id_ in ids.items()
    ]
    scope.session.execute(insert_or_ignore(scope, _told), rows)
    stands = scope.session.execute(
        select(Told.id, Told.member_id, Told.telling_id, Told.occurrence).where(
            Told.brand_id == scope.brand.id,
            Told.plugin == same["plugin"],
            Told.key == same["key"],
            among(Told.member_id, list(ids)),
        )
    )
    promises: dict[int, list[Promise]] = defaultdict(list)
    for row in stands:
        if row.id == ids[row.member_id]:
            promises[row.telling_id].append(Promise(row.member_id, row.member_id, occurrence=row.occurrence))
    for run_id, some in sorted(promises.items()):
        if outbox.lay(scope, run_id, some) != len(some):
            raise RuntimeError("a message of this number has been laid before")
    return {one.recipient_id for some in promises.values() for one in some}


def _run(scope: Scope, channel: str, purpose: str) -> int:
    """Of a channel and a purpose; made with the first thing that is told."""
    wanted = select(Telling.id).where(
        Telling.brand_id == scope.brand.id, Telling.channel == channel, Telling.purpose == purpose
    )
    found = scope.session.scalar(wanted)
    if found is None:
        scope.session.execute(
            insert_or_ignore(scope, Telling).values(
                brand_id=scope.brand.id, id=scope.new_id(), channel=channel, purpose=purpose
            )
        )
        found = scope.session.scalar(wanted)
    assert found is not None
    return found


# ------------------------------------------------------------------------------------------------------- whom, and how


def _people(scope: Scope, to: Collection[str]) -> dict[str, int]:
    """`member:17` -> the person whom it means; of this brand."""
    asked = {word: int(match[1]) for word in to if (match := _MEMBER.fullmatch(word))}
    rows = scope.session.execute(
        select(Member.id, Member.person_id).where(
            Member.brand_id == scope.brand.id, Member.id.in_(set(asked.values()))
        )
    )
    person = {row.id: row.person_id for row in rows}
    return {word: person[id_] for word, id_ in asked.items() if id_ in person}


def _ways(scope: Scope, ids: Collection[int]) -> dict[int, Way]:
    """member id -> by which channel, on the strength of which yes: the first channel by which they can be reached. A yes to
    messages of service counts first; where nothing was said about these, one to news and offers. A no is a no."""
    ways: dict[int, Way] = {}
    if not ids:
        return ways
    rows = scope.session.execute(
        select(ConsentNow.member_id, ConsentNow.channel, ConsentNow.purpose, ConsentNow.granted).where(
            ConsentNow.brand_id == scope.brand.id,
            ConsentNow.member_id.in_(ids),
            ConsentNow.channel.in_(reaching.CHANNELS),
        )
    )
    said = {(row.member_id, row.channel, row.purpose): row.granted for row in rows}
    for bound in reaching.ready(scope):
        channel, identity = bound.impl.key, bound.impl.identity
        left = [id_ for id_ in ids if id_ not in ways]
        for id_, who in reaching.people(scope, identity, left).items():
            if identity != reaching.TOLD and not who.value:
                continue
            service = said.get((id_, channel, SERVICE))
            if service:
                ways[id_] = (channel, SERVICE)
            elif service is None and said.get((id_, channel, MARKETING)):
                ways[id_] = (channel, MARKETING)
    return ways


def _check(
    plugin: str, to: Mapping[str, str], key: str, subject: str, text: str, facts: Mapping[str, Any]
) -> None:
    """Raises ValueError for what cannot be said, while the plugin's author is there to hear it."""
    if len(to) > MOST:
        raise ValueError(f"at most {MOST} members at once")
    if not 0 < len(key) <= 80 or not key.isprintable():
        raise ValueError("a key of a message has 1 to 80 printable characters")
    if any(link and (link[0] != "/" or len(link) > 500 or not link.isprintable()) for link in to.values()):
        raise ValueError("a link is a path of the shop, at most 500 characters")
    if any(type(fact) not in (str, int) for fact in facts.values()):
        raise ValueError("facts are texts and whole numbers")
    if len(kept := json.dumps(dict(facts))) > LARGEST or "\\u0000" in kept:
        raise ValueError(f"facts have at most {LARGEST} characters as JSON, and no NUL")
    for locale in LANGUAGES:
        try:
            line, whole = (words(plugin, locale)(message, **facts) for message in (subject, text))
        except (KeyError, TypeError, ValueError) as why:
            raise ValueError(f"the words do not fit the facts ({locale}): {why!r}") from why
        if not facts and "%(" in line + whole:
            raise ValueError(f"the words ask for facts, and there are none ({locale})")
        if not line.strip() or not line.isprintable() or not whole.strip():
            raise ValueError(f"a message has one line as its subject, and a text ({locale})")
