"""Build hook: a wheel carries the checkout's top-level folders inside the package; an editable install does not.

File by file, because a forced folder would bring the plugins' own tests and Python's caches along.
"""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FOLDERS = ("templates", "migrations", "plugins")
LEFT_OUT = {"tests", "__pycache__"}


class BundleHook(BuildHookInterface):  # type: ignore[type-arg,misc]
    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return  # webapp/kernel/paths.py finds the folders beside the package
        root = Path(self.root)
        for folder in FOLDERS:
            if not (root / folder).is_dir():
                raise FileNotFoundError(f"{folder}/ is missing: a wheel is built from a whole source tree")
            for file in sorted((root / folder).rglob("*")):
                inside = file.relative_to(root)
                if file.is_file() and not LEFT_OUT.intersection(inside.parts) and file.suffix != ".pyc":
                    build_data["force_include"][str(file)] = f"webapp/_bundled/{inside.as_posix()}"
