"""On a cluster: what the project says to one, and what comes of it.

Nothing here replicates: the servers of the tests cannot, and docs/cluster.md says what that leaves.
Two of them and a front (tests/clickhouse_cluster.py) stand for a cluster, the ETL user with the
cluster's grants builds on it, and each statement that it sent is looked at. The last test does the
same on a true cluster, where CLICKHOUSE_TEST_CLUSTER_URL says that there is one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from uuid import uuid4

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from extract.resources import INVENTORY_TABLE, LISTINGS
from tests.clickhouse_cluster import CLUSTER, ON_CLUSTER, Cluster
from tests.clickhouse_server import HOST, ClickHouseServer
from tests.conftest import GUARDED, install_users
from tests.e2e import test_truth
from tests.e2e.test_deploy import ROLES_SQL, USERS_XML
from tests.qtickets_api import QTicketsServer
from tests.qtickets_organiser import Organiser
from tests.zakaz import ETL_PASSWORD, Place, orders_of, small_organiser

RAW = {"meta_job_runs", "meta_slices", INVENTORY_TABLE, *(listing.table for listing in LISTINGS)}
UPDATE = ("build", "--exclude-resource-type", "unit_test", "test")
# perhaps not one row, until the organiser writes a plan and costs, and has had more shows
MAY_BE_EMPTY = {
    *("plan_sales", "stg_planning__plan_sales", "fact_plan_sales_daily"),
    *("ad_costs", "stg_planning__ad_costs"),
    "int_forecast_backtest",
}
READ_ONLY = 242


@dataclass
class Built:
    """A cluster on which everything was built, changed, built again and rebuilt."""

    cluster: Cluster
    place: Place
    organiser: Organiser

    @property
    def definitions(self) -> list[str]:
        """Return the statements that change what is there, without comments."""
        bare = [_bare(sql) for sql in self.cluster.statements]
        return [
            sql
            for sql in bare
            if re.match(
                r"(create|drop|rename|exchange|truncate|alter|system)\b", sql, re.IGNORECASE
            )
            and not re.match(r"create temporary\b", sql, re.IGNORECASE)
        ]


def _bare(sql: str) -> str:
    return re.sub(r"/\*.*?\*/|--[^\n]*", "", sql, flags=re.DOTALL).strip()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Return two replicas with the users of deploy/clickhouse, those of a cluster."""
    directory = tmp_path_factory.mktemp("cluster")
    users = install_users(directory, for_cluster=True)
    with Cluster(directory, users=users, config=GUARDED) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, cluster: Cluster) -> Built:
    """Build all that there is, as the ETL user."""
    organiser = small_organiser()
    place = Place(
        tmp_path_factory.mktemp("built"),
        server=cluster.replicas[0],
        settings={
            **cluster.settings,
            "CLICKHOUSE_USER": "zakaz_etl",
            "CLICKHOUSE_PASSWORD": ETL_PASSWORD,
        },
    )
    build(place, organiser)
    return Built(cluster, place, organiser)


def build(place: Place, organiser: Organiser) -> None:
    with QTicketsServer(organiser) as server:
        run(place, server, *UPDATE)
        rng = Random(7)
        for _ in range(50):
            organiser.mutate(rng)
        # another retention alters a table
        run(place, server, *UPDATE, EXTRACT_INVENTORY_DAYS="300")
        refreshed = place.dbt(
            *UPDATE, "--full-refresh", "--select", "stg_qtickets_api__orders", "city_names"
        )
        assert refreshed.code == 0, refreshed
        checked = place.extract(server, "--check")
        assert checked.code == 0, checked
    assert place.landed_orders() == orders_of(organiser)
    test_truth.assert_facts_are_true(place, organiser)


def run(place: Place, server: QTicketsServer, *dbt: str, **settings: str) -> None:
    extracted = place.extract(server, **settings)
    assert extracted.code == 0, extracted
    ran = place.dbt(*dbt)
    assert ran.code == 0, ran


def test_both_replicas_hold_the_same(built: Built) -> None:
    first, second = built.cluster.replicas
    tables = "select name, engine, create_table_query from system.tables where database = 'zakaz'"
    assert sorted(first.query(tables)) == sorted(second.query(tables))
    names = {name for name, *_ in first.query(tables)}
    assert names > RAW
    assert not [name for name in names if "__dbt" in name], "left over"
    for name in names - RAW - MAY_BE_EMPTY:
        # a read over both, as docs/cluster.md gives it
        sums = first.query(
            "select _shard_num, count(), sum(cityHash64(*))"
            f" from clusterAllReplicas('{CLUSTER}', zakaz.{name}) group by all order by all"
        )
        assert len(sums) == 2, name
        assert sums[0][1:] == sums[1][1:], name
        assert sums[0][1] > 0, name


def test_a_distributed_table_reads_over_both(built: Built) -> None:
    first, second = built.cluster.replicas
    daily = test_truth.DAILY.replace("fact_", "zakaz.fact_")
    second.query(
        "create table default.daily as zakaz.fact_qtickets_sales_daily"
        f" engine = Distributed('{CLUSTER}', zakaz, fact_qtickets_sales_daily)"
    )
    try:
        read = test_truth.DAILY.replace("fact_qtickets_sales_daily", "default.daily")
        read += " settings prefer_localhost_replica = 0"
        assert sorted(second.query(read)) == sorted(first.query(daily))
    finally:
        second.query("drop table default.daily")


def test_every_definition_says_on_cluster(built: Built) -> None:
    for sql in built.definitions:
        assert ON_CLUSTER.search(sql), sql
    seen = {sql.split()[0].lower() for sql in built.definitions}
    assert seen == {"create", "drop", "rename", "exchange", "truncate", "alter", "system"}


def test_the_engine_reads_every_definition(built: Built) -> None:
    for sql in set(built.definitions):
        escaped = sql.replace("\\", "\\\\").replace("'", "\\'")
        [(read,)] = built.cluster.replicas[0].query(f"select formatQuerySingleLine('{escaped}')")
        assert f"ON CLUSTER {CLUSTER}" in read, sql


def test_every_table_is_a_replicated_one_to_the_engine(built: Built) -> None:
    """Create each once more, by the engine itself: replicated, at a path of its own."""
    server = built.cluster.replicas[1]
    etl = {"user": "zakaz_etl", "password": ETL_PASSWORD, "database": "zakaz"}
    pattern = re.compile(
        r"create table (?:if not exists )?(?:`zakaz`\.)?`?(\w+)`?\s*" + ON_CLUSTER.pattern,
        re.IGNORECASE,
    )
    created = [sql for sql in built.definitions if re.match(r"create table", sql, re.IGNORECASE)]
    uuids = {}
    for number, sql in enumerate(created):
        match = pattern.match(sql)
        assert match, sql
        name, uuid = f"replicated_{number}_{match[1]}", str(uuid4())
        # what `on cluster` does: the same UUID on each replica
        server.query(f"create table {name} uuid '{uuid}' {sql[match.end() :]}", **etl)
        uuids[name] = uuid
    try:
        found = server.query("select table, zookeeper_path, replica_name from system.replicas")
        assert sorted(found) == sorted(
            (name, f"/clickhouse/tables/{uuid}/1", "2") for name, uuid in uuids.items()
        )
        assert {name.split("_", 2)[2] for name in uuids} >= RAW | {"city_names", "dim_events"}
        with pytest.raises(DatabaseError) as refused:
            server.query(f"system sync replica {name}", **etl)
        assert refused.value.code == READ_ONLY  # the right is there, replication is not
    finally:
        for name in uuids:
            server.query(f"drop table zakaz.{name} sync")


def test_a_table_is_on_every_replica_before_it_is_swapped_in(built: Built) -> None:
    swaps = 0
    for number, sql in enumerate(built.definitions):
        if match := re.match(r"exchange tables (\S+) and", sql, re.IGNORECASE):
            swaps += 1
            before = built.definitions[:number]
            waited = [s for s in before if re.match(r"system sync replica", s, re.IGNORECASE)]
            assert any(s.endswith(match[1]) for s in waited), sql
    assert swaps > 5


def test_every_read_and_write_is_for_certain(built: Built) -> None:
    first = built.cluster.replicas[0]
    first.query("system flush logs")
    kinds = first.query(
        "select query_kind, count() > 10, countIf("
        "    Settings['insert_quorum'] = 'auto' and Settings['insert_quorum_parallel'] = '0'"
        "    and Settings['select_sequential_consistency'] = '1'"
        "    and Settings['insert_deduplicate'] = '0') = count()"
        " from system.query_log where user = 'zakaz_etl' and is_initial_query"
        " and type = 'QueryFinish' and query_kind in ('Insert', 'Select')"
        " and arrayExists(x -> startsWith(x, 'zakaz.'), tables)"
        " and not arrayExists(x -> startsWith(x, 'zakaz.replicated_'), tables)"
        " group by query_kind order by query_kind"
    )
    assert kinds == [("Insert", 1, 1), ("Select", 1, 1)]


def test_one_server_is_told_from_a_cluster_and_can_move_there(
    tmp_path: Path, cluster: Cluster
) -> None:
    first, second = cluster.replicas
    organiser = small_organiser(days=3)
    alone = Place(tmp_path, server=second, database="alone")
    moved = Place(tmp_path, server=first, database="moved", settings=cluster.settings)
    with QTicketsServer(organiser) as server:
        assert alone.extract(server).code == 0
        refused = alone.extract(server, CLICKHOUSE_CLUSTER=CLUSTER)
        unknown = moved.extract(server, CLICKHOUSE_CLUSTER="nowhere")

        assert moved.extract(server, "events").code == 0
        # as docs/cluster.md gives it
        old = f"{HOST}:{second.native_port}"
        for table in RAW:
            there = f"remote('{old}', alone.{table}, 'default', '')"
            first.query(f"insert into moved.{table} select * from {there}")
        went_on = moved.extract(server)
    assert refused.code == 4, refused
    assert "alone.meta_job_runs: its engine is ReplacingMergeTree(_ver)" in refused.err
    assert "docs/cluster.md" in refused.err
    assert unknown.code == 4, unknown
    assert "'nowhere' not found" in unknown.err
    assert "Check CLICKHOUSE_CLUSTER." in unknown.err
    assert went_on.code == 0, went_on
    assert went_on.out.count(" 0 new, 0 changed") == 5, went_on
    assert moved.landed_orders() == orders_of(organiser)


def test_roles_sql_grants_the_same_on_a_cluster() -> None:
    in_sql = re.findall(r"^-- GRANT (.*) TO zakaz_etl_role;$", ROLES_SQL.read_text(), re.MULTILINE)
    commented = re.search(r"<!-- On a cluster(.*?)-->", USERS_XML.read_text(), re.DOTALL)
    assert commented
    assert in_sql == re.findall(r"<query>GRANT (.*)</query>", commented[1])
    assert len(in_sql) == 6


URL = os.environ.get("CLICKHOUSE_TEST_CLUSTER_URL", "")


@pytest.mark.skipif(
    not URL,
    reason="CLICKHOUSE_TEST_CLUSTER_URL is not set; as https://user:password@host:8443/CLUSTER",
)
def test_a_true_cluster(tmp_path: Path) -> None:
    url, _, name = URL.rpartition("/")
    database = f"zakaz_{uuid4().hex[:8]}"
    server = ClickHouseServer(tmp_path / "server", url=url)
    settings = {"CLICKHOUSE_CLUSTER": name}
    place = Place(tmp_path, server=server, database=database, settings=settings)
    try:
        build(place, small_organiser())
        replicas = server.query(f"select count() from system.clusters where cluster = '{name}'")
        tables = server.query(
            f"select name, engine from system.tables where database = '{database}'"
        )
        assert {table for table, _ in tables} > RAW
        for table, engine in tables:
            assert engine == "View" or engine.startswith("Replicated"), table
            if engine != "View":
                server.query(f"system sync replica on cluster `{name}` {database}.{table}")
            sums = server.query(
                "select hostName(), count(), sum(cityHash64(*))"
                f" from clusterAllReplicas('{name}', {database}.{table}) group by all"
            )
            assert len(sums) == replicas[0][0], table
            assert len({row[1:] for row in sums}) == 1, table
    finally:
        server.query(f"drop database if exists {database} on cluster `{name}` sync")
