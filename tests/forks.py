"""Commands of the project, each in a process of its own, without the seconds of its start.

A process that has imported extract, report and dbt, and parsed the dbt project, forks itself for
each command. Such a process is as any other: it has its own environment, output and exit code,
opens an embedded ClickHouse of its own, and can be killed. It begins where `python -m extract` has
done its imports. What is to be seen of the beginning itself (the interpreter's settings, the
installed commands, cron's lines) is run for real, by `tests.zakaz.run`.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import importlib
import json
import logging
import os
import pickle
import pkgutil
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parent.parent
# chdb starts threads when it is imported, and a process with threads is not safe to fork
PRELOADED = ("extract", "report")
PROJECT = ("dbt_project.yml", "profiles.example.yml", "models", "macros", "seeds", "tests/dbt")
PARSED = ROOT / "target" / "parsed"
DATABASE = "zakaz"


class Forked:
    """A command that runs or ran; as subprocess.Popen, with its output kept in files.

    `argv` begins with extract, report or dbt; `env` is all of its environment.
    """

    def __init__(self, argv: Sequence[str], env: Mapping[str, str]) -> None:
        self.args = list(argv)
        self._files: list[IO[bytes]] = [tempfile.TemporaryFile(), tempfile.TemporaryFile()]  # noqa: SIM115 - closed with us
        read, write = os.pipe()
        fds = [*(file.fileno() for file in self._files), write]
        request = json.dumps({"argv": self.args, "env": dict(env)}).encode()
        with _one_server:
            socket.send_fds(_server(), [request], fds)
        os.close(write)
        self._told = os.fdopen(read)
        self.pid = int(self._told.readline())
        self.returncode: int | None = None

    def poll(self) -> int | None:
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        code = self._ended(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return code

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        self.wait(timeout)
        out, err = map(_read, self._files)
        return out, err

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def _ended(self, timeout: float | None) -> int | None:
        # poll, since a worker may have more open files than select can name
        if self.returncode is None:
            poll = select.poll()
            poll.register(self._told, select.POLLIN)
            if poll.poll(None if timeout is None else timeout * 1000):
                self.returncode = os.waitstatus_to_exitcode(int(self._told.readline()))
                self._told.close()
        return self.returncode


def _read(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


_one_server = threading.Lock()  # tests may run commands in threads


@cache
def _server() -> socket.socket:
    """Start the process that forks, once; it ends when this process does."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    # the libraries of numpy would start threads
    env = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tests.forks", str(theirs.fileno())]
    subprocess.Popen(command, cwd=ROOT, env=env, pass_fds=[theirs.fileno()], start_new_session=True)
    theirs.close()
    return ours


# ---- in the process that forks


def _serve(control: socket.socket) -> dict[str, Any]:
    """Fork for each request. Returns in the forked process only, with what it is to do."""
    children: dict[int, tuple[int, int]] = {}
    while True:
        for ready in select.select([control, *children], [], [])[0]:
            if ready is not control:
                pid, told = children.pop(ready)
                os.close(ready)
                _tell(told, os.waitpid(pid, 0)[1])
                os.close(told)
                continue
            message, fds, *_ = socket.recv_fds(control, 1 << 20, 3)
            if not message:  # who asked is gone
                for pid, _ in children.values():
                    os.kill(pid, signal.SIGKILL)
                os._exit(0)
            request = json.loads(message)
            request["manifest"] = _manifest_for(request)
            # else each collection in the forked process would copy all that is loaded
            gc.freeze()
            pid = os.fork()
            if not pid:
                gc.enable()
                os.dup2(fds[0], 1)
                os.dup2(fds[1], 2)
                for fd in (*fds, *children, *(told for _, told in children.values())):
                    os.close(fd)
                control.close()
                return request
            os.close(fds[0])
            os.close(fds[1])
            children[os.pidfd_open(pid)] = (pid, fds[2])
            _tell(fds[2], pid)


def _tell(fd: int, number: int) -> None:
    with contextlib.suppress(BrokenPipeError):
        os.write(fd, b"%d\n" % number)


def _become(request: dict[str, Any]) -> None:
    """Be the command that was asked for."""
    os.environ.clear()
    os.environ.update(request["env"])
    time.tzset()
    tempfile.tempdir = None
    program, *args = sys.argv = request["argv"]
    if program != "dbt":
        # something that dbt imports sets up logging, where the program would not find it set up
        logging.root.handlers.clear()
        runpy.run_module(program, run_name="__main__", alter_sys=True)
        return
    from dbt.cli.main import cli

    manifest = request["manifest"]
    if manifest:
        _move(manifest, _database(request["env"]))
    cli.main(
        args, "dbt", obj={"manifest": manifest, "callbacks": [], "dbt_runner_command_args": args}
    )


_manifests: dict[Path, Any] = {}


def _manifest_for(request: dict[str, Any]) -> Any:
    """Return the parsed project for dbt, unless it is to parse by itself."""
    program, *args = request["argv"]
    env = request["env"]
    if (
        program != "dbt"
        or {"--project-dir", "parse"} & set(args)
        or not _database(env).isidentifier()
    ):
        return None
    from dbt.contracts.graph.manifest import Manifest

    given = args[args.index("--vars") + 1] if "--vars" in args else ""
    file = PARSED / f"{_fingerprint(given, env.get('CLICKHOUSE_CLUSTER', ''))}.pickle"
    if file not in _manifests:
        PARSED.mkdir(parents=True, exist_ok=True)
        with (PARSED / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not file.exists():
                # in a process of its own, since parsing may start threads
                pid = os.fork()
                if not pid:
                    _parse(given, env, file)
                os.waitpid(pid, 0)
        # a project that cannot be parsed: the command will say so
        _manifests[file] = Manifest(**pickle.loads(file.read_bytes())) if file.exists() else None
        if _manifests[file]:
            _manifests[file].build_flat_graph()
    return _manifests[file]


def _fingerprint(*more: str) -> str:
    """Return a hash of all that parsing depends on."""
    found = sha256(
        repr([*more, sys.prefix, version("dbt-core"), version("dbt-clickhouse")]).encode()
    )
    for name in (*PROJECT, "tests/forks.py"):
        for path in sorted((ROOT / name).rglob("*") if (ROOT / name).is_dir() else [ROOT / name]):
            if path.is_file():
                found.update(repr((str(path), path.read_bytes())).encode())
    return found.hexdigest()[:20]


def _parse(given: str, env: Mapping[str, str], file: Path) -> None:
    from dbt.cli.main import dbtRunner

    with tempfile.TemporaryDirectory() as directory:
        os.environ.update(env | {"CLICKHOUSE_DATABASE": DATABASE, "DBT_TARGET_PATH": directory})
        manifest = dbtRunner().invoke(["--quiet", "parse", "--vars", given or "{}"]).result
        if manifest:
            unfinished = file.with_suffix(".tmp")
            # what is left out is looked up anew
            names = [f.name for f in fields(manifest) if not f.name.startswith("_")]
            parts = {name: getattr(manifest, name) for name in names}
            unfinished.write_bytes(pickle.dumps(parts))
            unfinished.rename(file)
    os._exit(0)


def _database(env: Mapping[str, str]) -> str:
    return env.get("CLICKHOUSE_DATABASE") or DATABASE


def _move(manifest: Any, database: str) -> None:
    """Put all that was parsed into another database."""
    for node in _nodes(manifest) if database != DATABASE else ():
        node.schema = node.schema.replace(DATABASE, database, 1)
        if getattr(node, "relation_name", None):
            node.relation_name = node.relation_name.replace(f"`{DATABASE}`.", f"`{database}`.", 1)


def _nodes(manifest: Any) -> Iterator[Any]:
    yield from manifest.nodes.values()
    yield from manifest.sources.values()
    yield from manifest.unit_tests.values()


def _alone() -> None:
    threads = len(list(Path("/proc/self/task").iterdir()))
    if threads > 1:
        raise RuntimeError(f"{threads} threads run where one may: an import started them")


def main() -> None:
    control = socket.socket(fileno=int(sys.argv[1]))
    gc.disable()
    importlib.import_module("dbt.cli.main")
    importlib.import_module("dbt.adapters.clickhouse")
    for package in PRELOADED:
        for module in pkgutil.iter_modules(importlib.import_module(package).__path__):
            if module.name != "__main__":
                importlib.import_module(f"{package}.{module.name}")
    _alone()
    _become(_serve(control))


if __name__ == "__main__":
    main()
