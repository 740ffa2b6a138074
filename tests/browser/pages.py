"""Every page that a person can look at, and how it is reached in the sample shop. The walk's one table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Flask

from tests.browser.shop import Shop

Ids = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stop:
    """A page. who: the role that looks, None for somebody unknown. fill: field -> text, then the form is sent: an error
    state that must be as good as the page itself (status: what the answer carries)."""

    endpoint: str
    path: Callable[[Ids], str]
    who: str | None = "owner"
    fill: dict[str, str] | None = None
    status: int = 200


def at(endpoint: str, path: str, **more: Any) -> Stop:
    """A page whose address is filled from the shop's ids."""
    return Stop(endpoint, lambda ids: path.format(**ids), **more)


STOPS = (
    at("staff.sign_in", "/sign-in", who=None),
    at("staff.sign_in", "/sign-in", who=None, fill={"email": "a@b.example", "password": "x"}, status=422),
    at("staff.welcome", "/welcome/{link}", who=None),
    at("staff.welcome", "/welcome/{link}", who=None, fill={"password": "short"}, status=422),
    at("staff.welcome", "/welcome/spent", who=None, status=410),
    at("staff.choose_brand", "/brands"),
    at("account.show", "/account", who="clerk"),
    at("account.password", "/account/password"),
    at("account.password", "/account/password", fill={"now": "x", "password": "short"}, status=422),
    at("account.second_factor", "/account/second-factor"),
    at("account.second_factor", "/account/second-factor", fill={"now": "x"}, status=422),
    at("people.index", "/settings/staff"),
    at("people.show", "/settings/staff/{colleague}"),
    at("people.ask", "/settings/staff/invite"),
    at("people.ask", "/settings/staff/invite", fill={"email": "no address"}, status=422),
    at("people.ask", "/settings/staff/invite", fill={"email": "hong@acme.example"}),
    at("people.invited", "/invited/{invite}", who=None),
    at("people.invited", "/invited/{invite}", who=None, fill={"name": "Grace", "password": "x"}, status=422),
    at("people.invited", "/invited/spent", who=None, status=410),
    at("quick.index", "/settings/quick", who="manager"),
    at("quick.ask", "/quick", who=None),
    at("quick.ask", "/quick", who=None, fill={"code": "BCDFG"}, status=422),
    at("today.show", "/"),
    at("today.show", "/", who="clerk"),
    at("today.more", "/more"),
    at("members.index", "/members"),
    at("members.index", "/members?q=nobodyatall"),
    at("members.profile", "/members/{member}"),
    at("members.profile", "/members/{empty_member}", who="clerk"),
    at("members.profile", "/members/1", status=404),
    at("lifecycle.index", "/lifecycle"),
    at("members.new", "/members/new"),
    at("members.new", "/members/new", fill={"name": "Ada", "phone": "12"}, status=422),
    at("members.edit", "/members/{member}/edit"),
    at("orders.of_member", "/members/{member}/orders"),
    at("counter.index", "/counter", who="clerk"),
    at("counter.index", "/counter?code={code}&basket=150&store={store}", who="clerk"),
    at("counter.index", "/counter?code={code}&basket=abc&store={store}", who="clerk", status=422),
    at("counter.index", "/counter?code=XXXXXXXXX&basket=150&store={store}", who="clerk", status=422),
    at("counter.index", "/counter?code={used_code}&basket=150&store={store}", who="clerk"),
    at("counter.done", "/counter/{redemption}", who="clerk"),
    at("counter.ask", "/counter/find", who="clerk"),
    at("counter.ask", "/counter/find", who="clerk", fill={"who": "13800138000"}, status=404),
    at("counter.index", "/counter"),
    at("imports.index", "/imports"),
    at("imports.new", "/imports/new"),
    at("imports.new", "/imports/new", fill={"source": "till"}, status=422),
    at("imports.columns", "/imports/{file_uploaded}/columns"),
    at("imports.show", "/imports/{file_checked}"),
    at("imports.show", "/imports/{file_brought}"),
    at("offers.index", "/offers"),
    at("offers.new", "/offers/new?type=spend_and_save"),
    at("offers.new", "/offers/new"),
    at("offers.new", "/offers/new?type=spend_and_save", fill={"name": ""}, status=422),
    at("offers.new", "/offers/new?type=percent", fill={"term_basis_points": "101"}, status=422),
    at("offers.show", "/offers/{offer}"),
    at("offers.show", "/offers/{draft_offer}"),
    at("offers.edit", "/offers/{offer}/edit"),
    at("offers.edit_who", "/offers/{offer}/who"),
    at("offers.edit_who", "/offers/{draft_offer}/who"),
    at("offer_codes.show", "/offers/{offer}/codes"),
    at("offer_codes.show", "/offers/{offer}/codes", fill={"word": "a!"}, status=422),
    at("offer_figures.show", "/offers/figures"),
    at("offer_figures.show", "/offers/figures?by=stage&offer={offer}"),
    at("offer_figures.show", "/offers/figures?by=staff&of=used"),
    at("offer_figures.show", "/offers/figures?since=2026-02-02&until=2026-01-01", status=422),
    at("offer_figures.rows", "/offers/figures/rows?by=offer&what=issued&key={offer}"),
    at("offer_figures.rows", "/offers/figures/rows?by=tag&what=gifts"),
    at("coupons.index", "/coupons"),
    at("coupons.show", "/coupons/{coupon}"),
    at("coupons.show", "/coupons/{used_coupon}"),
    at("coupons.choose", "/members/{empty_member}/give"),
    at("coupon_page.show", "/c/{token}", who=None),
    at("coupon_page.show", "/c/{claimed_token}", who=None),
    at("coupon_page.show", "/c/{used_token}", who=None),
    at("coupon_page.show", "/c/nosuchtoken", who=None, status=404),
    at("campaigns.index", "/campaigns"),
    at("campaigns.new", "/campaigns/new"),
    at("campaigns.new", "/campaigns/new", fill={"name": ""}, status=422),
    at("campaigns.show", "/campaigns/{campaign}"),
    at("campaigns.show", "/campaigns/{draft}"),
    at("campaigns.edit_basics", "/campaigns/{draft}/basics"),
    at("campaigns.edit_audience", "/campaigns/{draft}/audience"),
    at("campaigns.edit_message", "/campaigns/{draft}/message"),
    at(
        "campaigns.edit_message",
        "/campaigns/{draft}/message",
        fill={"x_text": "{{ member.shoe }}"},
        status=422,
    ),
    at("campaigns.preview", "/campaigns/{draft}/preview"),
    at("campaigns.review", "/campaigns/{draft}/review"),
    at("campaigns.ask_cancel", "/campaigns/{running}/cancel"),
    at("campaigns.show", "/campaigns/{running}"),
    at("campaigns.messages_of", "/campaigns/{campaign}/messages"),
    at("campaigns.coupons_of", "/campaigns/{campaign}/coupons"),
    at("join.show", "/t/{door}", who=None),
    at("join.show", "/t/{door}", who=None, fill={"phone": "12"}, status=422),
    at("join.show", "/t/{resting_door}", who=None, status=410),
    at("join.show", "/t/nosuchcode", who=None, status=404),
    at("join.done", "/t/{door}/in", who=None),
    at("touchpoints.index", "/touchpoints", who="manager"),
    at("touchpoints.new", "/touchpoints/new"),
    at("touchpoints.new", "/touchpoints/new", fill={"name": ""}, status=422),
    at("touchpoints.show", "/touchpoints/{touchpoint}"),
    at("touchpoints.edit", "/touchpoints/{touchpoint}/edit"),
    at("touchpoints.duties", "/touchpoints/guides"),
    at("touchpoint_figures.show", "/touchpoints/figures?by=place"),
    at("touchpoint_figures.show", "/touchpoints/figures?by=guide&days=7"),
    at("touchpoint_figures.rows", "/touchpoints/rows?what=joins&by=code"),
    at("touchpoint_figures.rows", "/touchpoints/rows?what=scans&by=place&key=window"),
    at("touchpoint_sheets.show", "/touchpoints/{touchpoint}/sheet?size=tent"),
    at("member_guides.edit", "/members/{member}/guides"),
    at("members.profile", "/members/{joined_member}"),
    at("tasks.index", "/tasks", who="guide"),
    at("tasks.index", "/tasks?show=ended", who="guide"),
    at("tasks.index", "/tasks?said={slip}", who="guide"),
    at("tasks.show_one", "/tasks/{slip}?show=ended", who="guide"),
    at("tasks.show_one", "/tasks/{stopped_task}", who="manager"),
    at("tasks.of_worker", "/tasks/board/{guide}/stopped", who="manager"),
    at("tasks.show_one", "/tasks/{task}", who="guide"),
    at("tasks.show_one", "/tasks/{free_task}", who="manager"),
    at("tasks.show_one", "/tasks/1", who="clerk", status=404),
    at("tasks.show_board", "/tasks/board", who="manager"),
    at("tasks.of_worker", "/tasks/board/{guide}/overdue", who="manager"),
    at("tasks.new", "/tasks/new?member={member}", who="manager"),
    at("tasks.new", "/tasks/new", who="manager", fill={"member": "nobody", "title": "Ring"}, status=422),
    at("tasks.signs", "/tasks/signs?days=30", who="manager"),
    at("catalogue.index", "/catalogue"),
    at("catalogue.index", "/catalogue?q=nosuchproduct"),
    at("catalogue.index", "/catalogue?category=Tea"),
    at("catalogue.show", "/catalogue/products/{product}"),
    at("catalogue.show", "/catalogue/products/{product}", fill={"price": "dear"}, status=422),
    at("catalogue.show", "/catalogue/products/{product}", who="manager"),
    at("catalogue.new", "/catalogue/new"),
    at("catalogue.new", "/catalogue/new", fill={"code": ""}, status=422),
    at("catalogue.categories", "/catalogue/categories"),
    at("catalogue.category", "/catalogue/categories/{category}"),
    at("catalogue.file", "/catalogue/file"),
    at("tags.index", "/tags", who="manager"),
    at("tags.index", "/tags", who="manager", fill={"group": "Taste", "tag": ""}, status=422),
    at("groups.index", "/groups"),
    at("groups.index", "/groups?q=nosuchgroup"),
    at("groups.new", "/groups/new"),
    at("groups.new", "/groups/new", fill={"name": "", "link": "nowhere"}, status=422),
    at("groups.show", "/groups/{group}"),
    at("groups.show", "/groups/{lonely_group}"),
    at("groups.edit", "/groups/{group}/edit"),
    at("groups.members_of", "/groups/{group}/members?q=m0000"),
    at("groups.members_of", "/groups/{group}/members?show=left"),
    at("groups.members_of", "/groups/{lonely_group}/members"),
    at("groups.list_page", "/groups/{group}/list"),
    at("groups.list_page", "/groups/{group}/list", fill={"list": ","}, status=422),
    at("groups.types", "/groups/types"),
    at("groups.types", "/groups/types", fill={"name": "Fans"}, status=422),
    at("campaigns.new", "/campaigns/new?for=groups"),
    at("campaigns.edit_groups", "/campaigns/{post_draft}/groups"),
    at("campaigns.edit_post", "/campaigns/{post_draft}/post"),
    at(
        "campaigns.edit_post",
        "/campaigns/{post_draft}/post",
        fill={"x_text": "{{ member.name }}"},
        status=422,
    ),
    at("campaigns.preview_posts", "/campaigns/{post_draft}/posts"),
    at("campaigns.review", "/campaigns/{post_draft}/review"),
    at("campaigns.show", "/campaigns/{posted}"),
    at("campaigns.in_group", "/campaigns/{posted}/groups/{group}"),
    at("campaigns.post", "/campaigns/{posted}/post/{group}"),
    at("group_link.show", "/g/{group_link}", who=None),
    at("group_link.show", "/g/nosuchword", who=None, status=404),
    at("preferences.show", "/p/{own_page}", who=None),
    at("preferences.show", "/p/nosuchword", who=None, status=404),
    at("outbox.unsubscribe", "/u/{leave}", who=None),
    at("outbox.unsubscribe", "/u/nosuchword", who=None, status=404),
    at("outbox.try_channel", "/settings/channels/email/try"),
    at("backup.index", "/settings/backups"),
    at("backup.index", "/settings/backups", fill={"keep": "0", "folder": "nowhere"}, status=422),
    at("start.sign_up", "/start/spent", who=None, status=410),
    at("setup.index", "/setup"),
    at("setup.mail", "/setup/mail"),
    at("setup.mail", "/setup/mail", fill={"port": "many"}, status=422),
    at("shop.edit", "/settings/shop"),
    at("shop.edit", "/settings/shop", fill={"name": ""}, status=422),
    at("stores.index", "/settings/stores"),
    at("stores.index", "/settings/stores", fill={"names": ""}, status=422),
    at("stores.edit", "/settings/stores/{store}"),
    at("stores.edit", "/settings/stores/{store}", fill={"name": ""}, status=422),
    at("address.show", "/settings/address"),
    at("address.reach", "/reach/spent", who=None, status=410),
    at("plugins.index", "/settings/plugins"),
    at("plugins.index", "/settings/plugins", who="clerk", status=403),
    at("plugins.edit", "/settings/plugins/channel_email"),
    at("plugins.edit", "/settings/plugins/lifecycle_five_stage"),
    at(
        "plugins.edit",
        "/settings/plugins/lifecycle_five_stage",
        fill={"maturity_orders": "many"},
        status=422,
    ),
)
# GET routes that are no pages of their own, each with its reason.
NO_PAGE = {
    "plugin_pages.public": "pages of plugins: each is walked by its own address, if a plugin brings some",
    "plugin_pages.staff": "the same, for the shop's people",
    "imports.bad": "a download",
    "offer_figures.download": "a download",
    "staff.second": "only after a right password: tests/web/staff/test_factor.py walks it",
    "join.default": "leads to join.show",
    "join.group_picture": "a chat group's QR code, as a picture",
    "touchpoint_sheets.as_svg": "a sheet to print, as a picture",
    "touchpoint_sheets.as_pdf": "the same as a PDF",
    "touchpoint_sheets.qr": "a code alone, as a picture",
    "static_asset": "style, script and icons",
    "brands.logo": "a picture",
    "start.shop": "only in a shop without a brand: test_first_run.py walks it",
    "groups.picture": "an uploaded picture",
    "campaigns.picture": "an uploaded picture",
    "group_link.picture": "an uploaded picture",
    "outbox.opened": "a picture of one dot",
    "campaigns.preview_html": "the mail's own HTML, framed by campaigns.preview; it may run nothing, axe neither",
}


def missing(app: Flask) -> set[str]:
    """GET endpoints that are neither walked nor excused."""
    gets = {rule.endpoint for rule in app.url_map.iter_rules() if "GET" in (rule.methods or set())}
    return gets - {stop.endpoint for stop in STOPS} - NO_PAGE.keys()


def cookies(shop: Shop, role: str | None) -> list[dict[str, str]]:
    """The session of a role, as the browser carries it."""
    from webapp.staff.routes import COOKIE

    return [] if role is None else [{"name": COOKIE, "value": shop.session(role), "url": shop.address}]
