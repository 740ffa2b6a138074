"""Writing and sending a campaign in the browser, without JavaScript, to its end; and what is said when something is wrong."""

from __future__ import annotations

import re
from typing import Any

from tests.factories import make_members, make_offer
from tests.support.databases import ONE_DATABASE
from tests.support.smtp import SmtpReceiver
from tests.support.web import HTMX, Client, Worker, text_of
from webapp.campaigns import service
from webapp.kernel.db import Database
from webapp.kernel.errors import Refused
from webapp.kernel.scope import BrandRef
from webapp.plugin_runtime import context

pytestmark = ONE_DATABASE
GOOD = {"x_subject": "Hello {{ member.name }}", "x_text": "Your coupon: {{ coupon.url }}", "x_html": ""}


def draft(db: Database, brand: BrandRef, **more: Any) -> int:
    def unit(scope: Any) -> int:
        made = service.create(scope, **({"name": "Hello", "channel": "email"} | more))
        assert not isinstance(made, Refused), made
        return made.id

    return db.write(unit, brand=brand)


def test_from_the_first_word_to_the_results(
    client: Client, db: Database, brand: BrandRef, mail: SmtpReceiver, worker: Worker
) -> None:
    """Every step by plain forms; the worker sends; each figure opens to its rows."""
    people = db.write(lambda scope: make_members(scope, 6), brand=brand)
    db.write(lambda scope: make_members(scope, 2, first=50, consents={}), brand=brand)
    offer = db.write(lambda scope: make_offer(scope, stock=5), brand=brand)
    empty = client.get("/campaigns")
    assert "No campaign yet" in empty.text

    page = client.submit("/campaigns/new", {"name": "Spring", "offer": str(offer.id)})
    assert page.request.path.endswith("/audience"), page.text
    assert "8" in text_of(page.text).split("In the audience")[1][:6]
    id_ = int(page.request.path.split("/")[2])

    page = client.submit(f"/campaigns/{id_}/audience", {"do": "add", "add": "joined"})
    assert page.status_code == 200 and "c0-min" in page.text
    page = client.post(
        f"/campaigns/{id_}/audience",
        data={"do": "save", "c0-field": "joined", "c0-max": "3"},
        follow_redirects=True,
    )
    assert page.request.path.endswith("/message"), page.text
    page = client.submit(f"/campaigns/{id_}/message", GOOD)
    assert page.request.path.endswith("/preview"), text_of(page.text)
    assert "Hello Member 1" in page.text and "As Member 1 would get it" in text_of(page.text)

    page = client.submit(f"/campaigns/{id_}/preview", form="/test")
    assert "Sent to owner@acme.example" in page.text, text_of(page.text)
    assert [one["To"] for one in mail.messages()] and len(mail.messages()) == 1

    review = client.get(f"/campaigns/{id_}/review")
    words = text_of(review.text)
    assert "Send to 5 members" in words and "Has not agreed to be written to 2" in words, words
    assert "No coupon left 1" in words and "100.00" in words  # 5 coupons of 20.00
    page = client.submit(f"/campaigns/{id_}/review", form="/send")
    assert "being prepared" in page.text
    worker.run()
    page = client.get(f"/campaigns/{id_}")
    words = text_of(page.text)
    assert "done" in words and "5 of 5" in words, words
    assert len(mail.messages()) == 6
    for show in ("promised", "sent", "left_out", "failed", "opened", "unknown"):
        rows = client.get(f"/campaigns/{id_}/messages?show={show}")
        assert rows.status_code == 200
    assert len(re.findall("example.com", client.get(f"/campaigns/{id_}/messages?show=sent").text)) == 5
    assert len(re.findall(r"/members/\d+", client.get(f"/campaigns/{id_}/coupons").text)) == 5
    assert "Spring" in client.get("/campaigns").text
    assert "Spring" in client.get("/").text
    assert "Messages they got" in client.get(f"/members/{people[0].id}").text


def test_a_wrong_placeholder_is_named_beside_its_field(
    client: Client, db: Database, brand: BrandRef, app: Any
) -> None:
    id_ = draft(db, brand)
    page = client.submit(
        f"/campaigns/{id_}/message",
        {
            "x_subject": "",
            "x_text": "a\n{{ member.nmae }}",
            "x_html": "{{ coupon.url }}{% for x in y %}{% endfor %}",
        },
    )
    assert page.status_code == 422
    words = text_of(page.text)
    assert "This is needed." in words
    assert "There is no placeholder “member.nmae”" in words and "(line 2)" in words
    assert "“coupon.url” needs an offer" in words
    assert "“for” cannot be used" in words
    assert "{{ member.nmae }}" in page.text  # what was typed is still there
    assert not db.write(lambda scope: service.review(scope, id_), brand=brand).counted.reached


def test_conditions_that_say_nothing_are_marked(
    client: Client, db: Database, brand: BrandRef, app: Any
) -> None:
    id_ = draft(db, brand)
    page = client.post(
        f"/campaigns/{id_}/audience",
        data={
            "do": "save",
            "c0-field": "stage",
            "c1-field": "orders", "c1-min": "5", "c1-max": "2", "c1-days": "0",
            "c2-field": "paid", "c2-min": "1.234",
            "c3-field": "last_order",
        },
    )  # fmt: skip
    assert page.status_code == 422
    words = text_of(page.text)
    for said in ("Choose at least one.", "This must not be below the other.", "Give 1 to 36500 days",
                 "Give an amount such as 12.50.", "Fill in one of the two, or both."):  # fmt: skip
        assert said in words, (said, words)
    page = client.post(
        f"/campaigns/{id_}/audience",
        data={"remove": "0", "c0-field": "stage", "c1-field": "orders", "c1-min": "5", "c1-days": "30"},
    )
    assert page.status_code == 200 and "Stage of the life cycle</legend>" not in page.text
    assert 'name="c0-min" value="5"' in page.text


def test_the_count_is_a_fragment_for_htmx_and_a_page_without(
    client: Client, db: Database, brand: BrandRef, app: Any
) -> None:
    id_ = draft(db, brand)
    db.write(lambda scope: make_members(scope, 3), brand=brand)
    data = {"c0-field": "last_order", "c0-never": "1"}
    part = client.post(f"/campaigns/{id_}/audience/count", data=data, headers=HTMX)
    assert part.status_code == 200 and "<html" not in part.text
    assert "In the audience 3" in text_of(part.text)
    page = client.post(f"/campaigns/{id_}/audience/count", data=data)
    assert "<html" in page.text and "In the audience 3" in text_of(page.text)


def test_html_is_shown_in_a_frame_where_nothing_runs(
    client: Client, db: Database, brand: BrandRef, app: Any
) -> None:
    id_ = draft(db, brand)
    (member,) = db.write(lambda scope: make_members(scope, 1, name="<script>x</script>"), brand=brand)
    said = {"subject": "s", "text": "t", "html": "<b onclick=x>{{ member.name }}</b><script>1</script>"}
    db.write(lambda scope: service.set_content(scope, id_, said), brand=brand)
    frame = client.get(f"/campaigns/{id_}/preview/html?member={member.id}")
    assert "<script" not in frame.text and "onclick" not in frame.text and "&lt;script&gt;" in frame.text
    assert frame.headers["Content-Security-Policy"].startswith("sandbox;")
    assert f"/campaigns/{id_}/preview/html" in client.get(f"/campaigns/{id_}/preview").text
    assert client.get(f"/campaigns/{id_}/preview/subject").status_code == 404


def test_who_may_not_send_can_neither_send_nor_see_the_button(
    app: Any, db: Database, brand: BrandRef
) -> None:
    id_ = draft(db, brand)
    clerk = app.test_client().sign_in("clerk")
    for url in ("/campaigns", f"/campaigns/{id_}/review"):
        assert clerk.get(url).status_code == 403
    for verb in ("send", "pause", "resume", "cancel", "test"):
        assert clerk.post(f"/campaigns/{id_}/{verb}", data={"key": "12345678"}).status_code == 403


def test_what_is_sent_off_is_not_edited(client: Client, db: Database, brand: BrandRef, app: Any) -> None:
    id_ = draft(db, brand)
    page = client.submit(f"/campaigns/{id_}/cancel")
    assert "cancelled" in page.text
    assert client.get(f"/campaigns/{id_}/message").status_code == 409
    assert (
        client.post(f"/campaigns/{id_}/send", data={"key": "12345678"}, follow_redirects=True).status_code
        == 200
    )


def test_unknown_messages_are_settled_by_a_person(
    client: Client, db: Database, brand: BrandRef, app: Any
) -> None:
    """One arrived, one is sent again; who sees addresses masked sees them masked here too."""
    from sqlalchemy import select, update

    from webapp.campaigns import laying
    from webapp.outbox.models import Delivery

    db.write(lambda scope: make_members(scope, 3), brand=brand)
    id_ = draft(db, brand)
    said = {"subject": "s", "text": "t"}

    def go(scope: Any) -> None:
        service.set_content(scope, id_, said)
        context.save_settings(
            scope,
            "channel_email",
            {"host": "127.0.0.1", "port": 1, "security": "none", "from_address": "a@acme.example"},
        )
        assert service.send(scope, id_) is None

    db.write(go, brand=brand)
    laying.lay(db, brand, id_)
    db.write(lambda scope: scope.session.execute(update(Delivery).values(state="unknown")), brand=brand)
    page = client.get(f"/campaigns/{id_}/messages?show=unknown")
    assert page.text.count("It arrived") == 3 and "m00001@example.com" in page.text
    answers = re.findall(r'action="([^"]+/unknown/[^"]+)"', page.text)
    first, second = answers[0], answers[3]  # the first message arrived, the second goes again
    assert first.endswith("arrived") and second.endswith("again")
    assert client.post(first, follow_redirects=True).status_code == 200
    assert "It is sent once more" in client.post(second, follow_redirects=True).text
    assert "answered this already" in client.post(first, follow_redirects=True).text
    with db.read(brand=brand) as scope:
        states = sorted(scope.session.scalars(select(Delivery.state)))
    assert states == ["queued", "sent", "unknown"]


def test_progress_is_a_fragment_that_asks_again_only_while_it_runs(
    client: Client, db: Database, brand: BrandRef, app: Any
) -> None:
    db.write(lambda scope: make_members(scope, 2), brand=brand)
    id_ = draft(db, brand)

    def go(scope: Any) -> None:
        service.set_content(scope, id_, {"subject": "s", "text": "t"})
        context.save_settings(
            scope,
            "channel_email",
            {"host": "127.0.0.1", "port": 1, "security": "none", "from_address": "a@acme.example"},
        )
        assert service.send(scope, id_) is None

    db.write(go, brand=brand)
    part = client.fragment(f"/campaigns/{id_}")
    assert "<html" not in part.text and 'hx-trigger="every 3s"' in part.text and "Reload" in part.text
    client.submit(f"/campaigns/{id_}/cancel")
    service.wind_up(db, brand, id_)
    part = client.fragment(f"/campaigns/{id_}")
    assert "hx-trigger" not in part.text and "cancelled" in part.text


def test_another_brands_campaign_is_not_there(client: Client, db: Database, app: Any) -> None:
    from tests.factories import make_brand

    other = db.write(make_brand)
    id_ = draft(db, other)
    for url in ("", "/audience", "/message", "/preview", "/review", "/messages", "/coupons", "/cancel"):
        assert client.get(f"/campaigns/{id_}{url}").status_code == 404, url
    assert client.post(f"/campaigns/{id_}/send", data={"key": "12345678"}).status_code == 404
