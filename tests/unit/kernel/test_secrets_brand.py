"""Words in links that say whose they are."""

from __future__ import annotations

import pytest

from webapp.kernel import secrets


@pytest.mark.parametrize("brand_id", [1, 127, 128, 1000, 2**31, 2**63 - 1])
def test_a_word_names_its_brand_and_is_never_the_same(brand_id: int) -> None:
    words = {secrets.brand_token(brand_id) for _ in range(100)}
    assert len(words) == 100
    assert {secrets.brand_of(word) for word in words} == {brand_id}
    assert max(map(len, words)) <= 40  # the column


@pytest.mark.parametrize("word", ["", "!", "x" * 37, "🍉", "\0", "_" * 24, "a" * 1 + "=" * 3])
def test_a_word_of_nobodys_names_none(word: str) -> None:
    found = secrets.brand_of(word)
    assert found is None or 0 <= found < 2**63
