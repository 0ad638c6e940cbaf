"""Errors in ClickHouse's own words, with the HTTP status that its server gives them."""

from __future__ import annotations

import re

STD_EXCEPTION = 1001
BAD_ARGUMENTS = 36
NOT_IMPLEMENTED = 48
UNKNOWN_SETTING = 115
READONLY = 164
TOO_MANY_SIMULTANEOUS_QUERIES = 202
MEMORY_LIMIT_EXCEEDED = 241
CANNOT_DECOMPRESS = 354
SESSION_IS_LOCKED = 373
AUTHENTICATION_FAILED = 516

_CODES_BY_STATUS = {
    400: (6, 26, 27, 36, 38, 41, 43, 53, 62, 70, 117, 130, 158, 306, 307),
    401: (194,),
    403: (164, 192, 193, 497, 516),
    404: (46, 47, 50, 56, 60, 73, 78, 81, 115, 372),
    408: (159,),
    500: (241,),
    501: (48,),
    503: (202, 209),
}
_STATUS_BY_CODE = {code: status for status, codes in _CODES_BY_STATUS.items() for code in codes}
_CODE = re.compile(r"Code: (\d+)\. ")


class ServerError(Exception):
    """An error that the server itself raises, with ClickHouse's `code`; `name` stands at its end in brackets."""

    def __init__(self, code: int, text: str, name: str) -> None:
        super().__init__(f"Code: {code}. DB::Exception: {text} ({name})")


def describe(error: BaseException, version: str) -> tuple[int, str]:
    """The code and the text that the server would answer, whatever type the engine raised."""
    text = str(error)
    start = text.find("Code: ")
    if start >= 0:
        text = text[start:]
    else:
        text = f"Code: {STD_EXCEPTION}. DB::Exception: {type(error).__name__}: {text} (STD_EXCEPTION)"
    if "(version " not in text:
        text += f" (version {version} (official build))"
    found = _CODE.match(text)
    return (int(found.group(1)) if found else STD_EXCEPTION), text


def http_status(code: int) -> int:
    return _STATUS_BY_CODE.get(code, 500)
