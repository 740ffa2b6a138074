"""Uploading a file, and saying which of its columns is which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import FileField, RadioField, SelectChoice, StringField
from wtforms.validators import InputRequired, Length, ValidationError

from webapp.imports import words
from webapp.imports.members_in import CONSENT
from webapp.kernel.edge import Form

SOURCES = {"members": "file", "orders": "till"}
WHERE = 200  # characters


class UploadForm(Form):
    """A file, or two."""

    kind = RadioField(
        _l("What is in it?"),
        choices=[SelectChoice("members", _l("Members")), SelectChoice("orders", _l("Orders"))],
        validators=[InputRequired(_l("Say what is in the file."))],
    )
    file = FileField(_l("File"), description=_l("CSV or Excel (.xlsx); the first row names the columns."))
    lines = FileField(
        _l("Lines of the orders"),
        description=_l("Only for orders, if your system writes the products into a file of their own."),
    )
    source = StringField(
        _l("Where is it from?"),
        [Length(max=40, message=_l("At most 40 characters."))],
        description=_l(
            "The name of the till or the old system. Order numbers count for each source by themselves, since tills repeat "
            "them."
        ),
    )

    def validate_file(self, file: Any) -> None:
        """A browser sends an empty name where nothing was chosen."""
        if not getattr(file.data, "filename", ""):
            raise ValidationError(_("Choose a file."))

    def validate_source(self, source: Any) -> None:
        """It is kept and shown."""
        if source.data and not source.data.strip().isprintable():
            raise ValidationError(_("Use letters and digits."))


@dataclass(slots=True)
class Columns:
    """The columns of a file's part, as they are matched. chosen: ours -> theirs. labels: ours -> what it is called here."""

    part: str
    kind: str
    header: Sequence[str]
    sample: Sequence[str]
    chosen: dict[str, str]
    labels: dict[str, Any]
    known: bool = False
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def required(self) -> Sequence[str]:
        """Which of ours must be there."""
        return words.REQUIRED[self.kind]

    def name(self, ours: str) -> str:
        """Of the field."""
        return f"{self.part}-{ours}"

    def options(self) -> list[tuple[str, str]]:
        """(value, what is shown) of the file's columns that have a name."""
        shown = []
        for place, theirs in enumerate(self.header):
            if theirs:
                example = self.sample[place].strip() if place < len(self.sample) else ""
                brief = f"{example[:18]}…" if len(example) > 18 else example
                shown.append((theirs, f"{theirs[:40]} · {brief}" if brief else theirs[:40]))
        return shown

    def spare(self) -> list[str]:
        """The file's columns that are none of ours."""
        return [theirs for theirs in self.header if theirs and theirs not in self.chosen.values()]

    def read(self, form: Mapping[str, str]) -> None:
        """What was sent; errors are told for each field."""
        self.errors.clear()
        names = {theirs for theirs in self.header if theirs}
        self.chosen = {
            ours: theirs for ours in self.labels if (theirs := form.get(self.name(ours), "")) in names
        }
        for ours in self.required:
            if ours not in self.chosen:
                self.errors[ours] = words.required()
        seen: dict[str, str] = {}
        for ours, theirs in self.chosen.items():
            if seen.setdefault(theirs, ours) != ours:
                self.errors[ours] = _(
                    "“%(column)s” is chosen for “%(other)s” already.",
                    column=theirs,
                    other=self.labels[seen[theirs]],
                )

    def mapping(self) -> dict[str, str]:
        """Ours -> theirs, blank where the file has none."""
        return {ours: self.chosen.get(ours, "") for ours in self.labels}


@dataclass(slots=True)
class Agreed:
    """What the importer declares about consent. channels: keys."""

    channels: list[str] = field(default_factory=list)
    where: str = ""
    on: str = ""
    errors: dict[str, str] = field(default_factory=dict)

    def read(self, form: Any, offered: Sequence[str], mapped: Sequence[str], today: date) -> None:
        """What was sent. mapped: our columns that the file has."""
        self.channels = [key for key in form.getlist("agreed") if key in offered]
        self.where, self.on = form.get("agreed_where", "").strip()[:WHERE], form.get("agreed_on", "").strip()
        if not self.channels:
            return
        if both := [key for key in self.channels if f"{CONSENT}{key}" in mapped]:
            self.errors["agreed"] = _(
                "The file itself has a column about %(channel)s: what each row says there counts. Take one of the two away.",
                channel=both[0],
            )
        if not self.where:
            self.errors["agreed_where"] = _("Say where they agreed, such as: on the form at the counter.")
        try:
            day = date.fromisoformat(self.on)
        except ValueError:
            self.errors["agreed_on"] = _("Say on which day they agreed, at the latest.")
        else:
            if not date(1990, 1, 1) <= day <= today:
                self.errors["agreed_on"] = _("This day is in the future, or too long ago.")

    def as_json(self) -> dict[str, Any] | None:
        """As it is kept."""
        if not self.channels:
            return None
        return {"channels": self.channels, "where": self.where, "on": self.on}
