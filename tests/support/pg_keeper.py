"""Runs one throw-away PostgreSQL cluster and takes it down when the test run is gone, however that ended.

    python -m tests.support.pg_keeper FOLDER PID [--durable]

FOLDER is made, owned by an unprivileged user when we are root (PostgreSQL refuses root), and removed at the end.
Writes FOLDER/ready once connections are taken, FOLDER/failed with the reason otherwise. Ends when process PID ends or
FOLDER/stop appears.
"""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

USER = "regulars"
SETTINGS = {
    "listen_addresses": "",
    "max_connections": "250",
    "shared_buffers": "64MB",
    "timezone": "UTC",
    "log_min_messages": "fatal",
    "max_wal_size": "512MB",
    "autovacuum_naptime": "20s",
}
# A test cluster never survives its machine; drills of durability ask for the real thing with --durable.
CARELESS = {"fsync": "off", "full_page_writes": "off"}


def unprivileged() -> dict[str, Any]:
    """Arguments for subprocess that run a program as nobody in particular; empty when we are not root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise RuntimeError("no unprivileged user (postgres, nobody) to run PostgreSQL as")


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:  # a zombie is gone as well
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return True


def start(folder: Path, bin_dir: Path, *, durable: bool) -> "subprocess.Popen[bytes]":
    """initdb and postgres; returns once it takes connections. Raises RuntimeError with PostgreSQL's own words."""
    who = unprivileged()
    if who:
        os.chown(folder, who["user"], who["group"])
    data, log = folder / "data", folder / "log"
    env = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "HOME": str(folder)}
    made = subprocess.run(
        [bin_dir / "initdb", "-D", data, "-U", USER, "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"],
        **who, env=env, cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if made.returncode:
        raise RuntimeError(made.stderr or made.stdout)
    settings = SETTINGS | ({} if durable else CARELESS) | {"unix_socket_directories": str(folder)}
    args = [f"-c{key}={value}" for key, value in settings.items()]
    with log.open("wb") as out:
        server = subprocess.Popen(
            [bin_dir / "postgres", "-D", data, *args], **who, env=env, cwd=folder, stdout=out, stderr=out
        )
    for _ in range(300):
        if server.poll() is not None:
            raise RuntimeError(log.read_text(errors="replace"))
        ready = subprocess.run([bin_dir / "pg_isready", "-h", folder, "-q"], env=env, check=False)
        if ready.returncode == 0:
            return server
        time.sleep(0.1)
    server.kill()
    raise RuntimeError("PostgreSQL did not take connections within 30 s")


def main() -> None:
    folder, pid, bin_dir = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    for name in (signal.SIGINT, signal.SIGHUP):  # Ctrl-C reaches the run; we follow when it has ended
        signal.signal(name, signal.SIG_IGN)
    server = None
    try:
        try:
            server = start(folder, bin_dir, durable="--durable" in sys.argv)
            (folder / "ready").touch()
        except Exception as fault:
            (folder / "failed").write_text(str(fault), encoding="utf-8")
            time.sleep(5)  # whoever waits reads the reason
            return
        while alive(pid) and server.poll() is None and not (folder / "stop").exists():
            time.sleep(0.3)
    finally:
        if server is not None and server.poll() is None:
            server.send_signal(signal.SIGQUIT)  # immediate: nothing here is worth a checkpoint
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
