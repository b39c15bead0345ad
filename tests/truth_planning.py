"""What is true of an organiser for whoever plans: seats day by day, refunds, buyers, plan and fact.

As in tests/qtickets_organiser.py the figures are plain Python over the organiser's rows, without
SQL and without the extractor. `Planning` also gives the organiser a past: days on which seats were
read, months with buyers who come back, and a plan.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.qtickets_api import QTicketsServer
from tests.qtickets_organiser import Organiser, Quantity, Sales, _entry, _sum, _with_ticket
from tests.qtickets_sample import CITY_NAMES, MOSCOW, Row
from tests.zakaz import Place, assert_same_cells

DAY = timedelta(days=1)
PLAN_TABLE = "plan_of_the_organiser"

Cells = dict[Any, tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class PlanRow:
    """A row of the organiser's plan; event 0 is the rest of the city."""

    day: date
    event_id: int
    city: str
    currency: str
    tickets: int
    revenue: Decimal


@dataclass(frozen=True, slots=True)
class Seen:
    """What a read of a show's seats told."""

    at: datetime
    event_id: int
    total: Quantity
    left: Quantity


@dataclass
class Planning:
    """An organiser's past as the place knows it, to be looked at after each build."""

    place: Place
    organiser: Organiser
    plan: list[PlanRow] = field(default_factory=list)
    seen: dict[tuple[int, date], Seen] = field(default_factory=dict)

    def prepare(self, server: QTicketsServer, stopped_at: datetime | None = None) -> None:
        """Live through days on which seats were read, then through sales; write a plan.

        The clock runs on then, unless it stands still.
        """
        organiser = self.organiser
        now = stopped_at or organiser.clock()
        for days_ago in (6, 4, 3):  # five days ago nobody read; the days since, nobody did either
            organiser.set_clock(now - days_ago * DAY)
            ran = self.place.extract(server, "inventory")
            assert ran.code == 0, ran
            self.look()
        organiser.set_clock(stopped_at)
        self._bring_buyers_back(now)
        self._write_plan(now.astimezone(MOSCOW).date())

    def _bring_buyers_back(self, now: datetime) -> None:
        """Give a dozen buyers many orders, in several months, and let some orders name none."""
        organiser = self.organiser
        months_ago = [organiser.new_order(payed_at=now - n * 9 * DAY) for n in range(12)]
        orders = [*months_ago, *organiser.orders.ids[:90]]
        for n, order_id in enumerate(orders):
            organiser.update(order_id, client_id=0 if n % 17 == 5 else 900_000 + n % 12)

    def _write_plan(self, today: date) -> None:
        rows = [
            PlanRow(today - n * DAY, event_id, "", "RUB", 3 + n, Decimal("1500.50") * abs(n))
            for n in range(-1, 4)  # tomorrow as well; today's revenue is planned to be nothing
            for event_id in (24089, 26011)
        ]
        rows += [
            PlanRow(today - 2 * DAY, 0, "г. ТОМСК", "RUB", 20, Decimal(9000)),
            PlanRow(today - 3 * DAY, 0, "Москва", "rub", 4, Decimal(5000)),
            PlanRow(today - 3 * DAY, 28777, "", "RUB", 2, Decimal(700)),  # it is sold for tenge
            PlanRow(today - 90 * DAY, 28100, "", "RUB", 2, Decimal(1000)),  # nothing was sold
        ]
        self.plan = rows
        values = ", ".join(
            f"('{r.day}', {r.event_id}, '{r.city}', '{r.currency}', {r.tickets}, {r.revenue})"
            for r in rows
        )
        self.place.query(
            f"create table {PLAN_TABLE} (plan_date Date, event_id UInt64, city String,"
            " currency String, planned_tickets Int64, planned_revenue Decimal(18, 2))"
            " engine = MergeTree order by plan_date"
        )
        self.place.query(f"insert into {PLAN_TABLE} values {values}")

    def let_snapshots_expire(self) -> None:
        """Drop the snapshots of all days but the last, as retention does."""
        self.place.query(
            "alter table stg_qtickets_api_inventory_raw delete"
            " where snapshot_ts < now() - interval 2 day settings mutations_sync = 2"
        )

    # --- what is there

    def look(self) -> None:
        """Remember the seats of all shows to come, as the extractor just read them."""
        organiser = self.organiser
        now = organiser.clock()
        for event, show in _shows(organiser):
            ends = _ends(show)
            is_deleted = event["deleted_at"] or show["deleted_at"]
            if is_deleted or ends is None or ends <= now:  # closed ones are read, too
                continue
            entries = [_entry(seat) for seat in (organiser.seats(show["id"]) or {}).values()]
            if organiser.ignores_flat(show["id"]):
                entries = [(1, None) for _ in entries]
            self.seen[show["id"], now.astimezone(MOSCOW).date()] = Seen(
                now, event["id"], _sum(*(e[0] for e in entries)), _sum(*(e[1] for e in entries))
            )

    def assert_true(self) -> None:
        """Compare every cell of the marts of planning; call it when extract and dbt have run."""
        self.look()
        self._same(
            "fact_qtickets_inventory_daily",
            "inventory_date, event_id, city",
            "tickets_total, tickets_left, taken_since_day_before, shows, shows_unknown",
            self.inventory_daily(),
        )
        self._same(
            "v_sell_through",
            "event_id",
            "city, first_show_at, last_show_at, tickets_total, tickets_left, share_sold,"
            " tickets_sold_7d, tickets_per_day_7d, days_to_sell_out",
            self.sell_through(),
        )
        refunds = self.refunds_daily()
        self._same(
            "fact_qtickets_refunds_daily",
            "refund_date, event_id, city, currency",
            "tickets_refunded, refunded_amount, undated_amount, kept_amount",
            refunds,
        )
        self._same(
            "v_cash_daily",
            "cash_date, event_id, city, currency",
            "tickets_paid, tickets_refunded, gross_revenue, refunded_amount, net_cash, revenue",
            self.cash_daily(refunds),
        )
        buyers = self.buyers_monthly()
        self._same(
            "fact_qtickets_buyers_monthly",
            "sales_month, event_id, city",
            "buyers, new_buyers, returning_buyers, orders_without_buyer",
            buyers,
        )
        assert all(sum(row[n] for row in buyers.values()) > 3 for n in range(4))
        plan_vs_fact = self.plan_vs_fact()
        self._same(
            "v_plan_vs_fact",
            "sales_date, event_id, city, currency",
            "planned_tickets, tickets_sold, tickets_difference,"
            " planned_revenue, revenue, revenue_difference",
            plan_vs_fact,
        )
        self._assert_percentages(plan_vs_fact)

    def _same(self, table: str, key: str, cells: str, expected: Cells) -> None:
        found = self._found(key, cells, table)
        assert_same_cells(f"{table}: {cells}", found, expected)

    def _found(self, key: str, cells: str, table: str) -> Cells:
        width = len(key.split(","))
        rows = self.place.query(f"select {key}, {cells} from {table}")
        found = {row[:width] if width > 1 else row[0]: row[width:] for row in rows}
        assert len(found) == len(rows)
        return found

    def _assert_percentages(self, plan_vs_fact: Cells) -> None:
        rows = self._found(
            "sales_date, event_id, city, currency",
            "tickets_percent, revenue_percent",
            "v_plan_vs_fact",
        )
        known = 0
        for key, found in rows.items():
            tickets, sold, _, planned, revenue, _ = plan_vs_fact[key]
            for percent, part, whole in zip(
                found, (sold, revenue), (tickets, planned), strict=True
            ):
                if part is None or not whole:
                    assert percent is None
                else:
                    assert math.isclose(percent, 100 * float(part / whole), abs_tol=0.051)
                    known += 1
        assert known > 5

    # --- what is true

    def inventory_daily(self) -> Cells:
        """Per day, event and city: total, left, taken since the day before, shows, unknown ones."""
        return {
            key: (
                *(_sum(*(show[n] for show, _ in shows)) for n in range(3)),
                len(shows),
                sum(show[0] is None or show[1] is None for show, _ in shows),
            )
            for key, shows in self._seats_by_day().items()
        }

    def inventory_seen(self) -> Cells:
        """Per day, event and city: when the seats were seen that were seen longest ago, UTC."""
        return {
            key: (min((_as_found(seen.at) for _, seen in shows if seen), default=None),)
            for key, shows in self._seats_by_day().items()
        }

    def _seats_by_day(self) -> dict[Any, list[tuple[tuple[Quantity, ...], Seen | None]]]:
        """By day, event and city each show: total, left, taken since, and what says so."""
        today = self.organiser.clock().astimezone(MOSCOW).date()
        city = _cities(self.organiser)
        owner, until = {}, {}
        for event, show in _shows(self.organiser):
            owner[show["id"]] = event["id"]
            ends = _ends(show)
            if _is_on_sale(event, show) and ends is not None:
                until[show["id"]] = min(ends.astimezone(MOSCOW).date(), today)
        cells: dict[Any, list[tuple[tuple[Quantity, ...], Seen | None]]] = defaultdict(list)
        for show_id in {show_id for show_id, _ in self.seen}:
            days = sorted(day for seen_id, day in self.seen if seen_id == show_id)
            event_id = owner.get(show_id) or self.seen[show_id, days[-1]].event_id
            day, before = days[0], None
            while day <= max(days[-1], until.get(show_id, days[-1])):
                seen = self.seen.get((show_id, day)) or self.seen.get((show_id, day - DAY))
                total, left = (seen.total, seen.left) if seen else (None, None)
                taken = None if total is None or left is None else total - left
                since = None if taken is None or before is None else taken - before
                key = (day, event_id, city.get(event_id, "unknown"))
                cells[key].append(((total, left, since), seen))
                day, before = day + DAY, taken
        return cells

    def sell_through(self) -> Cells:
        """Per event to come: city, dates, total, left, share, tickets of 7 days, pace, days."""
        organiser = self.organiser
        now, city = organiser.clock(), _cities(organiser)
        today = now.astimezone(MOSCOW).date()
        starts: dict[int, list[datetime]] = defaultdict(list)
        shows = set()
        for event, show in _shows(organiser):
            ends = _ends(show)
            if _is_on_sale(event, show) and ends is not None and ends > now:
                shows.add(show["id"])
                starts[event["id"]].append(datetime.fromisoformat(show["start_date"]))
        sold: dict[int, int] = defaultdict(int)
        for order, item, event_id in _sales(organiser):
            is_recent = today - 7 * DAY <= _day(order["payed_at"]) < today
            if is_recent and item["show_id"] in shows and item["refunded_at"] is None:
                sold[event_id] += item["quantity"]
        found: Cells = {}
        for event_id, (total, left) in organiser.inventory().items():
            share = None if left is None or not total else round(1 - left / total, 4)
            days = None if left is None or not (sold[event_id] or left == 0) else 0
            if left and days is not None:
                days = math.ceil(left * 7 / sold[event_id])
            first, last = min(starts[event_id]), max(starts[event_id])
            found[event_id] = (
                *(city[event_id], _as_found(first), _as_found(last), total, left, share),
                *(sold[event_id], round(sold[event_id] / 7, 2), days),
            )
        return found

    def refunds_daily(self) -> Cells:
        """Per day of refund, event, city, currency: tickets, paid back, of it undated, kept."""
        city = _cities(self.organiser)
        found: Cells = {}
        for order, item, event_id in _sales(self.organiser):
            refund = _with_ticket(Sales(), item)
            # a part paid back for a ticket that is still valid: on the day of the sale, undated
            is_part = item["refunded_at"] is None
            if is_part and not refund.refunded_amount:
                continue
            day = _day(order["payed_at"] if is_part else item["refunded_at"])
            key = (day, event_id, city.get(event_id, "unknown"), order["currency_id"])
            tickets, amount, undated, kept = found.get(key, (0, Decimal(0), Decimal(0), Decimal(0)))
            found[key] = (
                tickets + refund.tickets_refunded,
                amount + refund.refunded_amount,
                undated + refund.refunded_amount * is_part,
                kept + refund.revenue * (not is_part),
            )
        assert len(found) > 5
        return found

    def cash_daily(self, refunds: Cells) -> Cells:
        """Per day, event, city, currency: tickets paid and back, gross, paid back, net, revenue."""
        sales = self.organiser.daily_sales()
        found: Cells = {}
        for key in {*sales, *refunds}:
            tickets, amount, *_ = refunds.get(key, (0, Decimal(0)))
            day = sales.get(key)
            gross = day.gross_revenue if day else Decimal(0)
            paid = day.tickets_sold + day.tickets_refunded if day else 0
            revenue = day.revenue if day else Decimal(0)
            found[key] = (paid, tickets, gross, amount, gross - amount, revenue)
        assert sum(row[4] for row in found.values()) == sum(row[5] for row in found.values())
        return found

    def buyers_monthly(self) -> Cells:
        """Per month, event, city: buyers, new ones, returning ones, orders without a buyer."""
        city = _cities(self.organiser)
        sales = [
            (_day(order["payed_at"]), event_id, order["client_id"], order["id"])
            for order, _, event_id in _sales(self.organiser)
        ]
        first: dict[int, date] = {}
        for day, _, client_id, _ in sales:
            first[client_id] = min(first.get(client_id, day), day)
        found: Cells = {}
        for month, event_id in {(day.replace(day=1), event_id) for day, event_id, *_ in sales}:
            these = [s for s in sales if (s[0].replace(day=1), s[1]) == (month, event_id)]
            buyers = {client_id for _, _, client_id, _ in these if client_id}
            new = {c for day, _, c, _ in these if c and first[c] == day}
            nobody = {order_id for _, _, client_id, order_id in these if not client_id}
            key = (month, event_id, city.get(event_id, "unknown"))
            found[key] = (len(buyers), len(new), len(buyers - new), len(nobody))
        return found

    def plan_vs_fact(self) -> Cells:
        """Per day, event, city, currency: planned, sold and difference, of tickets and revenue."""
        city = _cities(self.organiser)
        today = self.organiser.clock().astimezone(MOSCOW).date()
        spelled = {name.lower(): known for name, known in CITY_NAMES.items()}
        planned = {}
        for row in self.plan:
            place = city[row.event_id] if row.event_id else spelled.get(row.city.lower(), row.city)
            planned[row.day, row.event_id, place, row.currency.upper()] = (row.tickets, row.revenue)
        sold: dict[Any, tuple[int, Decimal]] = {}
        for (day, event_id, place, currency), sales in self.organiser.daily_sales().items():
            key = (day, event_id, place, currency)
            if key not in planned and (day, 0, place, currency) in planned:
                key = (day, 0, place, currency)
            tickets, revenue = sold.get(key, (0, Decimal(0)))
            sold[key] = (tickets + sales.tickets_sold, revenue + sales.revenue)
        found: Cells = {}
        for key in {*planned, *sold}:
            plan = planned.get(key, (None, None))
            fact = sold.get(key, (0, Decimal(0))) if key[0] <= today else (None, None)
            pairs = [
                (p, f, None if p is None or f is None else f - p)
                for p, f in zip(plan, fact, strict=True)
            ]
            found[key] = (*pairs[0], *pairs[1])
        return found


def _shows(organiser: Organiser) -> Iterator[tuple[Row, Row]]:
    for event in organiser.events.rows():
        for show in event["shows"]:
            yield event, show


def _ends(show: Row) -> datetime | None:
    told = show["finish_date"] or show["start_date"]
    return datetime.fromisoformat(told) if told else None


def _is_on_sale(event: Row, show: Row) -> bool:
    return (
        event["deleted_at"] is None and show["deleted_at"] is None and show["is_active"] == 1
    )  # fmt: skip


def _cities(organiser: Organiser) -> dict[int, str]:
    names = {event["id"]: event["city"]["name"] for event in organiser.events.rows()}
    return {event_id: CITY_NAMES.get(name, name) for event_id, name in names.items()}


def _sales(organiser: Organiser) -> Iterator[tuple[Row, Row, int]]:
    """Yield each ticket sold: its order, itself, and its event."""
    owner = {show["id"]: event["id"] for event, show in _shows(organiser)}
    for order in organiser.orders.rows():
        if order["payed"] and order["deleted_at"] is None:
            for item in order["baskets"]:
                if item["deleted_at"] is None:
                    yield order, item, owner.get(item["show_id"]) or order["event_id"]


def _day(instant: str) -> date:
    return datetime.fromisoformat(instant).astimezone(MOSCOW).date()


def _as_found(moment: datetime) -> datetime:
    # the driver gives UTC columns as naive datetimes
    return moment.astimezone(UTC).replace(tzinfo=None)
