"""As whom a browser is known to a brand on members' pages: by a private link that it opened, or by what was typed in it.

The private link outweighs what was typed, since anybody can type anything. A membership that was made by typing counts for
its browser only as long as nobody has confirmed who it is: from then on, it is the private link that counts.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import Response, request

from webapp.campaigns import landing
from webapp.kernel import browser, edge
from webapp.kernel.errors import NotFound
from webapp.kernel.scope import Actor, BrandRef
from webapp.members import queries as members
from webapp.touchpoints import claiming


@dataclass(frozen=True, slots=True)
class Known:
    """A browser's member. sure: it has opened their private link."""

    member_id: int
    sure: bool


def member_of(brand: BrandRef) -> Known | None:
    """The member as whom this browser may take coupons."""
    visitor = landing.unseal(brand.id, request.cookies.get(landing.cookie(brand.id), ""))
    typed = browser.member(brand)
    if visitor is None and typed is None:
        return None
    with edge.read() as scope:
        seen = landing.visitor_of(scope, visitor)
        if seen is not None and seen.known and seen.member_id is not None:
            return Known(seen.member_id, True)
        if typed is None:
            return None
        try:
            members.get(scope, typed)
        except NotFound:
            return None
        return Known(typed, False) if claiming.unconfirmed(scope, typed) is not None else None


def _member_id(brand: BrandRef) -> int | None:
    found = member_of(brand)
    return found.member_id if found is not None else None


browser.recognise(_member_id)


def remember(response: Response, brand: BrandRef, member_id: int) -> None:
    """This browser has opened a member's private link."""
    if request.method != "GET" or browser.is_robot():
        return
    visitor = landing.unseal(brand.id, request.cookies.get(landing.cookie(brand.id), ""))
    with edge.read() as scope:
        seen = landing.visitor_of(scope, visitor)
    if seen is not None and seen.known and seen.member_id == member_id:
        return
    number = visitor or landing.new_visitor()
    edge.database().write(
        lambda scope: landing.remember(scope, number, member_id, known=True),
        brand=brand,
        actor=Actor("member", member_id),
    )
    browser.keep(response, landing.cookie(brand.id), landing.seal(brand.id, number))
