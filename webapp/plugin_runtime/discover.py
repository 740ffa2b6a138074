"""Where plugins are found: the product's own folder, the instance's folder, and pip entry points. Nothing is imported."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

from webapp.plugin_runtime.manifest import BadManifest, Manifest, read

GROUP = "regulars.plugins"


@dataclass(frozen=True, slots=True)
class Found:
    """A plugin's folder, its manifest or why that cannot be read, and the module to import if pip installed it."""

    name: str
    folder: Path
    manifest: Manifest | None
    error: str | None
    module: str | None = None


def in_folder(root: Path) -> Iterable[Found]:
    """Every folder with a plugin.toml or an __init__.py below `root`, by name."""
    if not root.is_dir():
        return
    for folder in sorted(root.iterdir()):
        if (
            folder.is_dir()
            and not folder.name.startswith((".", "_"))
            and ((folder / "plugin.toml").exists() or (folder / "__init__.py").exists())
        ):
            yield _found(folder, folder.name, None)


def installed() -> Iterable[Found]:
    """Every entry point of the group: its value is a top-level package that carries a plugin.toml."""
    for point in sorted(entry_points(group=GROUP), key=lambda p: p.name):
        spec = find_spec(point.module.partition(".")[0])
        places = list(spec.submodule_search_locations or []) if spec else []
        if not places:
            yield Found(
                point.name,
                Path(),
                None,
                f"the package {point.module} is not there; install it again",
                point.module,
            )
            continue
        folder = Path(places[0], *point.module.split(".")[1:])
        yield _found(folder, point.name, point.module)


def _found(folder: Path, name: str, module: str | None) -> Found:
    try:
        manifest = read(folder / "plugin.toml")
    except BadManifest as why:
        return Found(name, folder, None, str(why), module)
    if manifest.name != name:
        return Found(
            name,
            folder,
            None,
            f"plugin.toml says {manifest.name!r} but it is found as {name!r}; make them the same",
            module,
        )
    return Found(name, folder, manifest, None, module)
