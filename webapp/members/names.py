"""What strangers may read of members' names, for plugins (`ctx.names`)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from sqlalchemy import select

from webapp.kernel.scope import Scope
from webapp.members.identities import mask_name
from webapp.members.models import Member

MOST = 500  # members of one question
_MEMBER = re.compile(r"member:([0-9]{1,18})", re.ASCII)


def masked(scope: Scope, members: Sequence[str]) -> Mapping[str, str]:
    """`member:17` -> "王••", of those who are there and have a name. Raises ValueError for too many at once."""
    if len(members) > MOST:
        raise ValueError(f"at most {MOST} members at once")
    ids = {int(found[1]): word for word in members if (found := _MEMBER.fullmatch(word))}
    rows = scope.session.execute(
        select(Member.id, Member.name).where(Member.brand_id == scope.brand.id, Member.id.in_(list(ids)))
    )
    return {ids[member_id]: mask_name(name) for member_id, name in rows if name.strip()}
