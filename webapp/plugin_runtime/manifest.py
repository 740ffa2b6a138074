"""plugin.toml: what a plugin is, read without importing it."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

KINDS = ("channel", "coupon_type", "lifecycle_policy")
SERVED = {"channel/1", "coupon_type/1", "lifecycle_policy/1"}
_NAME = re.compile(r"(channel|coupon|lifecycle)_[a-z][a-z0-9_]{1,40}")
_KEYS = {
    "name",
    "version",
    "label",
    "description",
    "kinds",
    "starts_enabled",
    "author",
    "licence",
    "member_columns",
}


class BadManifest(ValueError):
    """What is wrong with a plugin.toml, and how to mend it."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """A plugin as its author declares it.

    name: the folder's name; kinds: such as channel/1; label, description: English msgids of the plugin's catalogue;
    starts_enabled: on for brands that have not said otherwise; member_columns: table.column names that refer to a member
    (merge, export and erasure are done there by the core).
    """

    name: str
    version: str
    label: str
    description: str
    kinds: tuple[str, ...]
    starts_enabled: bool
    author: str
    licence: str
    member_columns: tuple[str, ...]

    @property
    def table_prefix(self) -> str:
        """Every table of the plugin begins with this."""
        return f"plg_{self.name}_"

    @property
    def version_table(self) -> str:
        """Its own Alembic version table, so that the core upgrades after the plugin's folder is gone."""
        return f"alembic_version_{self.name}"


def read(path: Path) -> Manifest:
    """Read and check one plugin.toml. Raises BadManifest with the mend."""
    try:
        data: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as why:
        raise BadManifest(f"{path.parent.name}: there is no plugin.toml") from why
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as why:
        raise BadManifest(f"{path.parent.name}: plugin.toml is not TOML ({why})") from why
    return check(data, path.parent.name)


def check(data: dict[str, Any], where: str) -> Manifest:
    """Check a parsed manifest. Raises BadManifest."""
    unknown = data.keys() - _KEYS
    if unknown:
        raise BadManifest(
            f"{where}: plugin.toml has unknown keys {', '.join(sorted(unknown))}; known: {', '.join(sorted(_KEYS))}"
        )

    def text(key: str, *, required: bool = True) -> str:
        value = data.get(key, "")
        if not isinstance(value, str) or (required and not value.strip()):
            raise BadManifest(f'{where}: plugin.toml needs {key} = "..."')
        return value

    def texts(key: str) -> tuple[str, ...]:
        value = data.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise BadManifest(f"{where}: {key} must be a list of texts")
        return tuple(value)

    name, kinds = text("name"), texts("kinds")
    if not _NAME.fullmatch(name):
        raise BadManifest(
            f"{where}: name {name!r} must be <kind>_<name> in small letters, such as channel_email"
        )
    bad = [kind for kind in kinds if kind not in SERVED]
    if bad or not kinds:
        raise BadManifest(
            f"{where}: kinds must be some of {', '.join(sorted(SERVED))}; got {', '.join(bad) or 'none'}"
        )
    enabled = data.get("starts_enabled", False)
    if not isinstance(enabled, bool):
        raise BadManifest(f"{where}: starts_enabled must be true or false")
    return Manifest(
        name=name,
        version=text("version"),
        label=text("label"),
        description=text("description", required=False),
        kinds=kinds,
        starts_enabled=enabled,
        author=text("author", required=False),
        licence=text("licence", required=False),
        member_columns=texts("member_columns"),
    )
