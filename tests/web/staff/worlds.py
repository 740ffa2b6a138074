"""Rows of every kind, three times: in the actor's store, in another store of the brand, in another brand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tests import factories as make
from webapp.api.models import ApiKey
from webapp.campaigns import drafts
from webapp.catalogue import queries as shelves
from webapp.catalogue import service as catalogue
from webapp.catalogue.service import ProductIn
from webapp.coupons import public_page
from webapp.coupons import service as coupons
from webapp.groups import service as groups
from webapp.imports.models import Import
from webapp.kernel.db import Database
from webapp.kernel.errors import Refused
from webapp.kernel.scope import SYSTEM, BrandRef, Scope
from webapp.matrix import service as matrices
from webapp.segments.rules import Rule
from webapp.staff import service as staff
from webapp.staff.models import StaffInvite
from webapp.tags import service as tags
from webapp.tasks import service as tasks
from webapp.touchpoints import service as touchpoints

# Kinds of rows that belong to a store: an id of one in another store leads nowhere for who works in stores.
OF_STORES = {
    "member_id",
    "coupon_id",
    "redemption_id",
    "task_id",
    "group_id",
    "touchpoint_id",
    "note_id",
    "basket_id",
}


@dataclass(frozen=True, slots=True)
class World:
    """Ids by the names that addresses use; `mark` stands in every name that only this world may show.

    What the whole brand shares (offers, campaigns, tags, colleagues' names) wears the brand's mark, for the same reason.
    """

    mark: str
    ids: dict[str, Any]


def good(answer: Any) -> Any:
    assert not isinstance(answer, Refused), answer
    return answer


def make_world(
    db: Database, brand: BrandRef, store_id: int, mark: str, phone: str, *, of_brand: str
) -> World:
    """One of each. A new kind of row? Its id goes in under the name that its routes use."""

    def work(scope: Scope) -> dict[str, Any]:
        member = make.make_member(scope, name=f"Zhang {mark}", phone=phone, store_id=store_id)
        offer = make.make_offer(scope, name=f"Offer {of_brand}", per_person=5)
        coupon, used = (
            good(coupons.give(scope, offer.id, member.id, f"{mark}-coupon-{n}")) for n in range(2)
        )
        public_page.publish(scope, offer.id)
        catalogue.put(scope, [ProductIn(f"Goods {of_brand} {phone[-1]}", category=f"Shelf {of_brand}")])
        product = good(shelves.by_code(scope, f"Goods {of_brand} {phone[-1]}"))
        [shelf], _more = shelves.category_page(scope)
        redemption = good(
            coupons.redeem(scope, typed=used.code, basket_minor=20_000, key=f"{mark}-used", store_id=store_id)
        )
        campaign = good(drafts.create(scope, name=f"Campaign {of_brand}", channel="email"))
        group = good(groups.add(scope, groups.Details(name=f"Group {mark}", store_id=store_id)))
        door = good(touchpoints.new(scope, touchpoints.Details(f"Door {mark}", store_id=store_id)))
        task = tasks.add(
            scope, key=mark, title=f"Call {mark}", text="Say hello.", store_id=store_id, member_id=member.id
        )
        tag_group = good(tags.add_group(scope, f"Likes {of_brand} {phone[-1]}"))
        tag = good(tags.add_tag(scope, tag_group, "Tea"))
        person = staff.let_in(
            scope, email=f"{of_brand}{phone[-1]}@people.example", role="guide", stores=[store_id]
        )
        invite = StaffInvite(
            brand_id=scope.brand.id,
            id=scope.new_id(),
            digest=mark.ljust(64, "0"),
            email=f"new-{of_brand}{phone[-1]}@people.example",
            role="guide",
            stores=[],
            invited_by=person.id,
            created_at=scope.now,
            expires_at=scope.now + timedelta(days=1),
        )
        scope.session.add(invite)
        file = Import(
            brand_id=scope.brand.id,
            id=scope.new_id(),
            kind="members",
            source="till",
            filename=f"{of_brand}.csv",
            state="done",
            options={},
            stage="",
            counts={},
            created_by=person.id,
            created_at=scope.now,
            finished_at=scope.now,
        )
        api_key = ApiKey(
            brand_id=scope.brand.id,
            id=scope.new_id(),
            name=f"Till {of_brand}",
            digest=mark.ljust(64, "1"),
            scopes=["redeem"],
            made_by=person.id,
            created_at=scope.now,
        )
        matrix = good(matrices.new(scope, f"Matrix {of_brand}"))
        scope.session.add_all([file, api_key])
        scope.session.flush()
        return {
            "import_id": file.id,
            "api_key_id": api_key.id,
            "store_id": store_id,
            "member_id": member.id,
            "offer_id": offer.id,
            "coupon_id": coupon.id,
            "redemption_id": redemption.id,
            "campaign_id": campaign.id,
            "group_id": group.id,
            "touchpoint_id": door.id,
            "task_id": task,
            "tag_id": tag,
            "note_id": good(tags.write_note(scope, member.id, f"Note {mark}")),
            "staff_id": person.id,
            "invite_id": invite.id,
            "matrix_id": matrix.id,
            "row_id": good(matrices.add_row(scope, matrix.id, Rule(), offer.id)).id,
            "event_id": good(public_page.save_event(scope, None, f"Event {of_brand}", "", [offer.id])).id,
            "product_id": product.id,
            "category_id": shelf.id,
            "basket_id": redemption.basket_id,
        }

    return World(mark, db.write(work, brand=brand, actor=SYSTEM))
