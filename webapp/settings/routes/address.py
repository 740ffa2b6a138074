"""Settings, Public address: where members' phones reach the shop, and a check by one of them."""

from __future__ import annotations

from flask import Response, current_app, flash, request, session
from flask_babel import gettext as _

from webapp.kernel import edge, links, qr
from webapp.kernel.edge import PUBLIC
from webapp.kernel.errors import Refused
from webapp.kernel.limits import limit
from webapp.kernel.scope import Scope
from webapp.settings import address
from webapp.settings.forms import AddressForm

bp = edge.blueprint("address", __name__)
WORD = "address_word"  # in the browser's session: the check that this person has begun


@bp.get("/settings/address", permission="settings.edit")
def show() -> Response:
    """The address, whether it was checked, and the way to check it. Asked for `check` alone while it waits."""
    stored = links.state()
    value = stored.url if stored and stored.source == "stored" else ""
    return _page(AddressForm(formdata=None, data={"address": value}))


@bp.post("/settings/address", permission="settings.edit")
def save() -> Response:
    """Store it: links lead there from now on."""
    form = AddressForm()
    if not form.validate():
        return _page(form, 422)
    text = str(form.address.data or "").strip()
    url = address.clean(text) if text else ""
    if isinstance(url, Refused):
        form.refuse(url)
        return _page(form, 422)
    edge.write(lambda scope: address.store(scope, url))
    session.pop(WORD, None)
    flash(_("Saved. Now check it with a phone.") if url else _("Saved."), "good")
    return edge.redirect("address.show")


@bp.post("/settings/address/check", permission="settings.edit")
def check() -> Response:
    """A new one-time word for the phone."""
    now = links.state()
    assert now is not None  # a request has at least its own address
    session[WORD] = edge.write(lambda scope: address.begin_check(scope, now.url))
    return edge.redirect("address.show", _anchor="check")


def _page(form: AddressForm, status: int = 200) -> Response:
    now = links.state()
    assert now is not None
    word = session.get(WORD)
    with edge.read() as scope:
        if word is not None and not address.is_waiting(scope, word, now.url):
            word = None
    url = f"{now.url}/reach/{word}" if word else ""
    settings = current_app.extensions["regulars.settings"]
    return edge.page(
        "pages/settings/address.html",
        "check",
        status=status,
        form=form,
        now=now,
        reach=url,
        qr=qr.svg(url, border=4) if url else None,
        proxies=settings.proxies,
        seen=request.remote_addr or "",
    )


# -- what the phone opens ----------------------------------------------------------------------------------------------


@bp.get("/reach/<word>", permission=PUBLIC)
def reach(word: str) -> Response:
    """Opened by the phone: this address leads here."""
    return _reached(word, said=False)


@bp.post("/reach/<word>", permission=PUBLIC)
def reach_post(word: str) -> Response:
    """A proxy hides where the phone is; the person has said that it is outside."""
    return _reached(word, said=True)


def _reached(word: str, *, said: bool) -> Response:
    if not limit("reach", request.remote_addr or "", 60, 300):
        return edge.page("pages/settings/reached.html", status=429, seen="unknown")

    def work(scope: Scope) -> address.Seen:
        return address.opened(scope, word, host=request.host, remote=request.remote_addr or "", said=said)

    seen = edge.write(work)
    status = {"unknown": 410, "elsewhere": 409}.get(seen, 200)
    return edge.page("pages/settings/reached.html", status=status, seen=seen)
