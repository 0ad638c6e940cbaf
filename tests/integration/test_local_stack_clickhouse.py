"""The embedded ClickHouse speaks ClickHouse's HTTP protocol to clients that know nothing of it."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import os
import signal
import socket
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import clickhouse_connect
import httpx
import lz4.frame
import pytest
from clickhouse_connect.driver.asyncclient import AsyncClient
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from deploy.local.clickhouse.bodies import _zstd

zstd = sys.modules[_zstd().__module__]


@pytest.fixture
def address(clickhouse_url: str) -> tuple[str, int]:
    url = urlsplit(clickhouse_url)
    assert url.hostname is not None
    assert url.port is not None
    return url.hostname, url.port


@pytest.fixture
def database(clickhouse_url: str, request: pytest.FixtureRequest) -> Iterator[str]:
    name = "t" + "".join(c for c in request.node.name if c.isalnum())[:60]
    httpx.post(clickhouse_url, content=f"CREATE DATABASE {name}").raise_for_status()
    httpx.post(clickhouse_url, content=f"CREATE TABLE {name}.people (n UInt32, name String) ORDER BY n")
    yield name
    httpx.post(clickhouse_url, content=f"DROP DATABASE {name} SYNC")


@pytest.fixture
def client(address: tuple[str, int], database: str) -> Iterator[Client]:
    client = clickhouse_connect.get_client(host=address[0], port=address[1], database=database)
    yield client
    client.close()


@pytest.fixture
def count(clickhouse_url: str, database: str) -> Counter:
    return Counter(clickhouse_url, database)


class Counter:
    def __init__(self, url: str, database: str) -> None:
        self._url, self._database = url, database

    def __call__(self) -> int:
        answer = httpx.get(self._url, params={"query": "SELECT count() FROM people", "database": self._database})
        return int(answer.text)


def test_it_says_that_it_lives(clickhouse_url: str) -> None:
    for path in ("/ping", "/replicas_status", "/"):
        answer = httpx.get(clickhouse_url + path)
        assert (answer.status_code, answer.text) == (200, "Ok.\n")
    assert httpx.get(clickhouse_url + "/elsewhere").status_code == 404


def test_an_unmodified_client_writes_and_reads(client: Client) -> None:
    summary = client.insert("people", [[n, f"person {n}"] for n in range(5000)], column_names=["n", "name"])
    assert summary.written_rows == 5000
    rows = client.query("SELECT n, name FROM people WHERE n >= {least:UInt32} ORDER BY n", {"least": 4998}).result_rows
    assert list(rows) == [(4998, "person 4998"), (4999, "person 4999")]
    assert client.command("SELECT count() FROM people") == 5000


@pytest.mark.parametrize("compression", ["gzip", "zstd", "lz4", False])
def test_an_unmodified_client_may_compress_what_it_writes(
    address: tuple[str, int], database: str, count: Counter, compression: str | bool
) -> None:
    client = clickhouse_connect.get_client(host=address[0], port=address[1], database=database, compress=compression)
    client.insert("people", [[n, "x" * 100] for n in range(20_000)])
    client.close()
    assert count() == 20_000


@pytest.mark.parametrize(
    "spoiled",
    [
        "ALTER TABLE people ADD CONSTRAINT few CHECK n < 13",
        "CREATE MATERIALIZED VIEW bad ENGINE = MergeTree ORDER BY n AS SELECT n, throwIf(n = 13) AS x FROM people",
    ],
    ids=["constraint", "view"],
)
def test_rows_that_cannot_be_written_are_not_acknowledged(client: Client, count: Counter, spoiled: str) -> None:
    """chDB's own stream of rows keeps such an error to itself."""
    client.command(spoiled)
    with pytest.raises(DatabaseError):
        client.insert("people", [[n, "x"] for n in range(20)], column_names=["n", "name"])
    client.insert("people", [[n, "x"] for n in range(10)], column_names=["n", "name"])
    assert count() in (10, 30), "a view may fail after the table has its rows: the batch is then repeated"


def test_what_an_insert_leaves_out_gets_its_default(client: Client, clickhouse_url: str, database: str) -> None:
    client.command("CREATE TABLE made (n UInt32, twice UInt32 DEFAULT n * 2, sum UInt32 MATERIALIZED n + 1) ORDER BY n")
    client.insert("made", [[4]], column_names=["n"])
    rows = b'{"n": 5}\n{"n": 6, "twice": 1}\n'
    for query in ("INSERT INTO made FORMAT JSONEachRow", "INSERT INTO made (n, twice) FORMAT JSONEachRow"):
        httpx.post(clickhouse_url, params={"query": query, "database": database}, content=rows).raise_for_status()
    assert client.query("SELECT n, twice, sum FROM made ORDER BY ALL").result_rows == [
        (4, 8, 5), (5, 10, 6), (5, 10, 6), (6, 1, 7), (6, 1, 7),
    ]  # fmt: skip


async def test_an_unmodified_async_client_works_side_by_side_with_itself(
    address: tuple[str, int], database: str, count: Counter
) -> None:
    client: AsyncClient = await clickhouse_connect.get_async_client(
        host=address[0], port=address[1], database=database, autogenerate_session_id=False
    )
    try:
        await asyncio.gather(
            *(client.insert("people", [[k * 100 + n, "a"] for n in range(100)]) for k in range(20)),
            *(client.query("SELECT sum(n) FROM people") for _ in range(20)),
        )
    finally:
        await client.close()
    assert count() == 2000


def test_a_bad_row_refuses_the_whole_insert(clickhouse_url: str, database: str, count: Counter) -> None:
    rows = "\n".join(f"{n}\tperson" for n in range(100_000)) + "\nnot a number\tperson\n"
    answer = httpx.post(
        clickhouse_url, params={"query": f"INSERT INTO {database}.people FORMAT TSV"}, content=rows.encode()
    )
    assert answer.status_code in (400, 500)
    assert answer.text.startswith("Code: 27. DB::Exception:")
    assert answer.headers["X-ClickHouse-Exception-Code"] == "27"
    assert count() == 0


def test_a_connection_cut_in_the_middle_of_an_insert_stores_nothing(
    address: tuple[str, int], database: str, count: Counter, clickhouse_url: str
) -> None:
    head = (
        f"POST /?query=INSERT+INTO+{database}.people+FORMAT+TSV HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"
    )
    with socket.create_connection(address) as connection:
        connection.sendall(head.encode() + b"1\tperson\n" * 1000)
    answer = httpx.post(clickhouse_url, params={"database": database}, content="SELECT 1")  # still serves
    assert answer.text == "1\n"
    assert count() == 0


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd", "lz4"])
def test_a_compressed_body_is_taken_in_frames_and_never_in_part(
    clickhouse_url: str, database: str, count: Counter, encoding: str
) -> None:
    pack = {"gzip": gzip.compress, "deflate": zlib.compress, "zstd": zstd.compress, "lz4": lz4.frame.compress}[encoding]
    body = pack(b"1\tone\n2\ttwo\n") + pack(b"3\tthree\n")
    url, params = clickhouse_url, {"query": f"INSERT INTO {database}.people FORMAT TSV"}
    cut = httpx.post(url, params=params, content=body[:-5], headers={"Content-Encoding": encoding})
    assert cut.headers["X-ClickHouse-Exception-Code"] == "354"
    assert count() == 0
    whole = httpx.post(url, params=params, content=body, headers={"Content-Encoding": encoding})
    assert whole.status_code == 200, whole.text
    assert count() == 3


def test_an_unknown_compression_is_refused(clickhouse_url: str) -> None:
    answer = httpx.post(clickhouse_url, content=b"x", headers={"Content-Encoding": "brotli"})
    assert answer.status_code == 400
    assert "Unknown compression method: brotli" in answer.text


def test_a_statement_may_stand_in_the_query_the_body_or_both(
    clickhouse_url: str, database: str, count: Counter
) -> None:
    table = f"{database}.people"
    for query, body in [
        (f"INSERT INTO {table} FORMAT TSV", b"1\ta\n"),
        ("", f"INSERT INTO {table} FORMAT TSV\n2\tb\n".encode()),
        (f"INSERT INTO {table} VALUES", b"(3, 'c')"),
        (f"INSERT INTO {table}", b"FORMAT JSONEachRow\n" + json.dumps({"n": 4, "name": "FORMAT TSV"}).encode()),
        ("", f"INSERT INTO {table} VALUES (5, 'e')".encode()),
        ("", f"INSERT INTO {table} SELECT 6, 'FORMAT TSV'".encode()),
    ]:
        answer = httpx.post(clickhouse_url, params={"query": query} if query else None, content=body)
        assert answer.status_code == 200, answer.text
    assert count() == 6


def test_a_get_reads_only(clickhouse_url: str, database: str, count: Counter) -> None:
    for query in (f"INSERT INTO {database}.people VALUES (1, 'a')", f"TRUNCATE TABLE {database}.people"):
        answer = httpx.get(clickhouse_url, params={"query": query})
        assert answer.headers["X-ClickHouse-Exception-Code"] == "164"
    assert count() == 0


def test_a_large_answer_streams_and_a_failure_in_its_middle_is_not_taken_for_the_end(clickhouse_url: str) -> None:
    whole = httpx.post(clickhouse_url, content="SELECT number FROM numbers(2000000)", timeout=60)
    assert whole.text.count("\n") == 2_000_000
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.post(clickhouse_url, content="SELECT throwIf(number = 3000000) FROM numbers(4000000)", timeout=60)


def test_settings_and_the_database_of_one_request_do_not_reach_the_next(clickhouse_url: str, database: str) -> None:
    params = {"query": "SELECT getSetting('max_threads'), currentDatabase()", "max_threads": "3", "database": database}
    assert httpx.get(clickhouse_url, params=params).text == f"3\t{database}\n"
    for _ in range(8):
        threads, current = httpx.get(clickhouse_url, params={"query": params["query"]}).text.split()
        assert (threads != "3", current) == (True, "default")


def test_what_a_statement_sets_without_a_session_ends_with_it(clickhouse_url: str, database: str) -> None:
    for statement in ("USE system", "SET max_threads = 3", "CREATE TEMPORARY TABLE t (n UInt8)"):
        httpx.post(clickhouse_url, params={"database": database}, content=statement).raise_for_status()
    asked = "SELECT currentDatabase(), getSetting('max_threads') = 3"
    answer = httpx.get(clickhouse_url, params={"query": asked, "database": database})
    assert answer.text == f"{database}\t0\n"
    assert httpx.get(clickhouse_url, params={"query": "SELECT * FROM t", "database": database}).status_code == 404


def test_an_unknown_setting_is_refused(clickhouse_url: str) -> None:
    answer = httpx.get(clickhouse_url, params={"query": "SELECT 1", "no_such_setting": "1"})
    assert answer.status_code == 404
    assert answer.headers["X-ClickHouse-Exception-Code"] == "115"


def test_a_session_keeps_its_temporary_table_to_itself(clickhouse_url: str) -> None:
    mine = {"session_id": "mine"}
    httpx.post(clickhouse_url, params=mine, content="CREATE TEMPORARY TABLE kept (n UInt8)").raise_for_status()
    httpx.post(clickhouse_url, params=mine, content="INSERT INTO kept VALUES (7)").raise_for_status()
    assert httpx.get(clickhouse_url, params={**mine, "query": "SELECT n FROM kept"}).text == "7\n"
    other = httpx.get(clickhouse_url, params={"session_id": "other", "query": "SELECT n FROM kept"})
    assert other.headers["X-ClickHouse-Exception-Code"] == "60"


def test_an_error_is_raised_by_the_client_as_the_server_says_it(client: Client) -> None:
    with pytest.raises(DatabaseError, match="UNKNOWN_TABLE"):
        client.query("SELECT * FROM no_such_table")
    assert client.command("SELECT 1") == 1


def test_long_parameters_may_come_as_a_form(clickhouse_url: str) -> None:
    files = {"param_name": (None, "x" * 100_000), "query": (None, "SELECT length({name:String})")}
    assert httpx.post(clickhouse_url, files=files).text == "100000\n"


def test_a_csv_upload_streams_from_an_iterator(clickhouse_url: str, database: str, count: Counter) -> None:
    def lines() -> Iterator[bytes]:
        for n in range(0, 300_000, 1000):
            yield b"".join(b"%d,person\n" % k for k in range(n, n + 1000))

    answer = httpx.post(
        clickhouse_url, params={"query": f"INSERT INTO {database}.people FORMAT CSV"}, content=lines(), timeout=60
    )
    assert json.loads(answer.headers["X-ClickHouse-Summary"])["written_rows"] == "300000"
    assert count() == 300_000


def _start(path: Path, password: str = "") -> tuple[subprocess.Popen[str], str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "deploy.local.clickhouse", "--path", str(path), "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"CLICKHOUSE_PASSWORD": password},
    )
    assert process.stdout is not None
    return process, process.stdout.readline().split(" at ")[1].strip()


def test_what_was_acknowledged_survives_a_kill_and_a_stop_is_clean(tmp_path: Path) -> None:
    process, url = _start(tmp_path / "data", password="secret")
    headers = {"X-ClickHouse-Key": "secret"}
    assert httpx.post(url, content="SELECT 1").headers["X-ClickHouse-Exception-Code"] == "516"
    for statement in ("CREATE TABLE kept (n UInt8) ORDER BY n", "INSERT INTO kept VALUES (1), (2)"):
        httpx.post(url, content=statement, headers=headers).raise_for_status()
    process.kill()
    process.wait(10)
    process, url = _start(tmp_path / "data")
    assert httpx.get(url, params={"query": "SELECT sum(n) FROM kept"}).text == "3\n"
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    assert isinstance(process.stdout, io.TextIOBase)
    process.stdout.close()


def test_a_statement_under_way_ends_before_the_engine_does(tmp_path: Path) -> None:
    process, url = _start(tmp_path / "data")
    httpx.post(url, content="CREATE TABLE late (n UInt8) ORDER BY n").raise_for_status()
    with socket.create_connection((urlsplit(url).hostname or "", urlsplit(url).port or 0)) as connection:
        head = b"POST /?query=INSERT+INTO+late+FORMAT+TSV HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n"
        connection.sendall(head + b"1\n")
        while httpx.get(url, params={"query": "SELECT 1"}).text != "1\n":
            pass
        process.send_signal(signal.SIGTERM)
        connection.sendall(b"2\n")
        assert b"200 OK" in connection.recv(4096)
    assert process.wait(20) == 0
    assert process.stdout is not None
    process.stdout.close()
