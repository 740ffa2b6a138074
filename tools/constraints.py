"""Write constraints.txt: what this environment holds of the product's needs, pinned, with no host names.

    python tools/constraints.py            # writes constraints.txt
    python tools/constraints.py --check    # exits 1 where constraints.txt misses a need, or pins what nobody needs

Walks the installed distributions from `regulars` and its extras along their requirements, so that what merely happens
to lie in the environment is left out.
"""

import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "constraints.txt"
LEFT_OUT = {"regulars", "pip"}  # pip is whatever made the environment
HEAD = "# What is known to work together. Written by tools/constraints.py; used as `pip install -c constraints.txt`.\n"


def needed() -> dict[str, str]:
    """Canonical name -> "Name==version" of everything `regulars` and its extras lead to."""
    found: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    todo = [("regulars", ""), ("regulars", "dev"), ("regulars", "audit")]
    while todo:
        name, extra = todo.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        try:
            dist = distribution(name)
        except PackageNotFoundError:
            if name == "regulars":
                raise
            continue  # wanted on another platform only
        if name not in LEFT_OUT:
            found[name] = f"{dist.metadata['Name']}=={dist.version}"
        for text in dist.requires or []:
            need = Requirement(text)
            if need.marker and not need.marker.evaluate({"extra": extra}):
                continue
            child = canonicalize_name(need.name)
            todo.append((child, ""))
            todo.extend((child, e) for e in need.extras)
    return found


def main() -> int:
    pins = sorted(needed().values(), key=str.casefold)
    if "--check" not in sys.argv:
        FILE.write_text(HEAD + "\n".join(pins) + "\n", encoding="utf-8")
        print(f"{len(pins)} pins written to {FILE.name}")
        return 0
    names = {pin.split("==")[0] for pin in pins}
    there = {line.split("==")[0] for line in FILE.read_text(encoding="utf-8").splitlines() if "==" in line}
    for name in sorted(names - there):
        print(f"constraints.txt: {name} is needed and not pinned; run: python tools/constraints.py")
    # A pin that this platform does not need may be another's (colorama on Windows): only what is missing is an error.
    return 1 if names - there else 0


if __name__ == "__main__":
    sys.exit(main())
