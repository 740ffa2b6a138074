"""The OpenAPI document, written from the operations and the types that check bodies and make answers."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import msgspec

from webapp.api import asking, doing  # noqa: F401  they declare the operations
from webapp.api.door import ANY, BODY, GUESSES, OPERATIONS, PER_MINUTE, Operation
from webapp.api.schemas import Error, Id, Typed

VERSION = "1.0.0"
ROOT = "/api/v1"
_REF = "#/components/schemas/{name}"
_ABOUT = f"""Offers, coupons and redemptions for tills and online shops. An owner makes a key under More, Keys for tills and shops.

Ids are strings, money is an integer of minor units beside its currency, moments are UTC. A body has at most {BODY // 1024} kB;
a key has {PER_MINUTE} requests a minute and, in five minutes, {GUESSES} codes or members that do not exist.

400: the request cannot be read. 401, 403: the key. 404: there is no such thing. 409: understood and refused, with the reason; nothing
was changed. 422: the request does not fit what is described here. 429: too many. Anything else is ours.

A request that does something carries an Idempotency-Key. Sent again with the same body it is done once and has the same answer,
a refusal too, for 14 days; with another body it is refused (409 idempotency_key_reused). What was not read (400, 422) or not
found (404) used no key."""
_PARAMETERS: dict[str, tuple[Any, str]] = {
    "offer_id": (Id, "The offer's id."),
    "redemption_id": (Id, "The redemption's id."),
    "code": (Typed, "The coupon's code."),
}
# What the types say in __post_init__, in words of JSON Schema.
_EITHER: dict[str, dict[str, Any]] = {
    "QuoteAsked": {"anyOf": [{"required": ["total_minor"]}, {"required": ["lines"]}]},
    "RedeemAsked": {"anyOf": [{"required": ["total_minor"]}, {"required": ["lines"]}]},
    "Who": {"oneOf": [{"required": ["number"]}, {"required": ["phone"]}]},
}
# operation -> what can be asked next, with what of its answer.
_LINKS = {
    "offers": {
        "offer": {"offer_id": "$response.body#/offers/0/id"},
        "claim": {"offer_id": "$response.body#/offers/0/id"},
    },
    "claim": {"coupon": {"code": "$response.body#/code"}},
    "redeem": {"reverse": {"redemption_id": "$response.body#/redemptions/0/id"}},
}
_PROBLEMS = {
    "400": "It cannot be read.",
    "401": "No key, or none that works.",
    "403": "The key may not, or does not reach that.",
    "404": "There is no such thing.",
    "409": "Understood and refused.",
    "413": "Too large.",
    "415": "No JSON.",
    "422": "It does not fit.",
    "429": "Too many.",
}


@cache
def document() -> dict[str, Any]:
    """OpenAPI 3.1."""
    used = [
        shape for one, _work in OPERATIONS.values() for shape in (one.body, one.answers) if shape is not None
    ]
    _, schemas = msgspec.json.schema_components([*used, Error], ref_template=_REF)
    for name, rule in _EITHER.items():
        schemas[name] |= rule
    for schema in schemas.values():
        if "description" in schema:
            schema["description"] = " ".join(schema["description"].split())
    paths: dict[str, Any] = {}
    for one, _work in OPERATIONS.values():
        at = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", one.rule)
        paths.setdefault(at, {})[one.method.lower()] = _operation(one)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Regulars", "version": VERSION, "description": _ABOUT},
        "servers": [{"url": ROOT}],
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
            "responses": {
                status: {"description": words, "content": _json(_ref(Error))}
                for status, words in _PROBLEMS.items()
            },
        },
    }


def _operation(one: Operation) -> dict[str, Any]:
    statuses = {"400", "401", "403", "404", "429"}
    said: dict[str, Any] = {
        "operationId": one.name,
        "summary": one.summary,
        "description": one.about + _needs(one) + _refuses(one),
        "parameters": [_in_path(name) for name in re.findall(r"<(?:\w+:)?(\w+)>", one.rule)],
    }
    if one.query is not None:
        said["parameters"] += _in_query(one.query)
        statuses |= {"422"}
    if one.once:
        said["parameters"].append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": True,
                "description": "A new one for each thing to be done once; the same one to ask again.",
                "schema": {"type": "string", "minLength": 8, "maxLength": 200, "pattern": "^[!-~]*$"},
                "example": "till-3-20317-1",
            }
        )
    if one.body is not None:
        examples = {name: {"value": value} for name, value in one.examples.items()}
        said["requestBody"] = {
            "required": True,
            "content": {
                "application/json": _json(_ref(one.body))["application/json"] | {"examples": examples}
            },
        }
        statuses |= {"413", "415", "422"}
    if one.refuses:
        statuses |= {"409"}
    said["responses"] = {
        str(one.status): {
            "description": one.summary,
            "content": _json(_ref(one.answers)),
            **({"headers": _REPLAYED} if one.once else {}),
            **({"links": _links(one)} if one.name in _LINKS else {}),
        },
        **{status: {"$ref": f"#/components/responses/{status}"} for status in sorted(statuses)},
    }
    return said


_REPLAYED = {
    "Idempotency-Replayed": {
        "description": "`true`: this is the answer of the first time.",
        "schema": {"type": "string"},
    }
}


def _links(one: Operation) -> dict[str, Any]:
    return {name: {"operationId": name, "parameters": given} for name, given in _LINKS[one.name].items()}


def _needs(one: Operation) -> str:
    return "" if one.scope == ANY else f"\n\nThe key needs the scope `{one.scope}`."


def _refuses(one: Operation) -> str:
    return f"\n\nRefused (409): {', '.join(f'`{code}`' for code in one.refuses)}." if one.refuses else ""


def _in_path(name: str) -> dict[str, Any]:
    kind, words = _PARAMETERS[name]
    schema = msgspec.json.schema(kind)
    return {"name": name, "in": "path", "required": True, "description": words, "schema": schema}


def _in_query(shape: type[msgspec.Struct]) -> list[dict[str, Any]]:
    _, made = msgspec.json.schema_components([shape], ref_template=_REF)
    properties: dict[str, Any] = made[shape.__name__]["properties"]
    return [
        {"name": name, "in": "query", "required": False, "schema": schema}
        for name, schema in properties.items()
    ]


def _ref(shape: type[msgspec.Struct]) -> dict[str, str]:
    return {"$ref": _REF.format(name=shape.__name__)}


def _json(schema: dict[str, str]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
