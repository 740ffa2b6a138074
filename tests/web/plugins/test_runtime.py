"""Plugins: one that fails is shown and the app runs; switched per brand; typed settings, secrets sealed."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from tests.support.databases import ONE_DATABASE
from tests.support.web import Client, text_of
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef
from webapp.plugin_runtime import calls, context, discover, manifest, runtime
from webapp.plugin_runtime.models import PluginSetting

MANIFEST = """
name = "{name}"
version = "1.0"
label = "A test"
kinds = ["coupon_type/1"]
"""


def plugin(root: Path, name: str, code: str, text: str = MANIFEST) -> Path:
    folder = root / name
    folder.mkdir(parents=True)
    (folder / "plugin.toml").write_text(text.format(name=name))
    (folder / "__init__.py").write_text(code)
    return folder


@ONE_DATABASE
def test_broken_plugins_are_shown_with_the_reason_and_the_rest_runs(client: Client, tmp_path: Path) -> None:
    root = tmp_path / "more"
    plugin(root, "coupon_raises", "raise RuntimeError('boom at import')")
    plugin(
        root,
        "coupon_misspelt",
        "from webapp.plugin_api import hookimpl\n@hookimpl\ndef coupon_tipes(): return []",
    )
    plugin(root, "coupon_bad_toml", "", "name = ")
    plugin(root, "coupon_wrong_name", "", MANIFEST.format(name="coupon_other"))
    plugin(
        root,
        "coupon_returns",
        "from webapp.plugin_api import hookimpl\n@hookimpl\ndef coupon_types(): return [3]",
    )
    (root / "coupon_no_manifest").mkdir()
    (root / "coupon_no_manifest" / "__init__.py").write_text("")
    try:
        found = runtime.load_all(root)
        errors = {name: one.error for name, one in found.plugins.items() if one.error}
        assert set(errors) == {p.name for p in root.iterdir()}
        assert "boom at import" in errors["coupon_raises"]  # type: ignore[operator]
        assert "coupon_tipes" in errors["coupon_misspelt"]  # type: ignore[operator]
        assert "CouponType" in errors["coupon_returns"]  # type: ignore[operator]
        assert "email" in found.channels and "spend_and_save" in found.coupon_types
        page = client.get("/settings/plugins")
        assert page.status_code == 200 and "boom at import" in page.text
        assert client.get("/members").status_code == 200
    finally:
        runtime.load_all()


def test_two_plugins_with_one_key_the_second_is_off(tmp_path: Path) -> None:
    code = (runtime.plugins_dir() / "coupon_spend_and_save" / "__init__.py").read_text()
    root = tmp_path / "more"
    folder = plugin(root, "coupon_twin", code)
    for file in (runtime.plugins_dir() / "coupon_spend_and_save").glob("*.py"):
        (folder / file.name).write_text(file.read_text())
    try:
        assert "is taken by coupon_spend_and_save" in (
            runtime.load_all(root).plugins["coupon_twin"].error or ""
        )
    finally:
        runtime.load_all()


@pytest.mark.parametrize(
    ("change", "said"),
    [("kinds = []", "kinds must be"), ('kinds = ["coupon_type/9"]', "kinds must be"), ("colour = 1", "unknown keys"),
     ("starts_enabled = 3", "true or false")],
)  # fmt: skip
def test_a_manifest_is_checked_in_words(tmp_path: Path, change: str, said: str) -> None:
    key = change.split(" ")[0]
    lines = [line for line in MANIFEST.format(name="coupon_xx").splitlines() if not line.startswith(key)]
    folder = plugin(tmp_path, "coupon_xx", "", "\n".join([*lines, change]))
    (found,) = discover.in_folder(tmp_path)
    assert found.manifest is None and said in (found.error or "")
    with pytest.raises(manifest.BadManifest):
        manifest.read(folder / "plugin.toml")


@ONE_DATABASE
def test_switching_off_closes_the_gate_for_this_brand(client: Client, db: Database, brand: BrandRef) -> None:
    with db.read(brand=brand) as scope:
        assert calls.channel(scope, "email") is not None
    client.submit("/settings/plugins", {"on": "0"}, form="channel_email/switch")
    with db.read(brand=brand) as scope:
        assert calls.channel(scope, "email") is None
        assert calls.policy(scope) is not None
    client.submit("/settings/plugins", {"on": "1"}, form="channel_email/switch")
    with db.read(brand=brand) as scope:
        assert calls.channel(scope, "email") is not None


@ONE_DATABASE
def test_settings_are_typed_and_a_wrong_one_is_told_beside_its_field(
    client: Client, db: Database, brand: BrandRef
) -> None:
    url = "/settings/plugins/lifecycle_five_stage"
    answer = client.submit(url, {"maturity_orders": "many"})
    assert (
        answer.status_code == 422 and "whole number" in text_of(answer.text) and 'value="many"' in answer.text
    )
    assert client.submit(url, {"maturity_orders": "4"}).status_code == 200
    with db.read(brand=brand) as scope:
        assert context.settings_of(scope, "lifecycle_five_stage")["maturity_orders"] == 4


@ONE_DATABASE
def test_a_secret_is_sealed_at_rest_never_shown_and_kept_when_left_blank(
    client: Client, db: Database, brand: BrandRef
) -> None:
    url = "/settings/plugins/channel_email"
    typed = {"host": "mail.acme.example", "from_address": "shop@acme.example", "password": "hunter2-secret"}
    answer = client.submit(url, typed)
    assert answer.status_code == 200, text_of(answer.text)
    with db.read(brand=brand) as scope:
        rows = {row.key: row.value for row in scope.session.scalars(select(PluginSetting))}
        assert "hunter2" not in str(rows)
        assert context.settings_of(scope, "channel_email")["password"] == "hunter2-secret"
    assert "hunter2" not in client.get(url).text
    client.submit(url, {"host": "mail2.acme.example"})
    with db.read(brand=brand) as scope:
        kept = context.settings_of(scope, "channel_email")
    assert kept["password"] == "hunter2-secret" and kept["host"] == "mail2.acme.example"
