"""What a message says: texts with placeholders, checked when they are written, compiled once, filled for each member.

The language is a small part of Jinja in its sandbox: placeholders, `or`, a few filters, `if`. No loop, no call, no
arithmetic, so that a text is as long and takes as much time as its author can see.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

import nh3
from jinja2 import StrictUndefined, TemplateSyntaxError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from webapp.campaigns.placeholders import PLACEHOLDERS
from webapp.plugin_api import ContentField

MOST_PARTS = 500  # of a text, besides its plain words
DEEPEST = 10  # `if` inside `if`
LONGEST = 100_000  # characters of a filled field
FILTERS = frozenset({"capitalize", "default", "d", "lower", "title", "trim", "upper"})
_ALLOWED = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Getattr,
    nodes.Name,
    nodes.Const,
    nodes.If,
    nodes.CondExpr,
    nodes.Not,
    nodes.And,
    nodes.Or,
    nodes.Filter,
)
STYLES = frozenset(
    {
        "background-color",
        "border",
        "border-radius",
        "color",
        "display",
        "font-family",
        "font-size",
        "font-style",
        "font-weight",
        "line-height",
        "margin",
        "margin-bottom",
        "margin-top",
        "max-width",
        "padding",
        "text-align",
        "text-decoration",
        "width",
    }
)


@dataclass(frozen=True, slots=True)
class Wrong:
    """Why a field cannot stand. code: required, too_long, unknown, needs_offer, not_allowed, syntax; what: the
    placeholder or the piece; line: from 1, 0 where it is about the whole field."""

    code: str
    what: str = ""
    line: int = 0
    facts: Mapping[str, Any] = field(default_factory=dict, hash=False)


def _environment(*, html: bool) -> ImmutableSandboxedEnvironment:
    made = ImmutableSandboxedEnvironment(
        autoescape=html, undefined=StrictUndefined, keep_trailing_newline=True, cache_size=0
    )
    made.filters = {name: made.filters[name] for name in FILTERS}
    made.globals = {}
    made.tests = {}
    return made


_ENVIRONMENTS = {True: _environment(html=True), False: _environment(html=False)}
_CLEANER = nh3.Cleaner(
    tags=nh3.ALLOWED_TAGS,
    attributes={tag: set(names) for tag, names in nh3.ALLOWED_ATTRIBUTES.items()}
    | {"*": {"style", "lang", "dir", "title", "align"}},
    filter_style_properties=set(STYLES),
    url_schemes={"http", "https", "mailto", "tel"},
    link_rel=None,
)


# --------------------------------------------------------------------------------------------------------- checking


def check(
    fields: Iterable[ContentField],
    content: Mapping[str, str],
    *,
    has_offer: bool,
    kind: str = "members",
) -> dict[str, list[Wrong]]:
    """field key -> what is wrong with it. An empty answer: the content can go out. kind: the campaign's."""
    found = {one.key: list(_wrong(one, content.get(one.key, ""), has_offer, kind)) for one in fields}
    return {key: wrong for key, wrong in found.items() if wrong}


def _wrong(one: ContentField, text: str, has_offer: bool, kind: str) -> Iterator[Wrong]:
    if not text.strip():
        if one.required:
            yield Wrong("required")
        return
    if len(text) > one.max_length:
        yield Wrong("too_long", facts={"most": one.max_length, "length": len(text)})
        return
    environment = _ENVIRONMENTS[one.kind == "html"]
    try:
        tree = environment.parse(text)
    except TemplateSyntaxError as why:
        yield Wrong("syntax", str(why.message or "")[:100], why.lineno)
        return
    except RecursionError:
        yield Wrong("not_allowed", "((((", 1)
        return
    except ValueError:  # a number of thousands of digits
        yield Wrong("not_allowed", "0123…", 0)
        return
    problems = list(_walk(tree, has_offer, kind))
    yield from dict.fromkeys(problems)
    if not problems:
        try:
            environment.from_string(tree)
        except (SyntaxError, TemplateSyntaxError, RecursionError, MemoryError) as why:
            yield Wrong("syntax", type(why).__name__, 0)


def _walk(tree: nodes.Template, has_offer: bool, kind: str) -> Iterator[Wrong]:
    waiting: list[tuple[nodes.Node, int]] = [(tree, 0)]
    parts = 0
    while waiting:
        node, depth = waiting.pop(0)
        parts += not isinstance(node, nodes.TemplateData)
        deeper = depth + isinstance(node, nodes.If)
        if parts > MOST_PARTS or deeper > DEEPEST:
            yield Wrong("not_allowed", "…", node.lineno)
            return
        if isinstance(node, nodes.Getattr) and isinstance(node.node, nodes.Name):
            yield from _placeholder(f"{node.node.name}.{node.attr}", node.lineno, has_offer, kind)
            continue
        if isinstance(node, nodes.Name):
            yield _unknown(node.name, node.lineno)
        elif isinstance(node, nodes.Filter) and node.name not in FILTERS:
            yield Wrong("not_allowed", f"|{node.name}", node.lineno)
        elif isinstance(node, nodes.Const) and not _sayable(node.value):
            yield Wrong("not_allowed", "\\…", node.lineno)
        elif isinstance(node, nodes.Getattr) or not isinstance(node, _ALLOWED):
            yield Wrong("not_allowed", type(node).__name__.lower(), node.lineno)
            continue
        waiting.extend((child, deeper) for child in node.iter_child_nodes())


def _sayable(value: object) -> bool:
    """Can a constant stand in a message? An escape in a text can write half a pair of an emoji, or a control."""
    if not isinstance(value, str):
        return True
    return all(c in "\t\n" or (c >= " " and not "\ud800" <= c <= "\udfff") for c in value)


def _placeholder(key: str, line: int, has_offer: bool, kind: str) -> Iterator[Wrong]:
    known = PLACEHOLDERS.get(key)
    if known is None or kind not in known.kinds:
        yield _unknown(key, line)
    elif known.needs_offer and not has_offer:
        yield Wrong("needs_offer", key, line)


def _unknown(name: str, line: int) -> Wrong:
    return Wrong("unknown", name[:60], line)


def used(content: Mapping[str, str]) -> set[str]:
    """Which placeholders the texts use; texts that cannot be read use none."""
    found: set[str] = set()
    for text in content.values():
        try:
            tree = _ENVIRONMENTS[False].parse(text)
        except (TemplateSyntaxError, RecursionError, ValueError):
            continue
        for node in tree.find_all(nodes.Getattr):
            if isinstance(node.node, nodes.Name):
                found.add(f"{node.node.name}.{node.attr}")
    return found & PLACEHOLDERS.keys()


# --------------------------------------------------------------------------------------------------------- rendering

Kind = Literal["line", "text", "html"]


@dataclass(frozen=True, slots=True)
class Compiled:
    """The texts of a message, ready to be filled."""

    parts: tuple[tuple[str, Kind, Any], ...]

    def fill(self, values: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
        """The message's content. HTML is sanitised; a line has no line breaks. Raises what Jinja raises, or ValueError
        for a field that is too long."""
        filled: dict[str, str] = {}
        for key, kind, template in self.parts:
            text = template.render(values)
            if len(text) > LONGEST:
                raise ValueError(f"{key} is too long")
            if kind == "html":
                text = _CLEANER.clean(text)
            elif kind == "line":
                text = " ".join(text.split())
            filled[key] = text
        return filled


def compiled(fields: Sequence[ContentField], content: Mapping[str, str]) -> Compiled:
    """Compile what has been checked; the same texts are compiled once a process."""
    said = tuple((one.key, one.kind) for one in fields if content.get(one.key, "").strip())
    return _compiled(said, json.dumps({key: content[key] for key, _ in said}, sort_keys=True))


@lru_cache(maxsize=32)
def _compiled(said: tuple[tuple[str, Kind], ...], texts: str) -> Compiled:
    content = json.loads(texts)
    return Compiled(
        tuple((key, kind, _ENVIRONMENTS[kind == "html"].from_string(content[key])) for key, kind in said)
    )
