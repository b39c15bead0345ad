"""Commands of the project, each in a process of its own, without the seconds of its start.

multiprocessing's fork server imports extract, report, notify and dbt once (tests/preloaded.py) and
forks itself for each command. Such a process is as any other: it has its own environment, output
and exit code, opens an embedded ClickHouse of its own, and can be killed. It begins where
`python -m extract` has done its imports. dbt is given the project as it was parsed before. What is
to be seen of the beginning itself (the interpreter's settings, the installed commands, cron's
lines) is run for real, by `tests.zakaz.run`.
"""

from __future__ import annotations

import atexit
import fcntl
import logging
import multiprocessing
import os
import pickle
import runpy
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import fields
from hashlib import sha256
from importlib.metadata import version
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PROJECT = ("dbt_project.yml", "profiles.example.yml", "models", "macros", "seeds", "tests/dbt")
PARSED = ROOT / "target" / "parsed"
DATABASE = "zakaz"
# vars that say what is read from where; all others are looked up when a model is built
PARSED_WITH = ("plan_sales_table", "ad_costs_table")

_server = multiprocessing.get_context("forkserver")
_server.set_forkserver_preload([__name__, "tests.preloaded"])
# who starts a process looks after all others, and an exit code can be read once
_one = threading.Lock()


class Forked:
    """A command that runs or ran; as subprocess.Popen, with its output kept in files.

    `argv` begins with extract, report, notify or dbt; `env` is all of its environment.
    """

    def __init__(self, argv: Sequence[str], env: Mapping[str, str]) -> None:
        self.args = list(argv)
        self._files = [tempfile.NamedTemporaryFile() for _ in range(2)]  # noqa: SIM115 - closed with us
        given = (self.args, dict(env), *(file.name for file in self._files))
        with _one:
            self._process = _server.Process(target=_be, args=given, daemon=True)
            self._process.start()

    @property
    def returncode(self) -> int | None:
        with _one:
            return self._process.exitcode

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        wait([self._process.sentinel], timeout)
        code = self.returncode
        if code is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return code

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        self.wait(timeout)
        for file in self._files:
            file.seek(0)
        out, err = (file.read().decode() for file in self._files)
        return out, err

    def send_signal(self, number: int) -> None:
        if self.poll() is None and self._process.pid:
            os.kill(self._process.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


# ---- in the forked process


def _be(argv: list[str], env: dict[str, str], *files: str) -> None:
    """Be the command that was asked for."""
    if "tests.preloaded" not in sys.modules:
        raise RuntimeError("tests/preloaded.py cannot be imported")
    for stream, file in enumerate(files, 1):
        os.dup2(os.open(file, os.O_WRONLY), stream)
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    tempfile.tempdir = None
    sys.argv = argv
    try:
        if argv[0] == "dbt":
            _dbt(argv[1:], env)
        # something that dbt imports sets up logging, where the program would not find it set up
        logging.root.handlers.clear()
        runpy.run_module(argv[0], run_name="__main__", alter_sys=True)
    finally:
        # multiprocessing leaves this out
        atexit._run_exitfuncs()


def _dbt(args: list[str], env: Mapping[str, str]) -> None:
    """Run dbt; it ends with SystemExit."""
    from dbt.cli.main import cli

    database = env.get("CLICKHOUSE_DATABASE") or DATABASE
    manifest = None
    if not {"--project-dir", "parse"} & set(args) and database.isidentifier():
        manifest = _parsed(args, env)
    if manifest and database != DATABASE:
        _move(manifest, database)
    if manifest:
        # what macros know as `graph`
        manifest.build_flat_graph()
    cli.main(
        args, "dbt", obj={"manifest": manifest, "callbacks": [], "dbt_runner_command_args": args}
    )


def _parsed(args: list[str], env: Mapping[str, str]) -> Any:
    """Return the parsed project; None when it cannot be parsed: the command will say so."""
    import yaml
    from dbt.contracts.graph.manifest import Manifest

    given = yaml.safe_load(args[args.index("--vars") + 1]) if "--vars" in args else {}
    given = {name: given[name] for name in PARSED_WITH if name in given}
    file = PARSED / f"{_fingerprint(given)}.pickle"
    PARSED.mkdir(parents=True, exist_ok=True)
    with (PARSED / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not file.exists():
            # in a process of its own, since parsing leaves things behind
            pid = os.fork()
            if not pid:
                _parse(given, env, file)
            os.waitpid(pid, 0)
    if not file.exists():
        return None
    return Manifest(**pickle.loads(file.read_bytes()))


def _fingerprint(given: Mapping[str, str]) -> str:
    """Return a hash of all that parsing depends on."""
    versions = version("dbt-core"), version("dbt-clickhouse")
    found = sha256(repr([given, sys.prefix, *versions]).encode())
    for name in (*PROJECT, "tests/forks.py"):
        for path in sorted((ROOT / name).rglob("*") if (ROOT / name).is_dir() else [ROOT / name]):
            if path.is_file():
                found.update(repr((str(path), path.read_bytes())).encode())
    return found.hexdigest()[:20]


def _parse(given: Mapping[str, str], env: Mapping[str, str], file: Path) -> None:
    from dbt.cli.main import dbtRunner

    with tempfile.TemporaryDirectory() as directory:
        os.environ.update(env | {"CLICKHOUSE_DATABASE": DATABASE, "DBT_TARGET_PATH": directory})
        manifest = dbtRunner().invoke(["--quiet", "parse", "--vars", repr(given)]).result
        if manifest:
            unfinished = file.with_suffix(".tmp")
            # what is left out is looked up anew
            names = [f.name for f in fields(manifest) if not f.name.startswith("_")]
            parts = {name: getattr(manifest, name) for name in names}
            unfinished.write_bytes(pickle.dumps(parts))
            unfinished.rename(file)
    os._exit(0)


def _move(manifest: Any, database: str) -> None:
    """Put all that was parsed into another database."""
    for kind in (manifest.nodes, manifest.sources, manifest.unit_tests):
        for node in kind.values():
            node.schema = node.schema.replace(DATABASE, database, 1)
            if getattr(node, "relation_name", None):
                node.relation_name = node.relation_name.replace(
                    f"`{DATABASE}`.", f"`{database}`.", 1
                )
