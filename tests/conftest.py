"""Fixtures: a ClickHouse of a test's own."""

from pathlib import Path

import pytest

from tests.zakaz import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Return an embedded ClickHouse that nobody has used."""
    return Place(tmp_path)
