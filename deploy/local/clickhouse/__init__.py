"""ClickHouse's HTTP interface over the in-process engine (chDB), for machines on which no server is installed.

    python -m deploy.local.clickhouse --path DIR --port 8123

An unmodified clickhouse-connect (sync and async) and curl work against it, so that every service has one client path.

What it keeps of the server:
  * `GET /ping`, `/replicas_status` and `/` answer `Ok.`; GET is read-only (code 164), POST may write;
  * a statement in `?query=`, in the body, or begun in one and continued in the other; `param_x`, `session_id`,
    `database`, `default_format`; every other URL parameter is a setting of that one request;
  * the rows of an INSERT stream into the engine in constant memory, also compressed (gzip, deflate, zstd, lz4);
  * 200 only when the insert is committed; a bad row or a dropped connection cancels all of it;
  * errors as `Code: N. DB::Exception: ...` with `X-ClickHouse-Exception-Code` and the server's HTTP status;
  * a large SELECT streams in chunks, and a failure in mid-stream cuts the connection before the last chunk, so that
    no client takes a part for the whole;
  * SIGTERM and SIGINT: no new requests, those under way end (`--grace`), then the engine is closed.

What it leaves out: users and grants (there is one optional password, `CLICKHOUSE_PASSWORD`), external tables,
compressed responses (everything is on the loopback), KILL QUERY by id.

One process owns a data directory. A statement runs on a connection of its own, and a session keeps one for itself.
"""
