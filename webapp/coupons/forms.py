"""The forms of offers (made from a coupon type's term fields) and of the counter."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

from flask import request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, DateField, Field, FieldList, FormField, SelectField, StringField
from wtforms import Form as PlainForm
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, Optional, ValidationError

from webapp.coupons import says
from webapp.coupons.models import Offer, OfferTerms
from webapp.coupons.offers import MOST_DAYS, MOST_PER_PERSON, MOST_STOCK, OfferDetails, Wrong
from webapp.coupons.redeem import TILL_NUMBER, read
from webapp.kernel.edge import Form
from webapp.kernel.errors import Refused
from webapp.kernel.fields import MoneyField, PercentField, WholeField
from webapp.plugin_api import TermField

TERM = "term_"  # before the names of a type's own fields
ADD_ROW = "add_row"
_FRESH_ROWS = 3
_NUMBERS = {"money": MoneyField, "int": WholeField, "percent": PercentField}


class OfferForm(Form):
    """Name, the type's own terms, limits and window. `declared`: the type's term fields; `plugin` says their words."""

    declared: Sequence[TermField] = ()
    plugin = ""

    name = StringField(_l("Name"), [Length(max=120)], description=_l("Members see it: Twenty off for you."))
    stock = WholeField(
        _l("How many in all"),
        minimum=1,
        maximum=MOST_STOCK,
        description=_l("Blank: as many as are asked for."),
    )
    per_person = WholeField(
        _l("How many a person"), [InputRequired(_l("This is needed."))], minimum=1, maximum=MOST_PER_PERSON
    )
    valid_from = DateField(
        _l("First day"), [Optional()], description=_l("Blank: from the moment it is given.")
    )
    valid_days = WholeField(
        _l("Days valid once taken"),
        minimum=1,
        maximum=MOST_DAYS,
        description=_l("The day on which it is taken counts as the first."),
    )
    valid_until = DateField(_l("Last day"), [Optional()], description=_l("Whichever ends first counts."))
    code = StringField(
        _l("Code"),
        [Length(max=40)],
        description=_l("How files and commands call the offer. Blank: one is made."),
    )

    def add_row_wanted(self) -> bool:
        """The button that gives a table one more row was pressed; nothing is saved then."""
        key = request.form.get(ADD_ROW, "")
        table = self._fields.get(TERM + key)
        if not isinstance(table, FieldList):
            return False
        if len(table) < (table.max_entries or 100):
            table.append_entry()
        for field in self:
            field.errors = ()
        return True

    def details(self) -> OfferDetails:
        """What was typed, typed."""
        return OfferDetails(
            name=self.name.data or "",
            terms={field.key: _value(self[TERM + field.key], field) for field in self.declared},
            code=self.code.data or "",
            stock=self.stock.data,
            per_person=self.per_person.data or 0,
            valid_from=self.valid_from.data,
            valid_days=self.valid_days.data,
            valid_until=self.valid_until.data,
        )

    def refuse(self, found: Sequence[Wrong]) -> None:
        """Put each mistake beside its field."""
        for one in found:
            field = self._field_of(one)
            field.errors = [*field.errors, says.wrong(one, self.plugin)]

    def _field_of(self, one: Wrong) -> Any:
        if one.problem is None:
            return self._fields.get(one.field, self.name)
        key, *rest = one.field.split(".")
        field = self._fields.get(TERM + key, self.name)
        if len(rest) == 2 and isinstance(field, FieldList):
            rows = [entry for entry in field if not _blank(entry)]
            return rows[int(rest[0])].form[rest[1]]
        return field

    def mistakes(self) -> list[tuple[str, str, str]]:
        """(id, label, sentence) of every field that is wrong, cells of tables too, in the page's order."""
        found: list[tuple[str, str, str]] = []
        for field in self:
            if isinstance(field, FieldList):
                found += [
                    (field.id, str(field.label.text), str(e)) for e in field.errors if isinstance(e, str)
                ]
                found += [
                    (cell.id, f"{field.label.text} {at}, {cell.label.text}", str(cell.errors[0]))
                    for at, entry in enumerate(field, 1)
                    for cell in entry.form
                    if cell.errors
                ]
            elif field.errors:
                found.append((field.id, str(field.label.text), str(field.errors[0])))
        return found


def offer_form(
    declared: Sequence[TermField],
    plugin: str,
    say: Callable[[str], str],
    offer: Offer | None = None,
    terms: OfferTerms | None = None,
) -> OfferForm:
    """The form of a coupon type, empty or with what an offer says now. say: the plugin's catalogue."""
    fields: dict[str, Any] = {TERM + term.key: _field(term, say) for term in declared}
    made = type("TypedOfferForm", (OfferForm,), {"declared": tuple(declared), "plugin": plugin, **fields})
    values: dict[str, Any] = {"per_person": 1} | {
        TERM + term.key: term.default
        for term in declared
        if term.kind != "steps" and term.default is not None
    }
    if offer is not None and terms is not None:
        values = {name: getattr(offer, name) for name in ("name", "code", "stock", "per_person")}
        values |= {name: getattr(terms, name) for name in ("valid_from", "valid_days", "valid_until")}
        values |= {TERM + term.key: terms.terms.get(term.key) for term in declared}
    form: OfferForm = made(data=values)
    if request.method != "POST":
        for term in declared:
            if term.kind == "steps":
                table = cast(FieldList, form[TERM + term.key])
                wanted = _FRESH_ROWS if offer is None else len(table) + 1
                while len(table) < min(wanted, table.max_entries or 100):
                    table.append_entry()
    return form


def _field(term: TermField, say: Callable[[str], str]) -> Any:
    """An unbound field for one term."""
    needed = [InputRequired(_l("This is needed."))] if term.required else []
    label = say(term.label)
    more: dict[str, Any] = {"description": say(term.help) if term.help else ""}
    if term.kind in _NUMBERS:
        return _NUMBERS[term.kind](label, needed, minimum=term.minimum, maximum=term.maximum, **more)
    if term.kind == "bool":
        return BooleanField(label, **more)
    if term.kind == "choice":
        return SelectField(
            label, choices=[SelectChoice(value, say(text)) for value, text in term.choices], **more
        )
    if term.kind == "text":
        return StringField(label, [*needed, Length(max=term.maximum or 500)], **more)
    # In a table a blank row is no row, so its cells are not required one by one: the type's own check asks for them.
    cells = {column.key: _cell(column, say) for column in term.columns}
    row = type("Row", (PlainForm,), cells)
    return FieldList(FormField(row), label, max_entries=term.maximum, **more)


def _cell(column: TermField, say: Callable[[str], str]) -> Any:
    field = _NUMBERS.get(column.kind, StringField)
    limits = {"minimum": column.minimum, "maximum": column.maximum} if field is not StringField else {}
    return field(say(column.label), **limits)


def _blank(entry: Any) -> bool:
    return not any(
        cell.raw_data and cell.raw_data[0].strip() if cell.raw_data else cell.data for cell in entry.form
    )


def _value(field: Field, term: TermField) -> Any:
    if term.kind == "steps":
        rows: Iterator[Any] = (entry for entry in cast(FieldList, field) if not _blank(entry))
        return [{column.key: entry.form[column.key].data for column in term.columns} for entry in rows]
    if term.kind == "text":
        return (field.data or "").strip() or None
    return field.data


def _number(text: Any) -> int:
    """An id as a form sends it; 0 for anything else."""
    return int(text) if str(text or "").isdecimal() and len(str(text)) < 19 else 0


class CounterForm(Form):
    """What a clerk types. Sent with GET to see what a coupon saves: it changes nothing."""

    code = StringField(_l("Coupon code"), [InputRequired(_l("Type the code on the member's phone."))])
    basket = MoneyField(
        _l("What the basket costs"), [InputRequired(_l("Give what the basket costs."))], minimum=1
    )
    till = StringField(
        _l("Till number"),
        [Length(max=TILL_NUMBER)],
        description=_l("The receipt's number. With it the purchase counts as brought by the coupon."),
    )
    store = SelectField(_l("Store"), coerce=_number, validate_choice=False)

    def choose_from(self, stores: Sequence[tuple[int, str]]) -> None:
        """Offer the brand's stores; one store, or a clerk's own, is no question."""
        if len(stores) > 1:
            self.store.choices = [SelectChoice(value, label) for value, label in [(0, _("choose")), *stores]]
        else:
            del self.store

    def validate_code(self, field: Any) -> None:
        """A mistyped code is told before anything is looked up."""
        if field.data and read(field.data) is None:
            raise ValidationError(says.refused(Refused("mistyped")))

    def validate_store(self, field: Any) -> None:
        """It must be one of the list."""
        if field.data not in {one.value for one in field.choices if one.value}:
            raise ValidationError(_("Choose the store you are in."))


class FindForm(Form):
    """Who stands at the counter."""

    who = StringField(
        _l("Member number, phone or coupon code"),
        [InputRequired(_l("Type what the member tells you.")), Length(max=200)],
        description=_l("The whole of it: parts find nobody here."),
    )
