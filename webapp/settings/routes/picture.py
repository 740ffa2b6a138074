"""The logo of a form: drawn before the unit that keeps it; a refusal stands beside the field."""

from __future__ import annotations

from webapp.brands import logo
from webapp.brands.models import BrandLogo
from webapp.kernel.errors import Refused
from webapp.settings.forms import LOGO_WORDS, ShopForm


def drawn(form: ShopForm) -> BrandLogo | Refused | None:
    """What was uploaded as our picture; None where nothing was."""
    file = form.logo.data
    if not file or not getattr(file, "filename", ""):
        return None
    return logo.draw(file.read(logo.MOST_BYTES + 1))


def refuse(form: ShopForm, answer: BrandLogo | Refused | None) -> None:
    """Say why a picture is not taken."""
    if isinstance(answer, Refused):
        form.logo.errors = [LOGO_WORDS[answer.code]]
