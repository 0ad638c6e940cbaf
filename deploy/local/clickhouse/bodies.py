"""Request bodies as streams of chunks: by length or chunked, plain or compressed, and multipart forms."""

from __future__ import annotations

import email
import email.policy
import zlib
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from deploy.local.clickhouse.errors import BAD_ARGUMENTS, CANNOT_DECOMPRESS, NOT_IMPLEMENTED, ServerError

CHUNK = 1 << 20
"""Bytes read from the socket, and written to it, at a time."""

NewDecompressor = Callable[[], Any]


def read_by_length(source: BinaryIO, length: int) -> Iterator[bytes]:
    """`length` bytes in chunks; ConnectionError where the client hangs up before."""
    while length:
        chunk = source.read(min(length, CHUNK))
        if not chunk:
            raise ConnectionError("the body ended early")
        length -= len(chunk)
        yield chunk


def read_chunked(source: BinaryIO) -> Iterator[bytes]:
    """A body with `Transfer-Encoding: chunked`, its trailers dropped."""
    while True:
        line = source.readline(1024)
        if not line:
            raise ConnectionError("the body ended early")
        size = int(line.split(b";")[0], 16)
        if size == 0:
            while source.readline(1024).strip():
                pass
            return
        yield from read_by_length(source, size)
        source.readline(8)


def decompress(chunks: Iterator[bytes], encoding: str | None) -> Iterator[bytes]:
    """`chunks` without their `Content-Encoding`; unknown: an error at once; cut short: one at its end."""
    if encoding in (None, "", "identity"):
        return chunks
    return _inflate(chunks, _decompressor(str(encoding)))


def _decompressor(encoding: str) -> NewDecompressor:
    if encoding == "gzip":
        return lambda: zlib.decompressobj(31)
    if encoding == "deflate":
        return lambda: zlib.decompressobj(15)
    try:
        if encoding == "zstd":
            return _zstd()
        if encoding == "lz4":
            import lz4.frame

            return lz4.frame.LZ4FrameDecompressor  # type: ignore[no-any-return]
    except ImportError:
        pass
    raise ServerError(BAD_ARGUMENTS, f"Unknown compression method: {encoding}.", "BAD_ARGUMENTS")


def _zstd() -> NewDecompressor:
    """Part of Python from 3.14 on; before, the backport that clickhouse-connect itself uses."""
    try:
        from compression import zstd  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        from backports import zstd
    return zstd.ZstdDecompressor  # type: ignore[no-any-return, unused-ignore]


def _inflate(chunks: Iterator[bytes], new: NewDecompressor) -> Iterator[bytes]:
    """Any number of frames one after another; a body that ends inside a frame is an error, not a shorter insert."""
    frame, fresh = new(), True
    for chunk in chunks:
        rest = chunk
        while rest:
            try:
                out = frame.decompress(rest)
            except Exception as error:  # each library raises its own type
                raise ServerError(CANNOT_DECOMPRESS, f"inflate failed: {error}.", "CANNOT_DECOMPRESS") from None
            if out:
                yield out
            fresh, rest = False, b""
            if getattr(frame, "eof", False):
                rest, frame, fresh = frame.unused_data or b"", new(), True
    if not fresh:
        raise ServerError(CANNOT_DECOMPRESS, "truncated compressed body.", "CANNOT_DECOMPRESS")


def read_form(content_type: str, chunks: Iterator[bytes]) -> dict[str, str]:
    """The fields of a multipart form, which is how a client sends long parameters."""
    raw = b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + b"".join(chunks)
    fields: dict[str, str] = {}
    for part in email.message_from_bytes(raw, policy=email.policy.HTTP).iter_parts():
        name = str(part.get_param("name", header="content-disposition"))
        if part.get_filename() and not name.startswith("param_") and name != "query":
            raise ServerError(NOT_IMPLEMENTED, "external tables are not supported.", "NOT_IMPLEMENTED")
        payload = part.get_payload(decode=True)
        fields[name] = payload.decode() if isinstance(payload, bytes) else str(payload)
    return fields
