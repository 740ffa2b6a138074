"""A brand's picture: decoded from what was uploaded and drawn anew, so that nothing but the picture is kept of the file."""

from __future__ import annotations

import hashlib
from io import BytesIO
from typing import TYPE_CHECKING

from sqlalchemy import delete

from webapp.brands.models import Brand, BrandLogo
from webapp.kernel.errors import Refused
from webapp.kernel.scope import Scope

if TYPE_CHECKING:
    from PIL.Image import Image

MOST_BYTES = 1_900_000  # of the file; a form takes 2 MiB
MOST_PIXELS = 25_000_000  # of the file's picture: 100 MB while it is decoded
SIDE = 320  # pixels of ours, at most
WEIGHT = 16_000  # bytes of ours: a members' page must stay small; what is heavier is drawn smaller
FORMATS = ("PNG", "JPEG", "WEBP", "GIF")


def draw(data: bytes) -> BrandLogo | Refused:
    """Our picture of an uploaded file (its brand_id still to be set). Slow: call it outside any unit of work.

    Refused: logo_empty, logo_heavy (facts: most, bytes), logo_large (facts: most, pixels), logo_unread.
    """
    from PIL import Image as Pictures
    from PIL import ImageOps  # 20 MB of library that only an upload needs

    if not data:
        return Refused("logo_empty")
    if len(data) > MOST_BYTES:
        return Refused("logo_heavy", {"most": MOST_BYTES})
    try:
        with Pictures.open(BytesIO(data), formats=FORMATS) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                return Refused("logo_large", {"most": MOST_PIXELS})
            if picture.format == "JPEG":
                picture.draft("RGB", (SIDE * 2, SIDE * 2))
            ours = ImageOps.exif_transpose(picture)
            photo = picture.format == "JPEG"
            clear = ours.has_transparency_data
            ours = ours.convert("RGBA" if clear and not photo else "RGB")
            ours.thumbnail((SIDE, SIDE))
    except Exception:  # a decoder fed with rubbish raises what it likes
        return Refused("logo_unread")
    while True:
        body = _packed(ours, photo=photo)
        if len(body) <= WEIGHT:
            break
        ours.thumbnail((ours.width * 3 // 4, ours.height * 3 // 4))
    kind = "image/jpeg" if photo else "image/png"
    return BrandLogo(kind=kind, width=ours.width, height=ours.height, body=body)


def _packed(picture: Image, *, photo: bool) -> bytes:
    body = BytesIO()
    if photo:
        picture.save(body, "JPEG", quality=85, optimize=True)
    else:
        # 256 colours are enough for a sign, and a quarter of the weight
        picture.quantize(256, method=2 if picture.mode == "RGBA" else None).save(body, "PNG", optimize=True)
    return body.getvalue()


def keep(scope: Scope, made: BrandLogo) -> None:
    """Put it in place of what was there."""
    _remove(scope)
    brand = scope.session.get_one(Brand, scope.brand.id)
    scope.session.add(
        BrandLogo(brand_id=brand.id, kind=made.kind, width=made.width, height=made.height, body=made.body)
    )
    brand.logo = hashlib.sha256(made.body).hexdigest()[:16]
    scope.session.flush()
    scope.audit("brand.logo", "brand", brand.id, bytes=len(made.body))


def drop(scope: Scope) -> None:
    """Back to the first letter of the name."""
    _remove(scope)
    brand = scope.session.get_one(Brand, scope.brand.id)
    brand.logo = ""
    scope.audit("brand.logo", "brand", brand.id, bytes=0)


def _remove(scope: Scope) -> None:
    scope.session.execute(delete(BrandLogo).where(BrandLogo.brand_id == scope.brand.id))
