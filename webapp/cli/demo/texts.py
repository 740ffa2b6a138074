"""What the demo's shop offers and says."""

from __future__ import annotations

from typing import Any

_Offer = tuple[str, dict[str, Any], int | None]  # name, terms (cents), stock

COME_BACK: _Offer = (
    "Come back and save",
    {"mode": "steps", "steps": [{"spend": 3_000, "save": 400}, {"spend": 6_000, "save": 1_000}]},
    2_000,
)
EVERY: _Offer = (
    "2 off every full 20",
    {"mode": "every", "steps": [{"spend": 2_000, "save": 200}], "most": 1_000},
    None,
)

MISSED_NAME = "We miss you"
MISSED = {
    "subject": "{{ member.name }}, {{ coupon.terms }}",
    "text": """\
Dear {{ member.name }},

it has been a while. Here is something for your next visit to {{ store.name or brand.name }}:

{{ coupon.name }}: {{ coupon.terms }}
{{ coupon.url }}

At the counter, show that page or say your code: {{ coupon.code }}
Good until: {{ coupon.until }}

See you soon
{{ brand.name }}
""",
    "html": """\
<p>Dear {{ member.name }},</p>
<p>it has been a while. Here is something for your next visit to {{ store.name or brand.name }}:</p>
<p style="font-size: 1.25em"><strong>{{ coupon.terms }}</strong></p>
<p><a href="{{ coupon.url }}">Open your coupon</a></p>
<p>At the counter, show that page or say your code: <strong>{{ coupon.code }}</strong>.<br>Good until: {{ coupon.until }}</p>
<p>See you soon<br>{{ brand.name }}</p>
""",
}

THANKS_NAME = "Thank you to our regulars"
THANKS = {
    "subject": "Thank you, {{ member.name }}",
    "text": """\
Dear {{ member.name }},

you are one of the people who keep {{ brand.name }} going. Thank you.
""",
}
