"""Forms of campaigns: the basics, and the message as its channel declares it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import RadioField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length

from webapp.campaigns import wording
from webapp.campaigns.content import Wrong
from webapp.kernel.edge import Form
from webapp.kernel.errors import Refused
from webapp.matrix.forms import PresentField
from webapp.plugin_api import ContentField


class BasicsForm(Form):
    """What it is called, how it goes out, what it carries."""

    name = StringField(
        _l("Name"),
        [InputRequired(_l("Give it a name of 1 to 120 characters.")), Length(max=120)],
        description=_l("For yourself and your colleagues; members do not see it."),
    )
    channel = RadioField(_l("Channel"), validators=[InputRequired(_l("Choose one of the list."))])
    offer = PresentField(
        _l("Offer"),
        description=_l(
            "Each message carries a coupon of the member's own. A matrix chooses for each member which one; whom it has none "
            "for is not written to."
        ),
    )

    def refuse(self, refusal: Refused) -> None:
        """Put a service's refusal beside its field."""
        fields: dict[str, Any] = {"no_channel": self.channel}
        fields |= dict.fromkeys(("no_offer", "no_matrix", "matrix_in_groups"), self.offer)
        fields.get(refusal.code, self.name).errors = [wording.refusal(refusal)]


def basics_form(
    channels: Sequence[tuple[str, str]],
    offers: Sequence[tuple[int, str]],
    matrices: Sequence[tuple[int, str]] = (),
    **values: Any,
) -> BasicsForm:
    """With the brand's channels, open offers and matrices."""
    form = BasicsForm(data=values or None)
    form.channel.choices = list(channels)
    form.offer.fill(_l("no coupon"), offers, matrices)
    return form


class MessageForm(Form):
    """Made from the channel's fields; checking is campaigns.content, the same for forms and for commands."""

    declared: tuple[ContentField, ...] = ()

    def content(self) -> dict[str, str]:
        """What was written, by the channel's keys."""
        return {one.key: (self[f"x_{one.key}"].data or "").replace("\r\n", "\n") for one in self.declared}

    def may_be_blank(self, field: Any) -> bool:
        """Is it one of the fields that the channel can do without?"""
        return any(f"x_{one.key}" == field.name and not one.required for one in self.declared)

    def mark(self, wrong: Mapping[str, Sequence[Wrong]]) -> None:
        """Put what is wrong beside the fields."""
        for key, found in wrong.items():
            self[f"x_{key}"].errors = [wording.wrong(one) for one in found]


def message_form(fields: Sequence[ContentField], say: Any, content: Mapping[str, str] | None) -> MessageForm:
    """say: the plugin's words; content None: as posted."""
    made: dict[str, Any] = {"declared": tuple(fields)}
    for one in fields:
        flags = {"required": True} if one.required else {}
        kwargs: dict[str, Any] = {"description": say(one.help) if one.help else "", "render_kw": flags}
        if one.kind == "line":
            made[f"x_{one.key}"] = StringField(say(one.label), **kwargs)
        else:
            kwargs["render_kw"] = flags | {"rows": 14 if one.kind == "html" else 10}
            made[f"x_{one.key}"] = TextAreaField(say(one.label), **kwargs)
    form_class = type("ChannelMessageForm", (MessageForm,), made)
    data = None if content is None else {f"x_{key}": text for key, text in content.items()}
    form: MessageForm = form_class(data=data)
    return form
