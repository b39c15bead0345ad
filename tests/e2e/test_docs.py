"""The words of the docs site: all there, in their reader's language, and the same in ClickHouse.

The rule: marts, seeds, their columns and exposures are described for analysts, in Russian. Sources,
private models, tests, macros and unit tests are for whoever changes the models, in English. No text
stands for two different things.
"""

from __future__ import annotations

import json
import re
import shutil
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from tests.qtickets_sample import MOSCOW
from tests.zakaz import ROOT, Golden, Place

PROJECT = "zakaz"
DBT_FILES = ("dbt_project.yml", "models", "macros", "seeds", "tests/dbt")
HOSTILE = "It's \"odd\": \\ \\n \\' $$ $1 %s `x` {x} é \U0001f3ab"
"""Added to a description, to see whether it survives on its way into ClickHouse."""

LINK = re.compile(r"\(#!/(?:model|seed|exposure)/([\w.]+)\)")


@dataclass(frozen=True)
class Described:
    """Something with a description, and how to say where it is."""

    where: str
    thing: str
    """Two of these with the same text are fine when this is the same: columns of one name."""
    text: str
    language: str
    """R, Russian; E, English; [RE], either."""


@dataclass(frozen=True)
class Site:
    """What dbt wrote for the docs site, and the tables that were built with it."""

    place: Place
    manifest: dict[str, Any]

    @cached_property
    def types(self) -> dict[str, dict[str, str]]:
        """Of each table, the type of each column."""
        types: dict[str, dict[str, str]] = defaultdict(dict)
        for table, column, type_ in self.place.query(
            "select table, name, type from system.columns where database = 'zakaz'"
        ):
            types[table][column] = type_
        return types

    def ours(self, kind: str) -> list[dict[str, Any]]:
        """All of the project's own of one kind: a key of the manifest or a type of resource."""
        section = self.manifest.get(kind) or self.manifest["nodes"]
        return [
            node
            for node in section.values()
            if node["package_name"] == PROJECT
            and (section is not self.manifest["nodes"] or node["resource_type"] == kind)
        ]

    def tables(self) -> list[dict[str, Any]]:
        return [node for kind in ("model", "seed", "sources") for node in self.ours(kind)]

    def described(self) -> Iterator[Described]:
        """Everything that ought to have a description."""
        for node in self.tables():
            where = f"{yaml_of(node)}: {node['resource_type']} {node['name']}"
            is_for_analysts = node["resource_type"] == "seed" or node.get("access") == "public"
            language = "R" if is_for_analysts else "E"
            yield Described(where, node["unique_id"], node["description"], language)
            for name, column in node["columns"].items():
                yield Described(f"{where}, column {name}", name, column["description"], language)
        # one description for all tables of a source
        folders = {
            (yaml_of(n), n["source_name"], n["source_description"]) for n in self.ours("sources")
        }
        for file, name, text in folders:
            yield Described(f"{file}: source {name}", f"source {name}", text, "E")
        for node in self.ours("exposures"):
            where = f"{node['original_file_path']}: exposure {node['name']}"
            yield Described(where, node["unique_id"], node["description"], "R")
        for node in (*self.ours("test"), *self.ours("unit_tests")):
            kind = node["resource_type"].replace("_", " ")
            where = f"{yaml_of(node)}: {kind} {node['name']}"
            yield Described(where, node["unique_id"], node["description"], "[RE]")
        for node in self.ours("macros"):
            where = f"{yaml_of(node)}: macro {node['name']}"
            yield Described(where, node["unique_id"], node["description"], "[RE]")
            for argument in node["arguments"]:
                name = argument["name"]
                text = argument["description"]
                yield Described(f"{where}, argument {name}", f"argument {name}", text, "[RE]")


def yaml_of(node: dict[str, Any]) -> str:
    patch = node.get("patch_path") or ""
    return patch.removeprefix(f"{PROJECT}://") or str(node["original_file_path"])


def languages(text: str) -> str:
    """R or E for each paragraph: Russian when it has a Cyrillic letter outside of code."""
    paragraphs = [p for p in re.split(r"\n\s*\n", text.strip()) if p]
    return "".join(
        "R" if re.search("[а-яё]", re.sub("`[^`]*`", "", p), re.I) else "E" for p in paragraphs
    )


@pytest.fixture(scope="module")
def site(golden: Golden, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Return the golden database, and in it what is said in other words, and a plan."""
    directory = tmp_path_factory.mktemp("docs")
    project = directory / "project"
    for name in DBT_FILES:
        source, copy = ROOT / name, project / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, copy) if source.is_dir() else shutil.copy(source, copy)
    words = project / "models" / "docs" / "columns.md"
    told = "Не больше `tickets_total`."
    assert told in words.read_text()
    words.write_text(words.read_text().replace(told, told + " " + HOSTILE, 1))
    with (project / "seeds" / "plan_sales.csv").open("a") as plan:
        plan.write(f"{datetime.now(MOSCOW).date()},0,Москва,RUB,10,20000\n")

    place = golden.copy(directory)
    built = place.dbt(
        *("build", "--exclude-resource-type", "unit_test", "test", "--project-dir", str(project)),
        *("--select", "plan_sales+", "fact_qtickets_inventory_latest+"),
    )
    assert built.code == 0, built
    return Site(place, json.loads((directory / "target" / "manifest.json").read_text()))


def test_everything_is_described(site: Site) -> None:
    wrong = [
        f"{it.where}: {it.text[:60]!r} is not {it.language}"
        for it in site.described()
        if not re.fullmatch(f"{it.language}+", languages(it.text))
    ]
    assert not wrong, "\n".join(wrong)


def test_no_description_stands_for_two_things(site: Site) -> None:
    uses: dict[str, dict[str, str]] = defaultdict(dict)
    for it in site.described():
        if it.text.strip():
            uses[it.text.strip()][it.thing] = it.where
    wrong = [
        f"The same words, {text.splitlines()[0][:60]!r}, at two different things; say what is "
        "particular to each:\n    " + "\n    ".join(things.values())
        for text, things in uses.items()
        if len(things) > 1
    ]
    assert not wrong, "\n".join(wrong)


def test_described_columns_are_those_of_the_table_and_say_unit_and_null(site: Site) -> None:
    wrong = []
    for node in site.tables():
        where = f"{yaml_of(node)}: {node['resource_type']} {node['name']}"
        built = site.types[node["name"]]
        wrong += [
            f"{where}: column {c} is there and not described"
            for c in built.keys() - node["columns"].keys()
        ]
        wrong += [
            f"{where}: column {c} is described and not there"
            for c in node["columns"].keys() - built.keys()
        ]
        for name, column in node["columns"].items():
            text, type_ = column["description"], built.get(name, "")
            if "DateTime" in type_ and "UTC" not in text:
                wrong.append(f"{where}, column {name}: a time; say UTC")
            if "Nullable" in type_ and not re.search(r"\bnull\b", text, re.I):
                wrong.append(f"{where}, column {name}: say what null means")
            if "Decimal" in type_ and "`currency`" not in text:
                wrong.append(f"{where}, column {name}: money; say in `currency`")
    assert not wrong, "\n".join(wrong)


def test_macros_describe_the_arguments_that_they_take(site: Site) -> None:
    wrong = []
    for macro in site.ours("macros"):
        if macro["name"].startswith("materialization_"):
            continue  # takes none
        match = re.search(r"{%-?\s*(?:macro|test)\s+\w+\((.*?)\)", macro["macro_sql"], re.S)
        assert match, macro["name"]
        takes = re.findall(r"(\w+)(?:\s*=[^,]*)?(?:,|$)", match[1])
        described = [argument["name"] for argument in macro["arguments"]]
        if takes != described:
            wrong.append(f"{yaml_of(macro)}: macro {macro['name']} takes {takes}, says {described}")
    assert not wrong, "\n".join(wrong)


def test_marts_are_public_and_the_rest_is_private(site: Site) -> None:
    wrong = []
    for model in site.ours("model"):
        access = "public" if model["original_file_path"].startswith("models/marts/") else "private"
        if (model["access"], model["group"]) != (access, "tickets"):
            wrong.append(
                f"{model['original_file_path']}: access {model['access']}, group {model['group']}; "
                f"should be {access}, tickets: move it to the right folder, see dbt_project.yml"
            )
        is_for_readers = re.match("(dim|fact|v)_", model["name"])
        if bool(is_for_readers) != (access == "public"):
            wrong.append(
                f"{model['original_file_path']}: marts, and only they, are called dim_, fact_ or "
                "v_: the reader's grants in deploy/clickhouse go by these names"
            )
    assert not wrong, "\n".join(wrong)


def test_overview_leads_to_every_mart(site: Site) -> None:
    linked = set(LINK.findall(overview(site)))
    known = {
        node["unique_id"] for kind in ("model", "seed", "exposures") for node in site.ours(kind)
    }
    assert linked <= known, f"models/docs/overview.md links to nothing: {linked - known}"
    marts = {model["unique_id"] for model in site.ours("model") if model["access"] == "public"}
    told = {node["unique_id"] for node in site.ours("exposures")} | marts
    russian, english = overview(site).split("\n---\n")
    for part in (russian, english):
        missing = told - set(LINK.findall(part))
        assert not missing, f"models/docs/overview.md: add a question or a row for {missing}"


def test_queries_of_the_overview_can_be_copied(site: Site) -> None:
    queries = re.findall(r"```sql\n(.*?)```", overview(site), re.S)
    assert len(queries) >= 14
    public = {model["name"] for model in site.ours("model") if model["access"] == "public"}
    for query in queries:
        assert set(re.findall(r"zakaz\.(\w+)", query)) <= public, query
        rows = site.place.query(query)
        if "toMonday(" in query:
            # whether there is a show this weekend depends on the day on which this runs
            shows = site.place.query(
                "select count() from fact_qtickets_inventory_by_show"
                " where dateDiff('week', toDate(now('Europe/Moscow')), show_date) = 0"
                " and toDayOfWeek(show_date) >= 6"
            )
            assert [(len(rows),)] == shows, query
        else:
            assert rows, query


def overview(site: Site) -> str:
    return str(site.manifest["docs"][f"doc.{PROJECT}.__overview__"]["block_contents"])


def test_clickhouse_says_the_same_words(site: Site) -> None:
    tables = dict(
        site.place.query("select name, comment from system.tables where database = 'zakaz'")
    )
    columns = {
        (table, name): comment
        for table, name, comment in site.place.query(
            "select table, name, comment from system.columns where database = 'zakaz'"
        )
    }
    told = [m for m in site.ours("model") if m["access"] == "public"] + site.ours("seed")
    for node in told:
        assert tables[node["name"]] == node["description"], node["name"]
        for name, column in node["columns"].items():
            assert columns[node["name"], name] == column["description"], (node["name"], name)
    assert HOSTILE in columns["fact_qtickets_inventory_latest", "tickets_left"]


def test_views_say_the_same_to_datalens(site: Site) -> None:
    compared = 0
    for model in site.ours("model"):
        if model["name"].startswith("v_"):
            # the age of the data may change between two questions
            columns = [c for c in site.types[model["name"]] if c != "minutes_since_proven"]
            query = f"select {', '.join(columns)} from {model['name']} order by all"
            rows = site.place.query(query)
            # DataLens turns it on in each query, and a view takes the settings of whoever asks
            assert rows == site.place.query(query + " settings join_use_nulls = 1"), model["name"]
            compared += len(rows)
    assert compared > 20


def test_datalens_page_names_fields_that_exist(site: Site) -> None:
    lines = (ROOT / "docs" / "datalens.md").read_text().splitlines()
    rows = [re.split(r" *\| *", line)[2:] for line in lines if line.startswith("|")]
    # a field, or a formula with its fields in brackets
    cells = [(row[0].strip("`"), re.findall("`(.+?)`", " ".join(row[1:]))) for row in rows]
    charts = [
        (table, {name for said in texts for name in re.findall(r"\[(\w+)\]", said) or [said]})
        for table, texts in cells
    ]
    charts = [(table, fields) for table, fields in charts if table in site.types]
    for table, fields in charts:
        assert fields <= site.types[table].keys(), table
    # each table that a dashboard depends on is on the page, as a chart or to be joined
    needed = {
        node.rpartition(".")[2]
        for exposure in site.ours("exposures")
        for node in exposure["depends_on"]["nodes"]
    }
    assert needed <= {table for table, _ in charts} | {"dim_events"}


def test_dashboards_are_described(site: Site) -> None:
    exposures = site.ours("exposures")
    assert len(exposures) >= 5
    for exposure in exposures:
        assert exposure["label"], exposure["name"]
        assert exposure["maturity"], exposure["name"]
        assert exposure["owner"]["name"], exposure["name"]
        assert exposure["depends_on"]["nodes"], exposure["name"]


def test_layers_are_told_apart_in_the_lineage_graph(site: Site) -> None:
    colours: dict[str, set[str]] = defaultdict(set)
    for node in (*site.ours("model"), *site.ours("seed")):
        folder = Path(node["original_file_path"]).parts
        layer = folder[1] if node["resource_type"] == "model" else folder[0]
        colours[layer].add(node["docs"]["node_color"])
    assert all(len(found) == 1 for found in colours.values()), colours
    used = {layer: found.pop() for layer, found in colours.items()}
    assert len(set(used.values())) == len(used), used
    for layer, colour in used.items():
        # labels are white; private models are a fifth filled, in an outline of the colour
        if layer in ("staging", "intermediate"):
            assert contrast(colour, CANVAS) >= 3, colour
            colour = mixed(colour, CANVAS, 0.2)
        assert contrast("#ffffff", colour) >= 4.5, (layer, colour)


CANVAS = "#005e7a"
"""What dbt draws the lineage graph on."""


def channels(colour: str) -> list[int]:
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]


def mixed(colour: str, ground: str, share: float) -> str:
    pairs = zip(channels(colour), channels(ground), strict=True)
    return "#" + "".join(f"{round(c * share + g * (1 - share)):02x}" for c, g in pairs)


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, 1 to 21, as WCAG defines it."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    """Return the relative luminance of #rrggbb, as WCAG defines it."""
    parts = [c / 255 for c in channels(colour)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
