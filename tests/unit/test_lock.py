"""requirements.lock, from which operators install, and the ranges of pyproject.toml."""

from __future__ import annotations

import re
import tomllib

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.zakaz import ROOT

LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PINNED = [Requirement(text) for text in re.findall(r"^(\w[^\\#\n]*?) \\$", LOCK, re.MULTILINE)]


def test_every_dependency_is_locked_within_its_range() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    asked = project["project"]["dependencies"] + project["build-system"]["requires"]
    assert len(asked) > 8
    for wanted in map(Requirement, asked):
        name = canonicalize_name(wanted.name)
        pins = [pin for pin in PINNED if canonicalize_name(pin.name) == name]
        assert pins, f"{wanted} is not locked: make lock"
        for pin in pins:
            (version,) = pin.specifier
            assert version.operator == "=="
            assert wanted.specifier.contains(version.version), f"{pin}, wanted {wanted}: make lock"


def test_every_line_is_a_pin_with_hashes_from_the_public_index() -> None:
    lines = re.sub(r"#.*", "", LOCK).replace("\\\n", " ").splitlines()
    entries = [line for line in lines if line.strip()]
    assert len(entries) == len(PINNED) > 50
    for entry in entries:
        # no option, no URL, no path
        assert re.fullmatch(
            r"[\w.-]+==[\w.]+( ; [^-:/\\]+?)?( +--hash=sha256:[0-9a-f]{64})+ *", entry
        )
