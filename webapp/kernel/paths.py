"""Where the product's own files are: the checkout's top-level folders, or the copies bundled in a wheel.

A wheel built from the tree carries ``templates``, ``migrations`` and ``plugins`` inside the package (pyproject.toml,
force-include); a checkout has them beside it. Nothing else in the product asks where it is installed.
"""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
CHECKOUT = PACKAGE.parent
BUNDLED = PACKAGE / "_bundled"


def _folder(name: str) -> Path:
    """The bundled folder where there is one, else the checkout's. Raises FileNotFoundError when neither exists."""
    bundled = BUNDLED / name
    if bundled.is_dir():
        return bundled
    beside = CHECKOUT / name
    # A stray "templates" folder next to an installed package is not ours: a checkout also has its pyproject.
    if beside.is_dir() and (CHECKOUT / "pyproject.toml").is_file():
        return beside
    raise FileNotFoundError(f"{name}/ is neither in the package ({bundled}) nor in a checkout ({beside})")


def in_checkout() -> bool:
    """Whether this code runs from a source tree rather than from an installed wheel."""
    return not BUNDLED.is_dir()


def templates_dir() -> Path:
    return _folder("templates")


def migrations_dir() -> Path:
    return _folder("migrations")


def plugins_dir() -> Path:
    """The folder of plugins that ship with the product, one folder a plugin."""
    return _folder("plugins")


def static_dir() -> Path:
    return PACKAGE / "static"


def translations_dir() -> Path:
    return PACKAGE / "translations"
