"""Words in links."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from webapp.outbox import tokens

IDS = st.integers(1, 2**63 - 1)


def test_a_word_leads_back() -> None:
    @given(brand=IDS, delivery=IDS)
    def check(brand: int, delivery: int) -> None:
        word = tokens.token("unsubscribe", brand, delivery)
        assert tokens.read("unsubscribe", word) == (brand, delivery)
        assert len(word) <= 38
        assert tokens.read("open", word) is None, "a word is good for one purpose"

    check()
    assert len(tokens.token("open", 1000, 5_000_000)) <= 24


def test_nothing_else_does() -> None:
    word = tokens.token("unsubscribe", 1000, 123456)

    @given(st.text(max_size=40) | st.text("ABCxyz019-_", min_size=15, max_size=30))
    def junk(text: str) -> None:
        assert tokens.read("unsubscribe", text) is None

    junk()
    for place in range(len(word) - 1):  # the last letter carries bits that are not used
        other = "A" if word[place] != "A" else "B"
        assert tokens.read("unsubscribe", word[:place] + other + word[place + 1 :]) is None


def test_whole_address() -> None:
    assert tokens.url("open", 1, 2).startswith("https://shop.example/o/")
