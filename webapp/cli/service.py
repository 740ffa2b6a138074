"""`regulars service`: the shop as a service of the machine, which starts with it and after a power cut."""

from __future__ import annotations

import os
import pwd
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click

from webapp import config
from webapp.kernel.errors import UserError

NAME = "regulars"
# Settings that a unit hands on; what may hold a password goes into a file that only its owner reads.
PLAIN = ("REGULARS_PUBLIC_URL", "REGULARS_PROXIES", "REGULARS_SECURE_COOKIES", "REGULARS_LOG_JSON", "TZ")
PRIVATE = ("REGULARS_DATABASE_URL", "REDIS_URL")
PRIVATE_FILE = "service.env"


@click.group()
def service() -> None:
    """The shop as a service of this machine (systemd): it starts with the machine, and after a power cut."""


_system = click.option(
    "--system/--user",
    "system",
    default=None,
    help="For the whole machine, or for you alone. [default: --system as root]",
)
_name = click.option("--name", default=NAME, show_default=True, help="What the service is called.")


@service.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen, as for `regulars up`.")
@click.option("--port", type=click.IntRange(1, 65535), default=8040, show_default=True)
@click.option("--workers", type=click.IntRange(1, 16), default=1, show_default=True)
@click.option("--dry-run", is_flag=True, help="Print the unit and change nothing.")
@_system
@_name
def install(host: str, port: int, workers: int, dry_run: bool, system: bool | None, name: str) -> None:
    """Write the unit, switch it on and start it.

    The shop in REGULARS_INSTANCE is run, with the settings of the environment in which this is called. Called again,
    the unit is written anew and the shop started again.
    """
    settings = config.load()
    whole = _is_system(system)
    owner = _owner(settings.instance) if whole else ""
    unit = unit_text(settings.instance, host=host, port=port, workers=workers, user=owner)
    if dry_run:
        click.echo(unit, nl=False)
        return
    path = _unit_path(name, whole)
    _need_systemd(whole)
    settings.instance.mkdir(parents=True, exist_ok=True)
    _write_private(settings.instance / PRIVATE_FILE, owner)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(unit, encoding="utf-8")
    click.echo(f"written: {path}")
    if not whole:
        # without this the user's services end with the last sign-out, and none starts with the machine
        _call(["loginctl", "enable-linger", pwd.getpwuid(os.getuid()).pw_name], must=False)
    _systemctl(whole, "daemon-reload")
    _systemctl(whole, "enable", f"{name}.service")
    _systemctl(whole, "restart", f"{name}.service")
    flag = "" if whole else "--user "
    click.echo(f"The shop runs, and starts with this machine. Its words: journalctl {flag}-u {name} -f")
    click.echo("Nobody owns it yet? `regulars staff first` prints the link for its first owner.")


@service.command()
@_system
@_name
def uninstall(system: bool | None, name: str) -> None:
    """Stop the service and remove its unit. The shop's data stays where it is."""
    whole = _is_system(system)
    path = _unit_path(name, whole)
    _need_systemd(whole)
    if not path.is_file():
        raise UserError(f"There is no service {name}: {path} does not exist.")
    _systemctl(whole, "disable", "--now", f"{name}.service")
    path.unlink()
    _systemctl(whole, "daemon-reload")
    click.echo(f"removed: {path}; the shop's data is untouched")


@service.command()
@_system
@_name
def status(system: bool | None, name: str) -> int:
    """Is it installed, switched on, running? Exit 0 where all three hold, else 1."""
    whole = _is_system(system)
    path = _unit_path(name, whole)
    if not path.is_file():
        click.echo(f"not installed ({path} does not exist)")
        return 1
    _need_systemd(whole)
    said = {
        what: _call(["systemctl", *([] if whole else ["--user"]), what, f"{name}.service"], must=False)
        for what in ("is-enabled", "is-active")
    }
    click.echo(f"{name}: {said['is-enabled'] or 'unknown'}, {said['is-active'] or 'unknown'} ({path})")
    return 0 if said == {"is-enabled": "enabled", "is-active": "active"} else 1


def unit_text(instance: Path, *, host: str, port: int, workers: int, user: str = "") -> str:
    """The systemd unit: ends as one, comes back when it falls, keeps to its own folder."""
    command = [*_program(), "up", "--host", host, "--port", str(port), "--workers", str(workers)]
    plain = {"REGULARS_INSTANCE": str(instance), **{k: os.environ[k] for k in PLAIN if os.environ.get(k)}}
    lines = [
        "# Written by `regulars service install`; call it again instead of changing this.",
        "[Unit]",
        f"Description=Regulars, the shop in {_percent(str(instance))}",
        "After=network-online.target time-sync.target postgresql.service",
        "Wants=network-online.target",
        "StartLimitIntervalSec=0",  # after a power cut the database may be long in coming: never give up
        "",
        "[Service]",
        "Type=exec",
        *([f"User={user}"] if user else []),
        "ExecStart=" + " ".join(_quoted(word).replace("$", "$$") for word in command),
        f"WorkingDirectory={_percent(str(instance.parent))}",
        *(f"Environment={_quoted(f'{key}={value}')}" for key, value in plain.items()),
        f"EnvironmentFile=-{_percent(str(instance / PRIVATE_FILE))}",
        "KillMode=mixed",
        "TimeoutStopSec=30",
        "Restart=always",
        "RestartSec=5",
        "NoNewPrivileges=yes",
        "UMask=0077",
        "",
        "[Install]",
        f"WantedBy={'multi-user.target' if user else 'default.target'}",
        "",
    ]
    return "\n".join(lines)


def _program() -> list[str]:
    """How this very program is called again, from any folder."""
    beside = Path(sys.executable).with_name("regulars")
    return [str(beside)] if beside.is_file() else [sys.executable, "-m", "webapp.cli.main"]


def _percent(text: str) -> str:
    if any(ord(c) < 32 for c in text):
        raise UserError(f"{text!r} cannot stand in a unit")
    return text.replace("%", "%%")


def _quoted(word: str) -> str:
    """A word of a unit's command line or Environment=: quoted where it needs to be, % as itself."""
    text = _percent(word).replace("\\", "\\\\").replace('"', '\\"')
    return text if text and all(c.isalnum() or c in "/._-=:+@,%" for c in text) else f'"{text}"'


def _is_system(system: bool | None) -> bool:
    return os.geteuid() == 0 if system is None else system


def _owner(instance: Path) -> str:
    """Whose the shop's files are; for a new folder whoever called sudo."""
    if instance.exists():
        return pwd.getpwuid(instance.stat().st_uid).pw_name
    return os.environ.get("SUDO_USER") or pwd.getpwuid(os.geteuid()).pw_name


def _unit_path(name: str, system: bool) -> Path:
    if not name.replace("-", "").replace("_", "").isalnum():
        raise UserError(f"name {name!r}: use letters, digits and dashes")
    if system:
        return Path("/etc/systemd/system") / f"{name}.service"
    base = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(base) / "systemd" / "user" / f"{name}.service"


def _need_systemd(system: bool) -> None:
    if shutil.which("systemctl") is None or not Path("/run/systemd/system").is_dir():
        raise UserError(
            "This machine is not run by systemd. `regulars service install --dry-run` prints the unit; let whatever "
            "starts programs here call its ExecStart line (on macOS a LaunchAgent with KeepAlive)."
        )
    if system and os.geteuid() != 0:
        raise UserError("A service of the whole machine is installed by root: use sudo, or --user.")


def _write_private(path: Path, owner: str) -> None:
    """Settings that may hold a password, readable by the shop's own user only. An old file goes when there are none."""
    lines = [f"{key}={shlex.quote(os.environ[key])}" for key in PRIVATE if os.environ.get(key)]
    path.unlink(missing_ok=True)
    if not lines:
        return
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    if owner and os.geteuid() == 0:
        shutil.chown(path, owner)


def _systemctl(system: bool, *words: str) -> None:
    _call(["systemctl", *([] if system else ["--user"]), *words])


def _call(words: list[str], *, must: bool = True) -> str:
    """What it printed. Raises UserError with its own words when it must work and did not."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as why:
        if must:
            raise UserError(f"`{' '.join(words)}` did not work: {why}") from why
        return ""
    if must and done.returncode:
        raise UserError(f"`{' '.join(words)}` did not work: {(done.stderr or done.stdout).strip()}")
    return done.stdout.strip()
