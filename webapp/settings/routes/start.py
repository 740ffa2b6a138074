"""The one-time link of a shop without an owner, and its first brand."""

from __future__ import annotations

from flask import Response, g, request
from flask_babel import gettext as _

from webapp.brands import guesses, logo
from webapp.kernel import edge
from webapp.kernel.edge import PUBLIC, SIGNED_IN
from webapp.kernel.errors import Refused, UserError
from webapp.kernel.limits import limit
from webapp.settings import first_run
from webapp.settings.forms import ShopForm, SignUpForm
from webapp.settings.routes import picture, setup
from webapp.staff import cookie
from webapp.staff import service as staff

bp = edge.blueprint("start", __name__)


def to_the_first_page() -> Response | None:
    """Who came in by the first link and has no shop yet makes it, instead of choosing one of none."""
    if (
        request.endpoint not in ("staff.choose_brand", "today.show")
        or edge.actor().kind != "staff"
        or edge.brand()
    ):
        return None
    with edge.read() as scope:
        free = first_run.may_begin(scope)
    return edge.redirect("start.shop") if free else None


@bp.get("/start/<token>", permission=PUBLIC)
def sign_up(token: str) -> Response:
    """E-mail, name, password."""
    return _sign_up_page(token, SignUpForm(formdata=None))


@bp.post("/start/<token>", permission=PUBLIC)
def sign_up_post(token: str) -> Response:
    """Spend the link, make the account, sign in."""
    form = SignUpForm()
    if not limit("start", request.remote_addr or "", 20, 300):
        form.form_errors.append(_("Too many tries. Please wait five minutes and try again."))
        return _sign_up_page(token, form, 429)
    if not form.validate():
        return _sign_up_page(token, form, 422)
    try:
        email = staff.clean_email(str(form.email.data))
    except UserError:
        form.email.errors = [_("This is no e-mail address.")]
        return _sign_up_page(token, form, 422)
    with edge.read() as scope:
        if not first_run.is_good(scope, token):  # before the slow hash: a guess costs us nothing
            return _sign_up_page(token, form)
    hashed = form.hashed()
    if hashed is None:
        return _sign_up_page(token, form, 422)
    name = str(form.name.data)
    person = edge.write(
        lambda scope: first_run.sign_up(scope, token, email=email, name=name, password=hashed)
    )
    if isinstance(person, Refused):
        return _sign_up_page(token, form)
    agent = request.headers.get("User-Agent", "")
    session = edge.write(lambda scope: staff.open_session(scope, person.id, agent=agent))
    return cookie.put(edge.redirect("today.show"), session)


def _sign_up_page(token: str, form: SignUpForm, status: int = 200) -> Response:
    with edge.read() as scope:
        good = first_run.is_good(scope, token)
    if not good:
        return edge.page("pages/setup/link_spent.html", status=410)
    return edge.page("pages/setup/sign_up.html", status=status, form=form)


@bp.get("/setup/shop", permission=SIGNED_IN)
def shop() -> Response:
    """The shop itself: what cannot be guessed is asked, what can is filled in."""
    if (answer := _not_now()) is not None:
        return answer
    zone = guesses.machine_zone()
    region = guesses.region_of([str(tag) for tag in request.accept_languages.values()], zone)
    form = ShopForm(formdata=None, data={"region": region, "locale": guesses.language_of(region)})
    return edge.page("pages/setup/shop.html", form=form)


@bp.post("/setup/shop", permission=SIGNED_IN)
def shop_post() -> Response:
    """Make it; whoever makes it owns it."""
    if (answer := _not_now()) is not None:
        return answer
    form = ShopForm()
    drawn = picture.drawn(form)
    if not (form.validate() and form.settle()) or isinstance(drawn, Refused):
        picture.refuse(form, drawn)
        return edge.page("pages/setup/shop.html", status=422, form=form)
    me, name = edge.actor().id, str(form.name.data).strip()
    made = edge.write(
        lambda scope: first_run.begin(
            scope,
            me,
            code=str(form.code.data or "") or guesses.code_of(name),
            name=name,
            currency=str(form.currency.data),
            timezone=str(form.timezone.data),
            region=str(form.region.data),
            locale=str(form.locale.data),
            colour=str(form.colour.data or ""),
        )
    )
    if isinstance(made, Refused):
        return edge.redirect("today.show")
    if drawn is not None:
        edge.write(lambda scope: logo.keep(scope, drawn), within=made)
    g.brand = made
    return setup.begin(edge.redirect("setup.index"))


def _not_now() -> Response | None:
    """Somewhere else, for who has a shop already or is none of its first."""
    if edge.brand() is not None:
        return edge.redirect("shop.edit")
    with edge.read() as scope:
        free = first_run.may_begin(scope)
    return None if free else edge.redirect("staff.choose_brand")
