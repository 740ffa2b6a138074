"""For the browser's walk: which offer for whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from webapp.kernel.scope import Scope
from webapp.matrix import birthday
from webapp.matrix import service as matrices
from webapp.matrix.models import MatrixRow, OfferMatrix
from webapp.segments.rules import Condition, Rule

if TYPE_CHECKING:
    from tests.browser.shop import Shop


def choose_offers(shop: Shop) -> None:
    """A matrix of three rows, one of them passed over, that chooses birthday presents."""

    def work(scope: Scope) -> dict[str, Any]:
        made = matrices.new(scope, "Spring letters")
        assert isinstance(made, OfferMatrix)
        loyal = Rule((Condition("orders", least=2, days=365), Condition("basket", least=50_00)))
        quiet = Rule((Condition("stage", ("dormancy", "churn")),))
        row = matrices.add_row(scope, made.id, loyal, shop.ids["offer"])
        assert isinstance(row, MatrixRow)
        matrices.add_row(scope, made.id, quiet, shop.ids["draft_offer"])
        matrices.add_row(scope, made.id, Rule(), shop.ids["offer"])
        birthday.set_present(scope, None, made.id, 7)
        return {"matrix": made.id, "matrix_row": row.id}

    shop.ids |= shop.write(work, role="owner")
