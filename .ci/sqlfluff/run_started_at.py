"""What dbt calls `run_started_at`, for the linter, which renders the project without dbt."""


def strftime(_format: str) -> str:
    """Return some instant."""
    return "2026-01-01 00:00:00.000000"
