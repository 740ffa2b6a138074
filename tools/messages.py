"""Translations: gather what is said to people, keep the catalogues complete, compile them.

    python tools/messages.py update     # new messages into every .po, gone ones out; compiles
    python tools/messages.py compile    # .po -> .mo alone
    python tools/messages.py check      # exits 1 where a message has no translation or a .mo is stale; writes nothing

English is the message itself, so only other languages have catalogues: webapp/translations/LANG/LC_MESSAGES for the core,
compiled and committed, so that a fresh clone, a wheel and the demo all find them without a build step (`check` holds them
to their source); plugins/NAME/translations/LANG.po for a plugin, read as it is by webapp/plugin_runtime/words.py.
"""

import ast
import gettext
import io
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1]
LANGUAGES = ("zh_CN",)
METHODS = [
    ("**/tests/**", "ignore"),
    ("**/_bundled/**", "ignore"),
    ("**.py", "python"),
    ("**.html", "jinja2"),
    ("**.txt", "jinja2"),
]
# A template that does not parse must stop us: silently left out, it would look translated.
OPTIONS = {"**.html": {"silent": "false"}, "**.txt": {"silent": "false"}}
KEYWORDS = DEFAULT_KEYWORDS | {
    "lazy_gettext": None,
    "lazy_ngettext": (1, 2),
    "lazy_pgettext": ((1, "c"), 2),
    "_l": None,
}


@dataclass(frozen=True, slots=True)
class Domain:
    """A set of sources with its own catalogues."""

    name: str
    sources: tuple[Path, ...]
    translations: Path
    is_plugin: bool = False

    def po(self, language: str) -> Path:
        if self.is_plugin:
            return self.translations / f"{language}.po"
        return self.translations / language / "LC_MESSAGES" / "messages.po"


def domains() -> Iterator[Domain]:
    yield Domain("core", (ROOT / "webapp", ROOT / "templates"), ROOT / "webapp" / "translations")
    for manifest in sorted((ROOT / "plugins").glob("*/plugin.toml")):
        folder = manifest.parent
        yield Domain(folder.name, (folder,), folder / "translations", is_plugin=True)


def declared(folder: Path) -> Iterator[tuple[str, Path]]:
    """What a plugin says without calling gettext: its manifest, and the labels of settings, terms and kinds."""
    manifest = folder / "plugin.toml"
    named = tomllib.loads(manifest.read_text(encoding="utf-8"))
    yield from ((named[key], manifest) for key in ("label", "description") if named.get(key))
    for file in sorted(folder.rglob("*.py")):
        if "tests" in file.relative_to(folder).parts:
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            yield from ((text, file) for text in _labels(node))


def _labels(node: ast.AST) -> Iterator[str]:
    """Texts of Setting(key, kind, label, help=, choices=), TermField and ContentField (the same), Problem(field, message),
    Redirect(to, said), StaffPage(label=, help=), ctx.tell(subject=, text=),
    `label = ...`, `consent = ...`, the values of `reasons = {...}` and what a channel's ready() answers."""
    found: list[ast.expr] = []
    if isinstance(node, ast.ClassDef):
        for line in node.body:
            if isinstance(line, ast.Assign) and any(
                isinstance(t, ast.Name) and t.id in ("label", "consent") for t in line.targets
            ):
                found.append(line.value)
            elif (
                isinstance(line, ast.AnnAssign)
                and isinstance(line.target, ast.Name)
                and line.target.id in ("label", "consent")
            ):
                found += [line.value] if line.value else []
            if isinstance(line, (ast.Assign, ast.AnnAssign)) and isinstance(line.value, ast.Dict):
                targets = line.targets if isinstance(line, ast.Assign) else [line.target]
                if any(isinstance(t, ast.Name) and t.id == "reasons" for t in targets):
                    found += line.value.values
    elif isinstance(node, ast.FunctionDef) and node.name == "ready":
        found += [line.value for line in ast.walk(node) if isinstance(line, ast.Return) and line.value]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        keywords = {k.arg: k.value for k in node.keywords}
        if node.func.id in ("Setting", "TermField", "ContentField"):
            found += node.args[2:3] + [keywords[key] for key in ("label", "help") if key in keywords]
            choices = keywords.get("choices")
            if isinstance(choices, (ast.Tuple, ast.List)):
                found += [
                    pair.elts[1]
                    for pair in choices.elts
                    if isinstance(pair, ast.Tuple) and len(pair.elts) == 2
                ]
        elif node.func.id == "Problem":
            found += node.args[1:2] + [keywords[key] for key in ("message",) if key in keywords]
        elif node.func.id == "Redirect":
            found += node.args[1:2] + [keywords[key] for key in ("said",) if key in keywords]
        elif node.func.id == "StaffPage":
            found += [keywords[key] for key in ("label", "help") if key in keywords]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "tell":
        found += [k.value for k in node.keywords if k.arg in ("subject", "text")]
    for value in found:
        if isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value:
            yield value.value


def gather(domain: Domain) -> Catalog:
    """All messages of a domain, with the files that say them (no line numbers: they would change with every edit)."""
    found = Catalog(project="Regulars", version="", charset="utf-8")
    for source in domain.sources:
        if not source.is_dir():
            continue
        for name, _line, text, comments, context in extract_from_dir(
            source,
            METHODS,
            OPTIONS,
            keywords=KEYWORDS,
            comment_tags=("Translators:",),
            strip_comment_tags=True,
        ):
            where = (source.relative_to(ROOT) / name).as_posix()
            found.add(text, locations=[(where, None)], auto_comments=comments, context=context)  # type: ignore[list-item]
    if domain.is_plugin:
        for text, file in declared(domain.translations.parent):
            found.add(text, locations=[(file.relative_to(ROOT).as_posix(), None)])  # type: ignore[list-item]
    return found


def read(domain: Domain, language: str) -> Catalog:
    po = domain.po(language)
    if not po.exists():
        head = f"# What Regulars says in {language}. Gathered by `make messages`."
        return Catalog(locale=language, project="Regulars", charset="utf-8", fuzzy=False, header_comment=head)
    with po.open("rb") as file:
        return read_po(file, locale=language)


def compiled(catalog: Catalog) -> bytes:
    out = io.BytesIO()
    write_mo(out, catalog)
    return out.getvalue()


def spoken(mo: bytes) -> dict[object, str]:
    """What a compiled catalogue says, without its header, which names the compiler's version."""
    entries: dict[object, str] = gettext.GNUTranslations(io.BytesIO(mo))._catalog  # type: ignore[attr-defined]
    return {key: text for key, text in entries.items() if key}


def written(catalog: Catalog) -> bytes:
    out = io.BytesIO()
    write_po(
        out,
        catalog,
        width=110,
        no_location=False,
        include_lineno=False,
        sort_output=True,
        ignore_obsolete=True,
    )
    return out.getvalue()


def update(domain: Domain, language: str) -> None:
    template = gather(domain)
    catalog = read(domain, language)
    if not len(template) and not domain.po(language).exists():
        return
    created = catalog.creation_date
    catalog.update(template, no_fuzzy_matching=True, update_header_comment=False)
    catalog.creation_date = created
    catalog.obsolete.clear()
    po = domain.po(language)
    po.parent.mkdir(parents=True, exist_ok=True)
    po.write_bytes(written(catalog))
    compile_one(domain, language)


def compile_one(domain: Domain, language: str) -> None:
    po = domain.po(language)
    if po.exists() and not domain.is_plugin:
        po.with_suffix(".mo").write_bytes(compiled(read(domain, language)))


def is_translated(message: Message | None) -> bool:
    if message is None or message.fuzzy:
        return False
    parts = message.string if isinstance(message.string, (tuple, list)) else (message.string,)
    return bool(parts) and all(parts)


def faults(domain: Domain, language: str) -> Iterator[str]:
    """What is wrong with one catalogue, a sentence each."""
    template, catalog, po = gather(domain), read(domain, language), domain.po(language)
    wanted = [m for m in template if m.id]
    for message in wanted:
        if not is_translated(catalog.get(message.id, message.context)):
            where = message.locations[0][0] if message.locations else "?"
            yield f"{domain.name} {language}: no translation of {message.id!r} ({where})"
    keys = {(m.id if isinstance(m.id, str) else m.id[0], m.context) for m in wanted}
    for message in catalog:
        if not message.id:
            continue
        if ((message.id if isinstance(message.id, str) else message.id[0]), message.context) not in keys:
            yield f"{domain.name} {language}: nobody says {message.id!r} any more"
        for error in message.check(catalog):
            yield f"{domain.name} {language}: {message.id!r}: {error}"
    mo = po.with_suffix(".mo")
    if (
        po.exists()
        and not domain.is_plugin
        and (not mo.exists() or spoken(mo.read_bytes()) != spoken(compiled(catalog)))
    ):
        yield f"{domain.name} {language}: {mo.name} is not what {po.name} compiles to"


def main() -> int:
    what = sys.argv[1] if len(sys.argv) == 2 else ""
    pairs = [(domain, language) for domain in domains() for language in LANGUAGES]
    if what == "update":
        for domain, language in pairs:
            update(domain, language)
            missing = sum(" no translation " in fault for fault in faults(domain, language))
            print(f"{domain.name} {language}: {missing} messages to translate")
        return 0
    if what == "compile":
        for domain, language in pairs:
            compile_one(domain, language)
        return 0
    if what == "check":
        found = [fault for domain, language in pairs for fault in faults(domain, language)]
        for fault in found[:60]:
            print(fault)
        if found:
            print(
                f"{len(found)} faults in the translations; `make messages` gathers and compiles, then translate the .po"
            )
        return 1 if found else 0
    print(__doc__)
    return 2


if __name__ == "__main__":
    sys.exit(main())
