"""The extractor: QTickets' REST API in, raw JSON in ClickHouse out."""
