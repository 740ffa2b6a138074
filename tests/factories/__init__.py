"""Rows for tests, made by the services themselves: what a test stands on is what the shop would have.

Each takes a scope first (`db.write(lambda scope: make_member(scope, email="li@example.com"), brand=brand)`) and gives
plausible values for everything the test does not care about.
"""

from tests.factories.brands import make_brand, make_store
from tests.factories.members import make_member, make_members
from tests.factories.offers import make_offer
from tests.factories.orders import make_order, make_orders

__all__ = [
    "make_brand",
    "make_member",
    "make_members",
    "make_offer",
    "make_order",
    "make_orders",
    "make_store",
]
