"""Quick sign-in: a manager makes a code, a guide types it. For chat apps whose browsers forget."""

from __future__ import annotations

from flask import Response, flash, request, url_for
from flask_babel import gettext as _

from webapp.kernel import edge, links, qr
from webapp.kernel.edge import PUBLIC
from webapp.kernel.errors import Refused
from webapp.kernel.limits import limit
from webapp.staff import cookie, people, quick
from webapp.staff.forms import QuickForm
from webapp.staff.permissions import ROLE_NAMES
from webapp.staff.routes.sign_in import who_asks

bp = edge.blueprint("quick", __name__)


@bp.get("/settings/quick", permission="staff.quick")
def index() -> Response:
    """For whom."""
    with edge.read() as scope:
        found = quick.for_whom(scope)
    return edge.page("pages/staff/quick_for.html", people=found, roles=ROLE_NAMES)


@bp.post("/settings/quick/<int:staff_id>", permission="staff.quick")
def make(staff_id: int) -> Response:
    """Show the code, this once."""
    if not limit("quick-make", str(edge.actor().id), 60, 3600):
        flash(_("Too many codes in an hour. Please wait."), "warn")
        return edge.redirect("quick.index")
    with edge.read() as scope:
        staff, _role = people.held(scope, staff_id)
    answer = edge.write(lambda scope: quick.make(scope, staff_id))
    if isinstance(answer, Refused):
        flash(_("No code can be made for this person: it is for guides and clerks of your stores."), "warn")
        return edge.redirect("quick.index")
    address = links.absolute(None, url_for("quick.ask", code=answer))
    return edge.page(
        "pages/staff/quick_code.html",
        code=f"{answer[:4]} {answer[4:]}",
        name=staff.name or staff.email,
        address=address,
        drawing=qr.svg(address),
        minutes=int(quick.LIVES.total_seconds()) // 60,
    )


@bp.get("/quick", permission=PUBLIC)
def ask() -> Response:
    """Where it is typed; a link brings it along, and still a button must be pressed: chat apps look at links."""
    form = QuickForm(formdata=None, data={"code": request.args.get("code", "")[:40]})
    return edge.page("pages/staff/quick.html", form=form)


@bp.post("/quick", permission=PUBLIC)
def use() -> Response:
    """In, for a day's work."""
    form, status = QuickForm(), 422
    if form.validate():
        if not limit("quick", request.remote_addr or "", 10, 300) or not limit("quick", "all", 300, 300):
            form.code.errors = [_("Too many tries. Please wait five minutes and try again.")]
            status = 429
        else:
            typed = str(form.code.data)
            answer = edge.write(lambda scope: quick.use(scope, typed, **who_asks()))
            if not isinstance(answer, Refused):
                return cookie.put(edge.go("/"), answer, quick=True)
            form.code.errors = [
                _("There is a letter too many, too few or wrong. Look at it again.")
                if answer.code == "mistyped"
                else _("This code was used already, or its ten minutes are over. Ask for a new one.")
            ]
    return edge.page("pages/staff/quick.html", status=status, form=form)
