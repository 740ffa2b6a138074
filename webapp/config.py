"""Settings, read from the environment and checked at start. docs/operators/settings.md is checked against this file."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from webapp.kernel.errors import UserError


@dataclass(frozen=True, slots=True)
class Settings:
    """What a process is told from outside. Everything else is data."""

    instance: Path
    database_url: str
    redis_url: str | None
    public_url: str | None
    strict_cookies: bool
    log_json: bool
    proxies: int = 0
    upload_mb: int = 512

    @property
    def stage_dir(self) -> Path:
        """Where files on their way in are staged."""
        return self.instance / "staged"


KNOWN = {
    "REGULARS_INSTANCE": "The instance folder: database, keys, staged files. Default ./var.",
    "REGULARS_DATABASE_URL": "postgresql://... to use PostgreSQL. Default: SQLite in the instance folder.",
    "REDIS_URL": "redis://... or unix://... to use an existing queue server. Default: an own one is started.",
    "REGULARS_PUBLIC_URL": "The address at which members' phones reach this shop, https://shop.example. Links in messages use it.",
    "REGULARS_PROXIES": "How many proxies of yours stand before the shop and add X-Forwarded-For. Default: 0.",
    "REGULARS_SECURE_COOKIES": "1 to send cookies over https only. Default: on where the public address is https.",
    "REGULARS_LOG_JSON": "1 for one JSON object a log line. Default: plain lines.",
    "REGULARS_UPLOAD_MB": "How large a file may be that is brought in, in MB. Default: 512.",
    "REGULARS_STRICT": "Tests only: 1 turns a skipped test into a failure.",
    "REGULARS_SAMPLE": "Demo and tests only: a folder that keeps the fetched sample data.",
}


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from the environment. Raises UserError naming the setting and the remedy."""
    env = os.environ if environ is None else environ
    unknown = [name for name in env if name.startswith("REGULARS_") and name not in KNOWN]
    if unknown:
        raise UserError(f"unknown setting {unknown[0]}: known are {', '.join(sorted(KNOWN))}")
    instance = Path(env.get("REGULARS_INSTANCE") or "var").expanduser().resolve()
    url = env.get("REGULARS_DATABASE_URL") or f"sqlite:///{instance / 'regulars.db'}"
    scheme = urlsplit(url).scheme.split("+")[0]
    if scheme not in ("sqlite", "postgresql"):
        raise UserError(
            f"REGULARS_DATABASE_URL begins with {scheme!r}: use postgresql://user@host/name or leave it unset"
        )
    redis = env.get("REDIS_URL") or None
    if redis and urlsplit(redis).scheme not in ("redis", "rediss", "unix"):
        raise UserError("REDIS_URL must begin with redis://, rediss:// or unix://")
    public = (env.get("REGULARS_PUBLIC_URL") or "").rstrip("/") or None
    if public and (urlsplit(public).scheme not in ("http", "https") or not urlsplit(public).netloc):
        raise UserError("REGULARS_PUBLIC_URL must be an address such as https://shop.example")
    secure = _flag(env, "REGULARS_SECURE_COOKIES", default=bool(public and public.startswith("https:")))
    proxies = env.get("REGULARS_PROXIES") or "0"
    if not re.fullmatch("[0-9]", proxies):
        raise UserError(
            f"REGULARS_PROXIES is {proxies!r}: give the number of proxies before the shop, 0 to 9"
        )
    log_json = _flag(env, "REGULARS_LOG_JSON", default=False)
    upload = env.get("REGULARS_UPLOAD_MB") or "512"
    if not upload.isascii() or not upload.isdecimal() or not 1 <= int(upload) <= 100_000:
        raise UserError(f"REGULARS_UPLOAD_MB is {upload!r}: use a number of MB from 1 to 100000")
    return Settings(instance, url, redis, public, secure, log_json, int(proxies), int(upload))


def _flag(env: Mapping[str, str], name: str, *, default: bool) -> bool:
    text = env.get(name, "")
    if text not in ("", "0", "1"):
        raise UserError(f"{name} is {text!r}: use 1 or 0")
    return default if text == "" else text == "1"
