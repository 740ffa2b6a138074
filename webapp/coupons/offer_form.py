"""The form of an offer: its name, its type's own terms, and what every offer can say beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, time
from typing import Any, cast
from zoneinfo import ZoneInfo

from babel.dates import get_day_names
from flask import g, request
from flask_babel import lazy_gettext as _l
from wtforms import (
    BooleanField,
    DateField,
    DateTimeLocalField,
    Field,
    FieldList,
    FormField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
    TimeField,
)
from wtforms import Form as PlainForm
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, Optional

from webapp.coupons import conditions, says
from webapp.coupons.checking import (
    MOST_DAYS,
    MOST_MINOR,
    MOST_PER_PERSON,
    MOST_PLACE,
    MOST_REMIND,
    MOST_STOCK,
    OfferDetails,
    Wrong,
)
from webapp.coupons.conditions import MINUTES, Conditions
from webapp.coupons.models import Offer, OfferTerms
from webapp.kernel.edge import Form
from webapp.kernel.fields import MoneyField, MultiCheckboxField, PercentField, WholeField
from webapp.kernel.i18n import pick_locale
from webapp.plugin_api import TermField

TERM = "term_"  # before the names of a type's own fields
ADD_ROW = "add_row"
_FRESH_ROWS = 3
_LISTS = ("products", "products_out", "categories", "categories_out")
MOMENT = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"]
ONE_A_LINE = _l("As the till calls them, one a line. Blank: no such limit.")
UNDONE = [
    SelectChoice("usable", _l("the member can use it again")),
    SelectChoice("returned", _l("it goes back to the offer for somebody else")),
]
_NUMBERS = {"money": MoneyField, "int": WholeField, "percent": PercentField}


class OfferForm(Form):
    """Name, the type's own terms, limits and window. `declared`: the type's term fields; `plugin` says their words."""

    declared: Sequence[TermField] = ()
    plugin = ""

    name = StringField(
        _l("Name"),
        [InputRequired(_l("Give it a name of 1 to 120 characters.")), Length(max=120)],
        description=_l("Members see it: Twenty off for you."),
    )
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
    per_day = WholeField(
        _l("How many a day"),
        minimum=1,
        maximum=MOST_STOCK,
        description=_l("Given on one day, all stores together."),
    )
    budget = MoneyField(
        _l("What they may save together"),
        minimum=1,
        maximum=MOST_MINOR,
        description=_l("Once this much has been saved at the counter, no more are used."),
    )
    claim_from = DateTimeLocalField(_l("Given from"), [Optional()], format=MOMENT)
    claim_until = DateTimeLocalField(
        _l("Given until"),
        [Optional()],
        format=MOMENT,
        description=_l("In the shop's own time zone. Blank: as long as it is open."),
    )
    by_code = BooleanField(_l("Only whoever has one of its codes"))
    stores = MultiCheckboxField(_l("Stores"), coerce=int, description=_l("None ticked: all of them."))
    weekdays = MultiCheckboxField(
        _l("Days of the week"), coerce=int, description=_l("None ticked: every day.")
    )
    hours_from = TimeField(_l("From what time"), [Optional()])
    hours_until = TimeField(
        _l("Until what time"), [Optional()], description=_l("Over midnight, if it is before the first time.")
    )
    least = MoneyField(
        _l("Least spend"),
        minimum=1,
        maximum=MOST_MINOR,
        description=_l("On what it is good for; beside what its own terms ask."),
    )
    products = TextAreaField(_l("Good for these products"), description=ONE_A_LINE)
    categories = TextAreaField(_l("Good for these categories"), description=ONE_A_LINE)
    products_out = TextAreaField(_l("Not for these products"), description=ONE_A_LINE)
    categories_out = TextAreaField(_l("Not for these categories"), description=ONE_A_LINE)
    joins = BooleanField(_l("May be used with other coupons that may"))
    place = WholeField(
        _l("Its place among them"),
        minimum=0,
        maximum=MOST_PLACE,
        description=_l("The lower number is reckoned first; the next one counts on what is left to pay."),
    )
    undone = RadioField(_l("When its use is undone"), choices=UNDONE, default="usable")
    valid_days = WholeField(
        _l("Days valid once taken"),
        minimum=1,
        maximum=MOST_DAYS,
        description=_l("The day on which it is taken counts as the first."),
    )
    valid_until = DateField(_l("Last day"), [Optional()], description=_l("Whichever ends first counts."))
    remind_days = WholeField(
        _l("Remind so many days before the last one"),
        minimum=1,
        maximum=MOST_REMIND,
        description=_l(
            "Members who agreed to be written to and have not used it yet are told once. Blank: not."
        ),
    )
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
            per_day=self.per_day.data,
            budget_minor=self.budget.data,
            claim_from=_aware(self.claim_from.data),
            claim_until=_aware(self.claim_until.data),
            by_code=self.by_code.data,
            place=self.place.data or 0,
            remind_days=self.remind_days.data,
            conditions=self._conditions(),
        )

    def _conditions(self) -> Conditions:
        return Conditions(
            weekdays=tuple(sorted(self.weekdays.data or ())),
            hours=_hours(self.hours_from.data, self.hours_until.data),
            stores=tuple(sorted(self.stores.data or ())) if self.stores else (),
            least_minor=self.least.data or 0,
            joins=self.joins.data,
            undone=self.undone.data or "usable",
            **{name: conditions.words((self[name].data or "").splitlines()) for name in _LISTS},
        )

    def said(self, *names: str) -> bool:
        """Something is typed, ticked or wrong in one of these fields: their part of the page is open."""
        fields = (self._fields[name] for name in names if name in self._fields)
        return any(field.data or field.errors for field in fields)

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
        for field in sorted(self, key=lambda one: one is not self.name and not one.name.startswith(TERM)):
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
    stores: Sequence[tuple[int, str]] = (),
) -> OfferForm:
    """The form of a coupon type, empty or with what an offer says now. say: the plugin's catalogue; stores: the brand's."""
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
        values |= _beside(offer, conditions.load(terms.conditions))
    form: OfferForm = made(data=values)
    names = get_day_names(locale=pick_locale())
    form.weekdays.choices = [SelectChoice(day, names[day]) for day in range(7)]
    form.stores.choices = [SelectChoice(*store) for store in stores]
    if len(stores) < 2 and not form.stores.data:
        del form.stores
    if request.method != "POST":
        for term in declared:
            if term.kind == "steps":
                table = cast(FieldList, form[TERM + term.key])
                wanted = _FRESH_ROWS if offer is None else len(table) + 1
                while len(table) < min(wanted, table.max_entries or 100):
                    table.append_entry()
    return form


def _beside(offer: Offer, said: Conditions) -> dict[str, Any]:
    """What an offer says beside its type's terms, as the form's data."""
    hours = said.hours or (None, None)
    return {
        "per_day": offer.per_day,
        "budget": offer.budget_minor,
        "claim_from": _local(offer.claim_from),
        "claim_until": _local(offer.claim_until),
        "by_code": bool(offer.by_code),
        "place": offer.place or None,
        "remind_days": offer.remind_days,
        "stores": list(said.stores),
        "weekdays": list(said.weekdays),
        "hours_from": _clock(hours[0]),
        "hours_until": _clock(hours[1]),
        "least": said.least_minor or None,
        "joins": said.joins,
        "undone": said.undone,
        **{name: "\n".join(getattr(said, name)) for name in _LISTS},
    }


def _aware(typed: datetime | None) -> datetime | None:
    """As typed in the shop's zone."""
    return None if typed is None else typed.replace(tzinfo=ZoneInfo(g.brand.timezone)).astimezone(UTC)


def _local(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(ZoneInfo(g.brand.timezone)).replace(tzinfo=None)


def _hours(first: time | None, end: time | None) -> tuple[int, int] | None:
    """In minutes; -1, which no day has, for the one of the two that was left out. Until midnight is typed as 00:00."""
    if first is None and end is None:
        return None
    return (
        -1 if first is None else first.hour * 60 + first.minute,
        -1 if end is None else end.hour * 60 + end.minute or MINUTES,
    )


def _clock(minute: int | None) -> time | None:
    return None if minute is None else time(minute // 60 % 24, minute % 60)


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


def _row(cells: Any, columns: Sequence[TermField]) -> dict[str, Any]:
    """A row of a table; an optional cell that is blank is left out."""
    typed = {column.key: _trimmed(cells[column.key].data) for column in columns}
    needed = {column.key for column in columns if column.required}
    return {key: value for key, value in typed.items() if key in needed or value not in (None, "")}


def _trimmed(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


def _value(field: Field, term: TermField) -> Any:
    if term.kind == "steps":
        rows: Iterator[Any] = (entry for entry in cast(FieldList, field) if not _blank(entry))
        return [_row(entry.form, term.columns) for entry in rows]
    if term.kind == "text":
        return (field.data or "").strip() or None
    return field.data
