"""The door of the API: who asks, what they may, how much, and the body read; then the work in one unit, and its answer.

Deny by default: what is not declared as an operation with a scope is not reached. No cookie counts here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
from flask import Response, current_app, g, request

from webapp.api import keys, problems
from webapp.api.problems import Problem, Stop
from webapp.kernel import clock, edge
from webapp.kernel.edge import PUBLIC
from webapp.kernel.errors import NotFound, UserError
from webapp.kernel.idempotency import amend, keep, kept
from webapp.kernel.limits import left, limit
from webapp.kernel.scope import PUBLIC as NOBODY
from webapp.kernel.scope import Scope

BODY = 256 * 1024
DEEPEST = 16  # no body of ours needs more than four
PER_MINUTE = 600  # requests of a key
BAD_KEYS = 60  # tries with keys that open nothing, from one address in a minute
GUESSES = 30  # codes and members that do not exist, by a key in five minutes
ANY = ""  # an operation for whoever has a key
_KEY = re.compile(r"[\x21-\x7e]{8,200}")
# A string, whole even where it does not end, or a bracket.
_TOKENS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[{]|[\]}]', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Ask:
    """A request that has passed the door. body: as its operation describes it, or None; once: the key by which its work is
    done once, blank where it changes nothing; tell: keeps what the answer is going to be under that key (Operation.foreseen)."""

    key: keys.Key
    body: Any = None
    once: str = ""
    tell: Callable[[msgspec.Struct | Problem], None] = lambda answer: None


@dataclass(frozen=True, slots=True)
class Operation:
    """What can be asked. rule: below /api/v1, as Flask writes it; scope: what the key must hold, ANY: any key will do; query
    and body: what is read from the address and the body; answers: the shape and status of the answer; examples: bodies.

    once: it carries an Idempotency-Key. Its answer is kept before the work and filled in after it; foreseen: the work looks
    first, and says by Ask.tell what the answer is going to be, before it writes anything."""

    name: str
    method: str
    rule: str
    scope: str
    summary: str
    about: str
    answers: type[msgspec.Struct]
    status: int = 200
    query: type[msgspec.Struct] | None = None
    body: type[msgspec.Struct] | None = None
    once: bool = False
    foreseen: bool = False
    examples: Mapping[str, Any] = field(default_factory=dict)
    refuses: tuple[str, ...] = ()


Work = Callable[..., msgspec.Struct | Problem]
OPERATIONS: dict[str, tuple[Operation, Work]] = {}


def operation(one: Operation) -> Callable[[Work], Work]:
    """Declares what answers it: work(scope, ask, **what stands in the address)."""

    def register(work: Work) -> Work:
        if one.scope != ANY and one.scope not in keys.SCOPES:
            raise RuntimeError(f"{one.name} asks for a scope that no key can hold: {one.scope!r}")
        if one.name in OPERATIONS:
            raise RuntimeError(f"there are two operations {one.name}")
        OPERATIONS[one.name] = one, work
        return work

    return register


def add_to(bp: edge.RoomBlueprint) -> None:
    """Every operation as a route."""
    for one, work in OPERATIONS.values():
        bp.add_url_rule(
            one.rule,
            one.name,
            _view(one, work),
            methods=[one.method],
            permission=PUBLIC,  # the key decides
            csrf_exempt=one.method != "GET",
        )


def _view(one: Operation, work: Work) -> Callable[..., Response]:
    def view(**path: Any) -> Response:
        try:
            return _answer(one, admit(one), lambda scope, ask: work(scope, ask, **path))
        except Stop as stop:
            return problems.answer(stop.problem)

    return view


# ---------------------------------------------------------------------------------------------------------- who, and what


def admit(one: Operation) -> Ask:
    """Past the door: the key first, then everything else."""
    g.actor, g.brand = NOBODY, None  # whoever a cookie names is nobody here
    key = _key()
    if not limit("api", str(key.id), PER_MINUTE, 60):
        raise Stop(Problem("slow_down", 429))
    if one.scope != ANY and one.scope not in key.scopes:
        raise Stop(Problem("scope", 403, {"scope": one.scope}))
    once = _once(key) if one.once else ""
    if one.query is not None:
        return Ask(
            key, _fitting(lambda: msgspec.convert(request.args.to_dict(), one.query, strict=False)), once
        )
    return Ask(key, _body(one.body) if one.body is not None else None, once)


def _key() -> keys.Key:
    word, _, secret = request.headers.get("Authorization", "").partition(" ")
    found = keys.find(edge.database(), secret.strip()) if word.lower() == "bearer" else None
    if found is None:
        if not limit("api.door", request.remote_addr or "", BAD_KEYS, 60):
            raise Stop(Problem("slow_down", 429))
        raise Stop(Problem("key_needed", 401))
    key, g.brand = found
    g.actor = keys.actor(key)
    if key.last_used_on is None or key.last_used_on < clock.local_day(clock.now(), g.brand.timezone):
        edge.write(lambda scope: keys.used(scope, key.id))
    return key


def _once(key: keys.Key) -> str:
    """The kernel's key: of this very till's, so that two tills that count from one do not meet."""
    said = request.headers.get("Idempotency-Key", "")
    if not _KEY.fullmatch(said):
        raise Stop(Problem("idempotency_key", 400, field="Idempotency-Key"))
    return "api:" + hashlib.sha256(f"{key.id}:{said}".encode()).hexdigest()[:56]


def _body(shape: type[msgspec.Struct]) -> Any:
    if request.mimetype != "application/json":
        raise Stop(Problem("not_json", 415))
    if (request.content_length or 0) > BODY:
        raise Stop(Problem("too_large", 413))
    raw = request.stream.read(BODY + 1)
    if len(raw) > BODY:
        raise Stop(Problem("too_large", 413))
    if too_deep(raw):
        raise Stop(Problem("too_deep", 400))
    return _fitting(lambda: msgspec.convert(_whole(msgspec.json.decode(raw)), type=shape))


def too_deep(raw: bytes) -> bool:
    """More brackets open at once than any body needs: told before anything is made of it, in one pass."""
    if raw.count(b"[") + raw.count(b"{") <= DEEPEST:
        return False
    depth = 0
    for token in _TOKENS.finditer(raw):
        mark = raw[token.start()]
        if mark in b"[{":
            depth += 1
            if depth > DEEPEST:
                return True
        elif mark in b"]}":
            depth -= 1
    return False


def _whole(value: Any) -> Any:
    """100.0 is the integer 100, in JSON Schema and to some tills."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_whole(one) for one in value]
    if isinstance(value, dict):
        return {key: _whole(one) for key, one in value.items()}
    return value


def _fitting(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except msgspec.ValidationError as why:
        said, _, place = str(why).partition(" - at `$")
        raise Stop(Problem("invalid", 422, {"said": said}, place.rstrip("`").lstrip(".") or "")) from why
    except (msgspec.DecodeError, UnicodeDecodeError) as why:
        raise Stop(Problem("bad_json", 400)) from why
    except RecursionError as why:
        raise Stop(Problem("too_deep", 400)) from why


# --------------------------------------------------------------------------------------------------------------- guesses


def may_guess(ask: Ask) -> None:
    """A list of codes or phones is no way to somebody's coupon."""
    if not left("api.guess", str(ask.key.id), GUESSES, 300):
        raise Stop(Problem("too_many_guesses", 429))


def guessed(ask: Ask) -> None:
    """A code or a member that does not exist was asked for."""
    limit("api.guess", str(ask.key.id), GUESSES, 300)


# -------------------------------------------------------------------------------------------------------------- answering


class _Answered(Exception):
    """The key was answered before."""

    def __init__(self, stored: dict[str, Any]) -> None:
        super().__init__()
        self.stored = stored


@dataclass(slots=True)
class _Answer:
    """What a key is answered, kept in the unit that does the work: written down once, and changed where it comes out
    otherwise."""

    one: Operation
    scope: Scope
    key: str
    purpose: str
    kept: bool = False
    answer: msgspec.Struct | Problem | None = None
    said: dict[str, Any] = field(default_factory=dict)

    def tell(self, answer: msgspec.Struct | Problem | None) -> None:
        """None: nobody knows yet. Raises _Answered where it was answered by an earlier request."""
        if self.kept and answer is self.answer:
            return
        said = _told(self.one, answer) if answer is not None else {}
        if self.kept:
            amend(self.scope, self.key, said)
        else:
            first, stored = keep(self.scope, self.key, self.purpose, said)
            if not first:
                raise _Answered(stored)
        self.kept, self.answer, self.said = True, answer, said


def _answer(one: Operation, ask: Ask, work: Callable[[Scope, Ask], msgspec.Struct | Problem]) -> Response:
    if not one.once:
        with edge.read() as scope:
            said = _told(one, work(scope, ask))
        return _response(said)
    purpose = f"{one.name}:{_digest(ask)}"

    def unit(scope: Scope) -> dict[str, Any]:
        answer = _Answer(one, scope, ask.once, purpose)
        try:
            if not one.foreseen:
                answer.tell(None)
            answer.tell(work(scope, replace(ask, tell=answer.tell)))
        except _Answered as before:
            return {"again": True} | before.stored
        except (Stop, NotFound):  # whatever has become of it since: what was answered is answered again
            row = None if answer.kept else kept(scope, ask.once, purpose)
            if row is None:
                raise
            return {"again": True} | row.answer
        return {"again": False} | answer.said

    try:
        return _response(edge.write(unit))
    except UserError:
        raise Stop(Problem("idempotency_key_reused", 409, field="Idempotency-Key")) from None


def _digest(ask: Ask) -> str:
    """What was asked, whatever the order of its fields."""
    said = (
        request.path.encode() + b"\n" + (msgspec.json.encode(ask.body, order="sorted") if ask.body else b"")
    )
    return hashlib.sha256(said).hexdigest()[:32]


def _told(one: Operation, answer: msgspec.Struct | Problem) -> dict[str, Any]:
    """As it is kept for whoever asks again: to the letter."""
    if isinstance(answer, Problem):
        return {"status": answer.status, "text": msgspec.json.encode(problems.body(answer)).decode()}
    return {"status": one.status, "text": msgspec.json.encode(answer).decode()}


def _response(said: Mapping[str, Any]) -> Response:
    response = current_app.make_response((said["text"], said["status"]))
    response.mimetype = "application/json"
    response.headers["Cache-Control"] = "no-store"
    if said.get("again"):
        response.headers["Idempotency-Replayed"] = "true"
    return response
