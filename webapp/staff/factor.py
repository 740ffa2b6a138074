"""The second factor: a code from an app (TOTP, RFC 6238), and recovery codes for the day the phone is gone."""

from __future__ import annotations

import hmac

import pyotp
from sqlalchemy import delete, func, select, update

from webapp.kernel import secrets
from webapp.kernel.errors import Refused
from webapp.kernel.scope import Scope
from webapp.plugin_runtime.context import box
from webapp.staff.models import Staff, StaffFactor, StaffRecovery

STEP = 30  # seconds a code is shown for
AROUND = (0, -1, 1)  # steps that are taken: a phone's clock is a little off
RECOVERY_CODES = 8


def of(scope: Scope, staff_id: int) -> StaffFactor | None:
    """The account's factor, confirmed or still to be confirmed."""
    return scope.session.get(StaffFactor, staff_id)


def is_on(scope: Scope, staff_id: int) -> bool:
    """Is a code asked for when this account signs in?"""
    found = of(scope, staff_id)
    return found is not None and found.confirmed_at is not None


def begin(scope: Scope, staff_id: int) -> bool:
    """A new secret, to be confirmed by a code; one that was begun before is forgotten. False where a factor is on."""
    found = of(scope, staff_id)
    if found is not None and found.confirmed_at is not None:
        return False
    if found is None:
        found = StaffFactor(staff_id=staff_id, last_step=0)
        scope.session.add(found)
    found.secret, found.created_at = box().seal(pyotp.random_base32()), scope.now
    scope.session.flush()
    return True


def secret_of(found: StaffFactor) -> str:
    """What the app is told, in letters."""
    return box().open(found.secret)


def address(found: StaffFactor, staff: Staff, issuer: str) -> str:
    """The same for a camera: otpauth://..."""
    return pyotp.TOTP(secret_of(found)).provisioning_uri(name=staff.email, issuer_name=issuer)


def confirm(scope: Scope, staff_id: int, typed: str) -> list[str] | Refused:
    """The app shows the right code: from now on it is asked for. Returns the recovery codes, shown this once.

    Refused: not_begun, wrong_code.
    """
    found = of(scope, staff_id)
    if found is None or found.confirmed_at is not None:
        return Refused("not_begun")
    if not _take_code(scope, found, typed):
        return Refused("wrong_code")
    found.confirmed_at = scope.now
    scope.audit("staff.second_factor_on", "staff", staff_id)
    return new_recovery(scope, staff_id)


def check(scope: Scope, staff_id: int, typed: str) -> bool:
    """Is this the app's code, or a recovery code? Either is good once."""
    found = of(scope, staff_id)
    if found is None or found.confirmed_at is None:
        return False
    if _take_code(scope, found, typed):
        return True
    code = "".join(letter for letter in typed.upper() if letter.isalnum())
    gone = scope.session.execute(
        delete(StaffRecovery).where(
            StaffRecovery.staff_id == staff_id, StaffRecovery.digest == _digest(staff_id, code)
        )
    )
    if not gone.rowcount:  # type: ignore[attr-defined]  # a DELETE's result is a CursorResult
        return False
    scope.audit("staff.recovery_used", "staff", staff_id)
    return True


def new_recovery(scope: Scope, staff_id: int) -> list[str]:
    """Fresh recovery codes in place of the old ones."""
    scope.session.execute(delete(StaffRecovery).where(StaffRecovery.staff_id == staff_id))
    codes = [secrets.typed_code(10) for _ in range(RECOVERY_CODES)]
    scope.session.add_all(StaffRecovery(staff_id=staff_id, digest=_digest(staff_id, code)) for code in codes)
    scope.session.flush()
    scope.audit("staff.recovery_new", "staff", staff_id)
    return [f"{code[:5]}-{code[5:]}" for code in codes]


def recovery_left(scope: Scope, staff_id: int) -> int:
    """How many recovery codes have not been used."""
    return (
        scope.session.scalar(
            select(func.count()).select_from(StaffRecovery).where(StaffRecovery.staff_id == staff_id)
        )
        or 0
    )


def clear(scope: Scope, staff_id: int) -> bool:
    """No code is asked for any more; False where none was. Also what `regulars staff reset --second-factor` does."""
    scope.session.execute(delete(StaffRecovery).where(StaffRecovery.staff_id == staff_id))
    gone = scope.session.execute(delete(StaffFactor).where(StaffFactor.staff_id == staff_id))
    if not gone.rowcount:  # type: ignore[attr-defined]  # a DELETE's result is a CursorResult
        return False
    scope.audit("staff.second_factor_off", "staff", staff_id)
    return True


def _take_code(scope: Scope, found: StaffFactor, typed: str) -> bool:
    """Is it the app's code of about now, and newer than the last one taken? A code that was read over a shoulder is
    worth nothing once it was used."""
    code = "".join(letter for letter in typed if letter.isdecimal())
    if len(code) != 6 or not code.isascii():
        return False
    now, app = int(scope.now.timestamp()) // STEP, pyotp.TOTP(secret_of(found))
    step = next((now + n for n in AROUND if hmac.compare_digest(app.at((now + n) * STEP), code)), None)
    if step is None:
        return False
    taken = scope.session.execute(
        update(StaffFactor)
        .where(StaffFactor.staff_id == found.staff_id, StaffFactor.last_step < step)
        .values(last_step=step)
        .execution_options(synchronize_session=False)
    )
    return bool(taken.rowcount)  # type: ignore[attr-defined]  # an UPDATE's result is a CursorResult


def _digest(staff_id: int, code: str) -> str:
    return secrets.digest(f"{staff_id}:{code}")
