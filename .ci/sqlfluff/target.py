"""What dbt calls `target`, for the linter, which renders the project without dbt."""

schema = "zakaz"
cluster = ""
