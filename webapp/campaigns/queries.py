"""Reading campaigns and what they say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from sqlalchemy import and_, or_, select

from webapp.campaigns.models import Campaign, CampaignVersion
from webapp.kernel import clock
from webapp.kernel.errors import NotFound
from webapp.kernel.scope import Scope
from webapp.matrix import queries as matrices
from webapp.segments.rules import Rule, load

AT_RISK = frozenset({"dormancy", "churn"})
PAGE = 20
GROUPS = "groups"  # the kind of a campaign, and the key of its audience: the groups' ids


def get(scope: Scope, campaign_id: int, *, hold: bool = False) -> Campaign:
    """By id, as it is now; `hold`: nobody else changes it until this unit ends. Raises NotFound."""
    query = select(Campaign).where(Campaign.brand_id == scope.brand.id, Campaign.id == campaign_id)
    if hold:
        query = query.with_for_update()
    found = scope.session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    if found is None:
        raise NotFound(f"campaign {campaign_id}")
    return found


def version(scope: Scope, campaign: Campaign) -> CampaignVersion:
    """What counts of a campaign: audience and content."""
    return scope.session.scalars(
        select(CampaignVersion).where(
            CampaignVersion.brand_id == scope.brand.id,
            CampaignVersion.campaign_id == campaign.id,
            CampaignVersion.version == campaign.version,
        )
    ).one()


def rule(said: CampaignVersion) -> Rule:
    """The audience's rule (of groups: none). Raises BadRule for one that a later version of the program wrote."""
    return Rule() if GROUPS in said.audience else load(said.audience)


def day_of(scope: Scope, campaign: Campaign) -> date:
    """The brand-local day as of which the audience is made: today, and for good the day on which it was sent off."""
    if campaign.started_at is None:
        return scope.today
    return clock.local_day(campaign.started_at, scope.brand.timezone)


def wins_back(audience: Rule) -> bool:
    """Is it aimed at dormancy or churn, and at nobody else? Then who has ordered since is left out."""
    return any(one.values and AT_RISK.issuperset(one.values) for one in audience.of("stage"))


def campaigns(scope: Scope, *, after: int | None = None, limit: int = PAGE) -> list[Campaign]:
    """Newest first, in pages by id; one more than `limit` where there is another page."""
    query = select(Campaign).where(Campaign.brand_id == scope.brand.id)
    if after is not None:
        query = query.where(Campaign.id < after)
    return list(scope.session.scalars(query.order_by(Campaign.id.desc()).limit(limit + 1)))


def named(scope: Scope, ids: Iterable[int]) -> dict[int, str]:
    """id -> name."""
    rows = scope.session.execute(
        select(Campaign.id, Campaign.name).where(
            Campaign.brand_id == scope.brand.id, Campaign.id.in_(list(ids))
        )
    )
    return dict(rows.all())


def in_state(scope: Scope, *states: str) -> Sequence[Campaign]:
    """All of the brand in one of these states, newest first."""
    return scope.session.scalars(
        select(Campaign)
        .where(Campaign.brand_id == scope.brand.id, Campaign.state.in_(states))
        .order_by(Campaign.id.desc())
    ).all()


def by_matrix(scope: Scope, matrix_id: int) -> list[matrices.Use]:
    """The campaigns that give coupons by a matrix, those that are over included: they tell by which."""
    rows = scope.session.execute(
        select(Campaign.id, Campaign.name)
        .where(Campaign.brand_id == scope.brand.id, Campaign.matrix_id == matrix_id)
        .order_by(Campaign.id.desc())
    )
    return [matrices.Use("campaign", id_, name) for id_, name in rows]


matrices.USERS.append(by_matrix)


def active(scope: Scope) -> list[tuple[int, int]]:
    """(brand_id, campaign_id), of all brands: sending, or cancelled and not wound up. For sweeps."""
    rows = scope.session.execute(
        select(Campaign.brand_id, Campaign.id).where(
            or_(
                Campaign.state == "sending",
                and_(Campaign.state == "cancelled", Campaign.finished_at.is_(None)),
            )
        )
    )
    return [(brand_id, id_) for brand_id, id_ in rows]
