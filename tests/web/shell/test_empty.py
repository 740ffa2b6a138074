"""An empty shop teaches: each list says what will stand there and offers the first step."""

from __future__ import annotations

import re

import pytest

from tests.support.databases import ONE_DATABASE
from tests.support.web import Client, text_of

pytestmark = ONE_DATABASE
LISTS = [
    "/members",
    "/campaigns",
    "/offers",
    "/coupons",
    "/groups",
    "/imports",
    "/lifecycle",
    "/tags",
    "/tasks",
    "/tasks/board",
    "/tasks/signs",
    "/touchpoints",
    "/settings/backups",
]


@pytest.mark.parametrize("path", LISTS)
def test_an_empty_list_says_what_to_do_first(client: Client, path: str) -> None:
    page = client.get(path).text
    main = page[page.index("<main") : page.index("</main>")]
    empty = re.search(r'(?s)<section class="empty">.*?</section>', main)
    assert empty, "nothing is said"
    assert len(text_of(empty[0])) > 40, text_of(empty[0])
    assert (
        re.search(r'class="(button )?act"|<a [^>]*href=', empty[0])
        or 'class="act"' in main
        or "button act" in main
    )
