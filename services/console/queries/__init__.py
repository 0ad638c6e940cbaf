"""Questions to ClickHouse, by resource. Parameters are ClickHouse's own, `{name:Type}`."""
