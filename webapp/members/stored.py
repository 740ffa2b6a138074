"""What is stored about the members that a file tells of."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from webapp.kernel import bulk
from webapp.kernel.scope import Scope
from webapp.members import queries
from webapp.members.models import ConsentNow, Member, MemberAttribute, MemberIdentity
from webapp.members.queries import batches
from webapp.members.service import MARKETING


class Stored:
    """What is stored about the members who have these numbers, and who holds these phones."""

    def __init__(self, scope: Scope, numbers: Sequence[str], phones: Sequence[str]) -> None:
        brand_id, session = scope.brand.id, scope.session
        self.members: dict[str, Member] = {}
        self.identities: dict[tuple[int, str], MemberIdentity] = {}
        self.consents: dict[tuple[int, str], ConsentNow] = {}
        self.attributes: dict[tuple[int, int], MemberAttribute] = {}
        self.holder: dict[str, str] = {}  # phone -> number of the member who holds it
        for batch in batches(numbers):
            for member in session.scalars(
                select(Member).where(Member.brand_id == brand_id, bulk.among(Member.number, batch))
            ):
                self.members[member.number] = member
        for ids in batches([member.id for member in self.members.values()]):
            for identity in session.scalars(
                select(MemberIdentity).where(
                    MemberIdentity.brand_id == brand_id, bulk.among(MemberIdentity.member_id, ids)
                )
            ):
                self.identities[identity.member_id, identity.kind] = identity
            for consent in session.scalars(
                select(ConsentNow).where(
                    ConsentNow.brand_id == brand_id,
                    bulk.among(ConsentNow.member_id, ids),
                    ConsentNow.purpose == MARKETING,
                )
            ):
                self.consents[consent.member_id, consent.channel] = consent
            for value in session.scalars(
                select(MemberAttribute).where(
                    MemberAttribute.brand_id == brand_id, bulk.among(MemberAttribute.member_id, ids)
                )
            ):
                self.attributes[value.member_id, value.attribute_id] = value
        for batch in batches(phones):
            self.holder.update(queries.phone_holders(scope, batch))
