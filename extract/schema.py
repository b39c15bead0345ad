"""The tables that are there against those this version wants: what to add, what to refuse.

What is wanted is read from the CREATE statements themselves, so that it stands in one place; they
are written in one form, a column or an index a line.

Brought forward is what cannot change the meaning of a row: a column that has a default, an index,
another time to live. Any other difference is refused. Columns that this version does not know are
left alone: rows landed without them get their defaults, as those landed before they came.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

FOUND = """
    select name, engine, engine_full, sorting_key, create_table_query, described.columns
    from system.tables as tables
    left join (
        select table, groupArray((name, type, default_kind, default_expression)) as columns
        from system.columns
        where database = {database:String} and table in {tables:Array(String)}
        group by table
    ) as described on described.table = tables.name
    where database = {database:String} and name in {tables:Array(String)}"""
"""A row for each of these tables that is there: the arguments of Found, its name first."""

_CREATE = re.compile(
    r"create table if not exists (?P<name>\w+)[^(]*\(\n(?P<body>.*)\n\)"
    r" engine = (?P<engine>\w+)\((?:[^)]*, )?(?P<version>\w+)\)"
    r" order by \(?(?P<key>[\w, ]+)\)?(?:\nttl (?P<ttl>.+))?",
    re.DOTALL,
)
_INDEX = re.compile(r"^ {4}index (\w+) (.+?),?$", re.MULTILINE)
_COLUMN = re.compile(
    r"^ {4}(?!index )(\w+) (.+?)(?: default (.+?))?(?: codec\(.+\))?,?$", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A table as its CREATE statement says. `columns`: the type of each, and its default."""

    name: str
    create: str
    engine: str
    version: str
    key: str
    columns: dict[str, tuple[str, str]]
    indexes: dict[str, str]
    ttl: str | None


def wanted(create: str) -> Wanted:
    """Read a CREATE statement of ours."""
    match = _CREATE.search(create)
    if match is None:
        raise ValueError(f"not in the form that this module reads: {create}")
    body = match["body"]
    return Wanted(
        name=match["name"],
        create=create,
        engine=match["engine"],
        version=match["version"],
        key=match["key"],
        columns={name: (type_, default) for name, type_, default in _COLUMN.findall(body)},
        indexes=dict(_INDEX.findall(body)),
        ttl=match["ttl"],
    )


@dataclass(frozen=True, slots=True)
class Found:
    """A table as ClickHouse describes it: see FOUND."""

    name: str
    engine: str
    engine_full: str
    key: str
    create: str
    columns: list[tuple[str, str, str, str]]

    def misfits(self, table: Wanted) -> list[str]:
        """Say what is here, and what is wanted, where no ALTER could or should bring it forward."""
        misfits = []
        engine = re.split(r" (?=(?:[A-Z]+ BY|TTL|SETTINGS) )", self.engine_full)[0] or self.engine
        # replicated or shared is as good, or better
        is_kind = self.engine.endswith(table.engine)
        if not is_kind or not re.search(rf"[( ]{table.version}\)$", engine):
            misfits.append(f"its engine is {engine}, wanted {table.engine}({table.version})")
        if self.key != table.key:
            misfits.append(f"its key is ({self.key}), wanted ({table.key})")
        there = {
            name: _declared(type_, kind, default) for name, type_, kind, default in self.columns
        }
        lacking = []
        for name, (type_, default) in table.columns.items():
            declared = _declared(type_, "default" if default else "", default)
            if name not in there:
                lacking += [] if default else [name]
            elif there[name] != declared:
                misfits.append(f"its column {name} is {there[name]}, wanted {declared}")
        if lacking:
            misfits.append(f"it lacks the columns {', '.join(lacking)}")
        return misfits

    def changes(self, table: Wanted) -> list[str]:
        """Return what ALTER TABLE has to do to make this table, which has no misfits, fit."""
        there = {name for name, *_ in self.columns}
        changes = [
            f"add column if not exists {name} {type_} default {default}"
            for name, (type_, default) in table.columns.items()
            if name not in there
        ]
        changes += [
            f"add index if not exists {name} {definition}"
            for name, definition in table.indexes.items()
            if not re.search(rf"\bINDEX `?{name}`? ", self.create)
        ]
        if table.ttl and f"TTL {table.ttl}" not in self.create:
            # merges apply it soon enough
            changes.append(f"modify ttl {table.ttl} settings materialize_ttl_after_modify = 0")
        return changes


def _declared(type_: str, kind: str, default: str) -> str:
    return f"{type_} {kind.lower()} {default}" if kind else type_
