"""`python -m notify` behind the real chain: an API that breaks, two organisers on one server."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from tests.clickhouse_server import DEFAULT_USERS, ClickHouseServer
from tests.conftest import GUARDED
from tests.e2e.test_privacy import assert_none_in
from tests.forks import Forked
from tests.notify_receiver import Receiver
from tests.qtickets_api import QTicketsServer
from tests.qtickets_organiser import Organiser
from tests.zakaz import ROOT, Golden, Place, Ran, ended, run, small_organiser


def of_notify(place: Place, **more: str) -> dict[str, str]:
    settings = {
        "NOTIFY_STATE_PATH": str(place.directory / "notify.json"),
        "DBT_TARGET_PATH": str(place.directory / "target"),
    }
    return place.env(**(settings | more))


def notify(place: Place, what: str, *args: str, **more: str) -> Ran:
    return ended(Forked(["notify", what, *args], of_notify(place, **more)))


def chain(place: Place, server: QTicketsServer, **more: str) -> tuple[Ran, Ran]:
    """What the timer does: extract, dbt build, and what each of them tells when it stops."""
    ran = place.extract(server)
    told = notify(place, "alerts", "--exit", f"extract={ran.code}", **more)
    assert told.code == 0, told
    built = place.dbt("--quiet", "build", "--exclude-resource-type", "unit_test")
    told = notify(place, "alerts", "--exit", f"build={built.code}", **more)
    assert told.code == 0, told
    return ran, built


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def test_an_api_that_breaks_is_one_alert_and_its_return_one_more(
    golden: Golden, built_place: Place, receiver: Receiver
) -> None:
    organiser, place = golden.organiser(), built_place
    urls = {
        "NOTIFY_ALERT_URLS": receiver.url("alerts"),
        "NOTIFY_DIGEST_URLS": receiver.url("digest"),
        "ORGANISER_NAME": "Театр «Маска»",
    }
    impatient = {"EXTRACT_TRIES": "2", "EXTRACT_PATIENCE_SECONDS": "2"}
    with QTicketsServer(organiser) as server:
        assert notify(place, "alerts", "--exit", "extract=0", "--exit", "build=0", **urls).code == 0
        # what the sample holds on purpose, such as money outside tickets, is sent once a day
        assert all(title.startswith("🟡") for title, _ in receiver.take())

        place.settings.update(impatient)
        server.faults.error_503 = 1
        chain(place, server, **urls)
        assert place.extract(server).code == 3
        for _ in range(2):
            assert notify(place, "alerts", "--exit", "extract=3", **urls).code == 0
        ((title, text),) = receiver.take()
        assert title == "🔴 Театр «Маска»: QTickets не отвечает как должен", text
        assert "Не загружаются: заказы, мероприятия" in text

        server.faults.clear()
        chain(place, server, **urls)
        ((title, text),) = receiver.take()
        assert title == "🟢 Театр «Маска»: загрузка из QTickets снова работает"

        ran = run([sys.executable, "-m", "notify", "digest"], of_notify(place, **urls))
        assert (ran.code, ran.out, ran.err) == (0, "", ""), ran
        assert notify(place, "digest", **urls).code == 0
    ((title, text),) = receiver.messages
    assert_equals_the_marts(place, text)
    assert_none_in("".join(receiver.bodies), organiser, "a message")
    kept = (place.directory / "notify.json").read_text()
    assert_none_in(kept, organiser, "what notify remembers")


def assert_equals_the_marts(place: Place, text: str) -> None:
    ((tickets, revenue),) = place.query(
        "select sum(tickets_sold), sumIf(revenue, currency = 'RUB') from fact_qtickets_sales_daily"
        " where sales_date = toDate(now('Europe/Moscow')) - 1"
    )
    ((event, of_event),) = place.query(
        "select event_name, sum(revenue) as made from fact_qtickets_sales_daily as f"
        " inner join dim_events as e on e.event_id = f.event_id"
        " where sales_date = toDate(now('Europe/Moscow')) - 1 and currency = 'RUB'"
        " group by event_name, f.event_id order by made desc limit 1"
    )
    told = re.sub(r"[\xa0\u202f ]", "", text).replace(",", ".")
    assert tickets > 0
    assert re.search(rf"Вчера:{tickets}билет\w*на{_amount(revenue)}₽", told), text
    assert f"{_amount(of_event)}₽" in told.split("Большевсехвчера:")[1].split("\n")[1]
    assert event[:20].replace(" ", "").replace(",", ".") in told


def _amount(value: object) -> str:
    return str(value).removesuffix(".00")


# ---- several organisers on one server


NAMES = ("maska", "sova")
PASSWORDS = {"ETL": "etl-pa55word", "READER": "reader-pa55word"}


@pytest.fixture(scope="module")
def agency(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseServer]:
    """Return a server with the users of two organisers, made as docs/organisers.md says."""
    directory = tmp_path_factory.mktemp("agency")
    (directory / "users.xml").write_text(DEFAULT_USERS)
    (directory / "users.d").mkdir()
    text = (ROOT / "deploy" / "clickhouse" / "users.d" / "zakaz.xml").read_text()
    for name in NAMES:
        mine = re.sub(r"\bzakaz", f"zakaz_{name}", text)
        for who, password in PASSWORDS.items():
            hashed = sha256(f"{name}-{password}".encode()).hexdigest()
            mine = mine.replace(f"SHA256_OF_{who}_PASSWORD", hashed)
        (directory / "users.d" / f"{name}.xml").write_text(mine)
    users = directory / "users.xml"
    with ClickHouseServer(directory / "server", users=users, config=GUARDED) as server:
        yield server


def an_organiser(name: str) -> Organiser:
    """Return an organiser whose every name, of events and places, says whose it is."""
    organiser = small_organiser(seed=NAMES.index(name) + 1, days=9)
    for event_id in organiser.events.ids:
        event = organiser.events.row(event_id)
        organiser.events.put(event | {"name": f"{name}-{event['name']}", "place_name": name})
    return organiser


def test_two_organisers_side_by_side_have_nothing_of_each_other(
    agency: ClickHouseServer, tmp_path: Path, receiver: Receiver
) -> None:
    organisers = {name: an_organiser(name) for name in NAMES}
    places = {}
    for name in NAMES:
        (tmp_path / name).mkdir()
        places[name] = Place(
            tmp_path / name,
            server=agency,
            database=f"zakaz_{name}",
            settings={
                "CLICKHOUSE_USER": f"zakaz_{name}_etl",
                "CLICKHOUSE_PASSWORD": f"{name}-{PASSWORDS['ETL']}",
                "ORGANISER_NAME": f"Театр {name}",
                # one chat for all, as an agency has it
                "NOTIFY_ALERT_URLS": receiver.url("alerts"),
                "NOTIFY_DIGEST_URLS": receiver.url("digest"),
            },
        )

    def live(name: str) -> None:
        with QTicketsServer(organisers[name]) as server:
            assert [ran.code for ran in chain(places[name], server)] == [0, 0]
            for _ in range(2):
                ran = notify(places[name], "digest")
                assert (ran.code, ran.err) == (0, ""), ran

    with ThreadPoolExecutor(2) as pool:  # at the same time: no lock of one stops the other
        list(pool.map(live, NAMES))

    # what the sample holds on purpose, such as money outside tickets, is a warning
    digests = [sent for sent in receiver.take() if not sent[0].startswith("🟡")]
    assert sorted(title.partition(":")[0] for title, _ in digests) == ["Театр maska", "Театр sova"]
    for name, other in (NAMES, NAMES[::-1]):
        (text,) = (text for title, text in digests if title.startswith(f"Театр {name}"))
        assert f"{name}-" in text
        assert f"{other}-" not in text
        kept = everything_in(agency, f"zakaz_{name}")
        assert f"{name}-" in kept
        assert other not in kept
        etl, password = f"zakaz_{name}_etl", f"{name}-{PASSWORDS['ETL']}"
        reader, readers = f"zakaz_{name}_reader", f"{name}-{PASSWORDS['READER']}"
        mine, theirs = f"zakaz_{name}.dim_events", f"zakaz_{other}.dim_events"
        assert agency.query(f"select count() from {mine}", user=reader, password=readers) > [(0,)]
        for user, secret in ((etl, password), (reader, readers)):
            with pytest.raises(DatabaseError, match="Not enough privileges"):
                agency.query(f"select count() from {theirs}", user=user, password=secret)

        # who may only read marts is told nothing twice either: the file remembers
        as_reader = {
            "CLICKHOUSE_USER": reader,
            "CLICKHOUSE_PASSWORD": readers,
            "NOTIFY_STATE_PATH": str(tmp_path / name / "of_reader.json"),
        }
        for count in (1, 0):
            assert notify(places[name], "digest", **as_reader).code == 0
            assert len(receiver.take()) == count

    # what fails for one is told of one
    with QTicketsServer(organisers["maska"], token="changed") as server:
        ran = places["maska"].extract(server, QTICKETS_API_TOKEN="old")
    assert ran.code == 3, ran
    for name in NAMES:
        assert notify(places[name], "alerts").code == 0
    assert [title for title, _ in receiver.messages] == [
        "🔴 Театр maska: QTickets не принимает токен"
    ]


def everything_in(server: ClickHouseServer, database: str) -> str:
    tables = [name for (name,) in server.query(f"show tables from {database}")]
    assert len(tables) > 20
    rows = [
        row
        for table in tables
        for (row,) in server.query(f"select toString(tuple(*)) from {database}.{table}")
    ]
    return "\n".join(rows)
