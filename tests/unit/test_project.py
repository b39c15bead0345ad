"""What the project says of itself: one version, and a command of the README that can be pasted."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sysconfig
import tomllib

import pytest
import yaml

from tests.zakaz import ROOT, clean_env


def test_the_package_and_the_dbt_project_have_one_version() -> None:
    package = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert yaml.safe_load((ROOT / "dbt_project.yml").read_text())["version"] == package
    assert f"## {package}" in (ROOT / "CHANGELOG.md").read_text()


@pytest.mark.parametrize("name", ["README.md", "README.ru.md"])
def test_the_command_on_saved_answers_can_be_pasted(name: str) -> None:
    lines = (ROOT / name).read_text().splitlines()
    [command] = [line.strip() for line in lines if "--offline-fixtures-dir" in line]
    env = clean_env() | {"PATH": f"{sysconfig.get_path('scripts')}:{os.environ['PATH']}"}
    ran = subprocess.run(
        ["sh", "-c", command], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran
    for resource in ("orders", "events", "promo_codes", "discounts"):
        saved = json.loads((ROOT / "demo" / "answers" / f"{resource}.json").read_text())["data"]
        assert re.search(rf"^{resource} +{len(saved)} ", ran.stdout, re.MULTILINE), ran.stdout


def test_links_of_the_documents_lead_somewhere() -> None:
    for document in ROOT.glob("*.md"):
        for link in re.findall(r"\]\(([^)#:]+)\)", document.read_text()):
            assert (ROOT / link).exists(), f"{document.name}: {link}"


def test_saved_answers_hold_what_is_worth_trying() -> None:
    answers = ROOT / "demo" / "answers"
    orders = json.loads((answers / "orders.json").read_text())["data"]
    events = json.loads((answers / "events.json").read_text())["data"]
    assert (len(orders), len(events)) == (6, 3)
    assert any(item["refunded_at"] for order in orders for item in order["baskets"])
    assert any(not order["payed"] for order in orders)
    shows = {show["id"] for event in events for show in event["shows"]}
    assert {int(path.parent.name) for path in answers.glob("shows/*/seats.json")} == shows
