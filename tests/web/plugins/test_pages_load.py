"""Pages that cannot stand are said at load, in words for their author."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.web.plugins.test_runtime import MANIFEST, plugin
from webapp.plugin_runtime import discover, runtime
from webapp.staff.permissions import PERMISSIONS

CODE = "from webapp.plugin_api import *\n@hookimpl\ndef pages():\n    return [{}]\n"


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("3", "neither a PublicPage"),
        ("PublicPage('../up', print)", "the path"),
        ("PublicPage('A', print)", "the path"),
        ("PublicPage('a', None)", "no handler"),
        ("PublicPage('a', print), PublicPage('a', print)", "two of its pages"),
        ("StaffPage('', print, '')", "names no permission"),
        ("StaffPage('', print, 'coupons.steal')", "coupons.steal"),
    ],
)
def test_pages_that_cannot_stand_are_said_at_load(tmp_path: Path, page: str, said: str) -> None:
    plugin(tmp_path, "coupon_pages", CODE.format(page), MANIFEST)
    [found] = discover.in_folder(tmp_path)
    assert said in (runtime.try_one(found, PERMISSIONS) or "")


OWN_PAGE = """
from webapp.plugin_api import *
class Kind(CouponType):
    key, label, own_page = "alone", "Alone", True
    def check(self, terms): return []
    def quote(self, terms, basket): return NotApplicable("never", 1)
    def describe(self, terms, money, _): return [_("x")]
@hookimpl
def coupon_types(): return [Kind()]
@hookimpl
def pages(): return [PublicPage({!r}, print)]
"""


@pytest.mark.parametrize(("path", "sound"), [("", True), ("deeper", False)])
def test_a_type_that_is_taken_on_its_own_page_has_one(tmp_path: Path, path: str, sound: bool) -> None:
    plugin(tmp_path, "coupon_alone", OWN_PAGE.format(path), MANIFEST)
    [found] = discover.in_folder(tmp_path)
    assert (runtime.try_one(found, PERMISSIONS) is None) is sound
