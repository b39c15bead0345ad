"""The report and the docs site of a sample organiser, as deploy/publish makes them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.qtickets_api import QTicketsServer
from tests.qtickets_organiser import Organiser
from tests.qtickets_sample import MOSCOW
from tests.zakaz import Place, small_organiser

# names come from outside, and are shown as they are
SCRIPT = "<script>document.title = 'taken over'</script> & \"Щелкунчик\" <b>"
LONG = "Большое_праздничное_представление_для_всей_семьи" * 3 + " и ещё несколько слов" * 5
CITY = "<i>Новосибирск</i> & другие"
SOURCE = "<script>alert('vk')</script>" + "очень_длинный_источник" * 3
CAMPAIGN = "<b>Мамы</b> & папы"
CODE = "<u>СКИДКА</u> & " + "ПОДАРОК" * 10

PLAN_TABLE = "plan_of_the_organiser"
COSTS_TABLE = "costs_of_the_organiser"


@dataclass
class Site:
    """What was published, on a web server at `url`; and the marts it was made from."""

    place: Place
    url: str = ""

    @property
    def directory(self) -> Path:
        return self.place.directory / "site"

    @property
    def report(self) -> str:
        return f"{self.url}/index.html"

    @property
    def docs(self) -> str:
        return f"{self.url}/docs.html"

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask the marts."""
        return self.place.query(sql)

    def manifest(self) -> dict[str, Any]:
        """Return what dbt knows of the project."""
        path = self.place.directory / "target" / "manifest.json"
        found: dict[str, Any] = json.loads(path.read_text())
        return found

    def publish(self) -> None:
        """Make all of it."""
        organiser = small_organiser(days=20)
        organiser.rename_event(26340, SCRIPT)
        organiser.rename_event(27001, LONG)
        organiser.move_event(26011, CITY)
        _mark_orders(organiser)
        _sell_out(organiser, 24097)
        with QTicketsServer(organiser) as server:
            extracted = self.place.extract(server)
        assert extracted.code == 0, extracted
        self._write_plan()
        self._write_costs()
        tables = f"{{plan_sales_table: {PLAN_TABLE}, ad_costs_table: {COSTS_TABLE}}}"
        built = self.place.dbt(
            "build", "--exclude-resource-types", "test", "unit_test", "--vars", tables
        )
        assert built.code == 0, built
        self.directory.mkdir()
        published = self.place.publish(self.directory)
        assert (published.code, published.out, published.err) == (0, "", "")

    def _write_plan(self) -> None:
        """Plan two weeks and the next days: by event, for the rest of a city, for nobody."""
        today = datetime.now(MOSCOW).date()
        self.place.query(
            f"create table {PLAN_TABLE} (plan_date Date, event_id UInt64, city String,"
            " currency String, planned_tickets Int64, planned_revenue Decimal(18, 2))"
            " engine = MergeTree order by plan_date"
        )
        self.place.query(
            f"insert into {PLAN_TABLE} select toDate('{today}') + 5 - n, p.1, p.2, p.3, p.4, p.5"
            " from (select number as n, arrayJoin([(26340, '', 'RUB', 2, 3100.5),"
            " (27001, '', 'RUB', 0, 0), (28777, '', 'KZT', 1, 5000),"
            " (0, 'Томск', 'RUB', 9, 1234567.89), (404, '', 'RUB', 1, 100)]) as p from numbers(20))"
        )

    def _write_costs(self) -> None:
        """Say what one source cost, in one of its currencies."""
        self.place.query(
            f"create table {COSTS_TABLE} (spend_date Date, utm_source String, utm_medium String,"
            " utm_campaign String, utm_content String, utm_term String, currency String,"
            " spend Decimal(18, 2), impressions Int64, clicks Int64)"
            " engine = MergeTree order by spend_date"
        )
        source, campaign = (text.replace("'", "''") for text in (SOURCE, CAMPAIGN))
        self.place.query(
            f"insert into {COSTS_TABLE} select toDate(now('Europe/Moscow')) - number,"
            f" '{source}', '', '{campaign}', '', '', 'RUB', 99.5, 1000, 50 from numbers(20)"
        )


def _mark_orders(organiser: Organiser) -> None:
    """Give many orders one campaign and promo code, both with bad names; others their own code."""
    code = organiser.promo_codes.row(168328)
    organiser.promo_codes.put(code | {"code": CODE})
    tags = {"utm_source": SOURCE, "utm_campaign": CAMPAIGN}
    for n, order_id in enumerate(organiser.orders.ids[::5]):
        promo_code_id = 900_000 + n if n % 5 == 0 else 168328
        # of a few buyers who come back, or of nobody known
        organiser.update(
            order_id, utm=tags, promo_code_id=promo_code_id, discount_id=6840, client_id=n % 9
        )
    # whatever the day of the month: one is new in it, one comes back, one is nobody known
    for client_id in (990_001, 1, 0):
        organiser.update(organiser.new_order(24089), client_id=client_id)


def _sell_out(organiser: Organiser, event_id: int) -> None:
    for show in organiser.events.head(event_id)["shows"]:
        for seat_id in organiser.seats(show["id"]) or {}:
            organiser.set_seat(show["id"], seat_id, free_quantity=0)
