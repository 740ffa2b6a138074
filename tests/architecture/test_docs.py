"""Documents that repeat what the code says are held to it: settings, hooks, kinds, commands; and the tutorial works."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

from webapp import config, plugin_api
from webapp.cli.main import COMMANDS
from webapp.plugin_api.hooks import Hooks
from webapp.plugin_runtime import runtime
from webapp.plugin_runtime.discover import in_folder
from webapp.plugin_runtime.manifest import SERVED
from webapp.plugin_testing.coupon_type import FIELD_KINDS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "README.zh.md", ROOT / "CHANGELOG.md"])


def read(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def test_every_setting_is_documented_and_no_other() -> None:
    assert re.findall(r"^\| `(\w+)` \|", read("operators/settings.md"), re.MULTILINE) == list(config.KNOWN)


def test_the_table_of_roles_is_what_the_code_says() -> None:
    """docs/staff/roles.md: python tools/roles.py writes it."""
    from tools import roles

    assert roles.PAGE.read_text(encoding="utf-8") == roles.text(), "run: python tools/roles.py"


def headings(text: str, level: int = 3) -> dict[str, str]:
    """`name` -> what stands below its heading."""
    parts = re.split(rf"^{'#' * level} `([^`]+)`.*$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_hook_is_documented_with_its_failure_policy() -> None:
    hooks = [name for name, one in vars(Hooks).items() if inspect.isfunction(one)]
    documented = headings(read("plugins/reference.md").split("## Kinds")[0])
    assert list(documented) == [f"{name}()" for name in hooks]
    for name in hooks:
        policy = re.search(r"Failure policy: (\w+)", inspect.getdoc(getattr(Hooks, name)) or "")
        assert policy, name
        assert f"*{policy[1]}*" in documented[f"{name}()"], name


def test_every_kind_is_documented_with_its_members() -> None:
    documented = headings(read("plugins/reference.md").split("## Kinds")[1])
    kinds = {
        one.kind: one
        for name in plugin_api.__all__
        if inspect.isclass(one := getattr(plugin_api, name)) and isinstance(getattr(one, "kind", None), str)
    }
    assert set(documented) == set(kinds) == SERVED
    for kind, one in kinds.items():
        members = {name for name in {**one.__annotations__, **vars(one)} if not name.startswith("_")}
        missing = [name for name in members - {"kind"} if f"`{name}" not in documented[kind]]
        assert not missing, f"{kind}: {missing}"


def test_every_kind_of_term_is_documented() -> None:
    told = headings(read("plugins/reference.md").split("## Kinds")[1])["coupon_type/1"]
    assert re.findall(r"^\| `(\w+)` \|", told, re.MULTILINE) == list(FIELD_KINDS)


def test_every_public_name_of_the_plugin_api_is_documented() -> None:
    text = read("plugins/reference.md")
    assert [name for name in plugin_api.__all__ if f"`{name}" not in text] == []


def test_every_verb_of_a_plugins_context_is_documented() -> None:
    text = read("plugins/reference.md")
    verbs = [
        name
        for name, one in vars(plugin_api.PluginContext).items()
        if inspect.isfunction(one) and name[0] != "_"
    ]
    assert "tell" in verbs and [name for name in verbs if f"`ctx.{name}(" not in text] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_documents_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"(?:\]\(|src=\"|srcset=\")([^)#\s\"]+)", page.read_text(encoding="utf-8"))
    own = [one for one in targets if "://" not in one and not one.startswith("mailto:")]
    assert [one for one in own if not (page.parent / one).exists()] == []


def test_commands_in_documents_exist() -> None:
    said = {
        (page.name, word)
        for page in PAGES
        for word in re.findall(
            r"(?:^|`|&& )regulars ([a-z]+)", page.read_text(encoding="utf-8"), re.MULTILINE
        )
    }
    assert [one for one in said if one[1] not in COMMANDS] == []


def test_the_tutorials_plugin_is_sound_and_keeps_the_contract(tmp_path: Path) -> None:
    folder = tmp_path / "coupon_percent_off"
    for name, text in re.findall(r"```\w+\n# (\S+)\n(.*?)```", read("plugins/tutorial.md"), re.DOTALL):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    [found] = in_folder(tmp_path)
    assert runtime.try_one(found) is None
    told = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:schemathesis", "-c", "/dev/null", "--rootdir", tmp_path, folder / "tests"],
        env={"PYTHONPATH": f"{tmp_path}:{ROOT}", "PYTHONDONTWRITEBYTECODE": "1", "PATH": "/usr/bin:/bin"},
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert told.returncode == 0, told.stdout + told.stderr
