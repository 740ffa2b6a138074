"""Laying: resumed after a kill, never twice, stopped by cancelling; arms from the stored draw."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.factories import make_offer
from tests.support.databases import OTHER_IN_DRILL
from tests.unit.campaigns import layer
from tests.unit.campaigns.shop import Shop
from webapp.campaigns import laying, states
from webapp.campaigns.drafts import ARM_MODULUS
from webapp.kernel.steps import Done, Next

ROOT = Path(__file__).resolve().parents[3]


@OTHER_IN_DRILL
@pytest.mark.parametrize(
    "chunks", [pytest.param(1, marks=pytest.mark.drill), 3, pytest.param(6, marks=pytest.mark.drill)]
)
def test_killed_in_the_middle_it_is_laid_once(shop: Shop, tmp_path: Path, chunks: int) -> None:
    """A process is killed inside its n-th chunk; whoever comes next goes on: a row and a coupon each, stock exact."""
    shop.members(45)
    offer = shop.write(lambda scope: make_offer(scope, stock=40))
    campaign = shop.draft(offer=offer)
    assert shop.send(campaign) is None
    words = [
        sys.executable,
        "-m",
        "tests.unit.campaigns.layer",
        shop.db.url,
        str(shop.brand.id),
        str(campaign),
        str(tmp_path),
    ]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for _ in range(chunks):
            assert process.stdout.readline() == "inside\n"
        process.kill()
    before = len(shop.deliveries(campaign))
    assert before in ((chunks - 1) * layer.SIZE, chunks * layer.SIZE)
    assert isinstance(shop.lay(campaign), Done)
    assert shop.by_outcome(campaign) == Counter({("queued", None): 40, ("left_out", "no_coupon"): 5})
    assert shop.issued(offer) == (40, 40)
    assert shop.coupons(offer) == Counter({"issued": 40})
    assert shop.state(campaign) == "sending"
    assert isinstance(shop.lay(campaign), Done)
    assert len(shop.deliveries(campaign)) == 45


def test_a_chunk_done_twice_changes_nothing(shop: Shop) -> None:
    """The keys keep it, even where the cursor would not."""
    shop.members(9)
    offer = shop.write(lambda scope: make_offer(scope, stock=20))
    campaign = shop.draft(offer=offer)
    shop.send(campaign)
    start = {"after": 0, "laid": 0}
    for _ in range(2):
        outcome = shop.write(lambda scope: laying.step(scope, campaign, start, 5))
        assert isinstance(outcome, Next)
    assert len(shop.deliveries(campaign)) == 5
    assert shop.issued(offer) == (5, 5)


def test_cancelled_while_it_is_laid_nothing_goes_out(shop: Shop) -> None:
    shop.members(12)
    campaign = shop.draft()
    shop.send(campaign)
    first = shop.write(lambda scope: laying.step(scope, campaign, {"after": 0, "laid": 0}, 5))
    assert isinstance(first, Next)
    assert shop.write(lambda scope: states.cancel(scope, campaign)) is None
    assert isinstance(shop.lay(campaign), Done)
    shop.drain(campaign)
    assert shop.by_outcome(campaign) == Counter({("cancelled", None): 5})
    assert not shop.channel.said


def test_nothing_goes_out_before_the_whole_audience_is_laid(shop: Shop) -> None:
    shop.members(6)
    campaign = shop.draft()
    shop.send(campaign)
    shop.write(lambda scope: laying.step(scope, campaign, {"after": 0, "laid": 0}, 3))
    shop.drain(campaign)
    assert not shop.channel.said
    shop.lay(campaign)
    shop.drain(campaign)
    assert len(shop.channel.said) == 6


def test_arms_are_the_same_everywhere_and_fair() -> None:
    """The share held out is the share asked for, another campaign draws anew, and nobody is held out without a share."""
    draws = range(1, ARM_MODULUS, ARM_MODULUS // 20_000)
    first = [laying.arm(draw, 123_457, 99, 0.2) for draw in draws]
    assert abs(first.count(0) / len(first) - 0.2) < 0.01
    second = [laying.arm(draw, 7_654_321, 5, 0.2) for draw in draws]
    both = sum(a == b == 0 for a, b in zip(first, second, strict=True)) / len(first)
    assert abs(both - 0.04) < 0.01
    assert {laying.arm(draw, 123_457, 99) for draw in draws} == {1}
