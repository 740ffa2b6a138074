"""When a backup is owed, and whether the newest is too old. Pure: moments in, an answer out."""

from __future__ import annotations

from datetime import date, datetime, timedelta, tzinfo

AGAIN = timedelta(hours=1)  # after one that failed or was killed
OLD = timedelta(days=2)  # a newest one of this age is a warning


def slot(now: datetime, hour: int, zone: tzinfo | None = None) -> datetime:
    """The last moment at which it was `hour` o'clock in the zone (None: the machine's), not after `now`."""
    today = now.astimezone(zone).date()
    moment = _wall(today, hour, zone)
    return moment if moment <= now else _wall(today - timedelta(days=1), hour, zone)


def _wall(day: date, hour: int, zone: tzinfo | None) -> datetime:
    """An hour of a day as a moment; a naive one counts in the machine's zone, whatever its clock does in spring."""
    wall = datetime(day.year, day.month, day.day, hour, tzinfo=zone)
    return wall if zone else wall.astimezone()


def owed(
    now: datetime,
    *,
    hour: int,
    since: datetime,
    tried: datetime | None,
    last: datetime | None,
    zone: tzinfo | None = None,
) -> bool:
    """Whether the daily one is due. last: when the newest good one of the plan was begun; since: earlier is not owed."""
    if tried is not None and now < tried + AGAIN:
        return False
    return slot(now, hour, zone) > max(last or since, since)


def stale(now: datetime, last: datetime | None) -> bool:
    """There is none, or the newest is older than it should be."""
    return last is None or now - last > OLD
