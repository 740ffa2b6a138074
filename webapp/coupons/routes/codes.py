"""The codes of an offer: shared words, printed batches, how often each was used; a batch as a file for the print shop."""

from __future__ import annotations

import csv
import io
from typing import Any

from flask import Response, flash, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from wtforms import StringField
from wtforms.validators import InputRequired, Length

from webapp.coupons import codes, queries
from webapp.kernel import edge
from webapp.kernel.edge import Form
from webapp.kernel.errors import Refused
from webapp.kernel.fields import WholeField
from webapp.kernel.scope import Scope
from webapp.kernel.steps import run_steps

bp = edge.blueprint("offer_codes", __name__)

REFUSALS = {
    "word": ("word", _l("Use 3 to 40 letters and digits.")),
    "most": ("most", _l("Between 1 and 10,000,000.")),
    "used": ("most", _l("It has brought more coupons than that already.")),
    "word_taken": ("word", _l("This word belongs to another offer. Choose another one.")),
}


class WordForm(Form):
    """A shared word."""

    word = StringField(
        _l("Word"),
        [InputRequired(_l("Choose a word.")), Length(max=80)],
        description=_l("3 to 40 letters and digits. Capitals, spaces and dashes do not matter."),
    )
    most = WholeField(
        _l("Coupons in all"),
        minimum=1,
        maximum=codes.MOST_USES,
        description=_l("How many coupons it brings in all. Blank: as many as the offer has."),
    )


class BatchForm(Form):
    """A batch to be printed."""

    codes = WholeField(
        _l("How many codes"), [InputRequired(_l("Say how many."))], minimum=1, maximum=codes.MOST_AT_ONCE
    )


@bp.get("/offers/<int:offer_id>/codes", permission="coupons.edit")
def show(offer_id: int) -> Response:
    """Its words and batches, and the forms that make them."""
    return _page(offer_id, WordForm(formdata=None), BatchForm(formdata=None))


@bp.post("/offers/<int:offer_id>/codes/word", permission="coupons.edit")
def add_word(offer_id: int) -> Response:
    """A shared word; the same word again changes how many coupons it brings."""
    form = WordForm()
    if not form.validate():
        return _page(offer_id, form, BatchForm(formdata=None), 422)
    answer = edge.write(lambda scope: codes.make_shared(scope, offer_id, str(form.word.data), form.most.data))
    if isinstance(answer, Refused):
        name, sentence = REFUSALS[answer.code]
        form[name].errors = [str(sentence)]
        return _page(offer_id, form, BatchForm(formdata=None), 422)
    flash(_("Saved. Whoever types %(word)s gets a coupon.", word=answer.code), "good")
    return edge.redirect("offer_codes.show", offer_id=offer_id)


@bp.post("/offers/<int:offer_id>/codes/batch", permission="coupons.edit")
def add_batch(offer_id: int) -> Response:
    """Codes of one coupon each, once however often it is tapped."""
    form = BatchForm()
    key = edge.form_key()
    if not form.validate() or form.codes.data is None:
        return _page(offer_id, WordForm(formdata=None), form, 422)
    n, batch, brand = form.codes.data, codes.batch_of(key), edge.brand()
    assert brand is not None
    with edge.read() as scope:
        queries.offer(scope, offer_id)
    run_steps(
        edge.database(),
        brand,
        codes.STEPS,
        batch,
        lambda scope, made: codes.step(scope, offer_id, n, batch, made),
        start=0,
        actor=edge.actor(),
    )
    flash(ngettext("%(num)s code made.", "%(num)s codes made.", n), "good")
    return edge.redirect("offer_codes.show", offer_id=offer_id)


@bp.post("/offers/<int:offer_id>/codes/stop", permission="coupons.edit")
def stop(offer_id: int) -> Response:
    """A word or a batch brings no more coupons."""
    batch, code_id = request.form.get("batch", ""), request.form.get("code", type=int)

    def unit(scope: Scope) -> None:
        queries.offer(scope, offer_id)  # this brand's, or there is none
        codes.stop(scope, offer_id, batch=batch, code_id=code_id)

    edge.write(unit)
    flash(_("Stopped. Coupons that it brought stay good."), "good")
    return edge.redirect("offer_codes.show", offer_id=offer_id)


@bp.get("/offers/<int:offer_id>/codes/<batch>.csv", permission="coupons.edit")
def download(offer_id: int, batch: str) -> Response:
    """A batch for the print shop: a row a code, and whether it is still good."""
    out = io.StringIO()
    out.write("\ufeff")  # by which a spreadsheet knows that it is UTF-8
    rows = csv.writer(out)
    rows.writerow([_("Code"), _("State")])
    words = {True: _("unused"), False: _("used up")}
    with edge.read() as scope:
        rows.writerows((code, words[good]) for code, good in codes.of_batch(scope, offer_id, batch))
    response = Response(out.getvalue(), mimetype="text/csv")
    response.headers["Content-Disposition"] = f"attachment; filename=codes-{offer_id}-{batch[:8]}.csv"
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _page(offer_id: int, word: WordForm, batch: BatchForm, status: int = 200) -> Response:
    with edge.read() as scope:
        context = _context(scope, offer_id)
    return edge.page("pages/offers/codes.html", status=status, word=word, batch=batch, **context)


def _context(scope: Scope, offer_id: int) -> dict[str, Any]:
    return {
        "offer": queries.offer(scope, offer_id),
        "words": codes.shared(scope, offer_id),
        "batches": codes.batches(scope, offer_id),
    }
