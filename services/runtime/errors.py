"""An error's type says what comes next."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

import structlog

FATAL_EXIT_CODE = 70
"""EX_SOFTWARE: the process refuses to go on; its log's last line says why and what to do."""


class RetryLaterError(Exception):
    """The same act may succeed later: wait and repeat it."""


class StopProcessError(Exception):
    """To go on would break a promise. Ends the process with `FATAL_EXIT_CODE`; the message names the repair."""


def exit_fatally(sentence: str) -> NoReturn:
    """End at once, without any clean-up, so that nothing can be sent or committed after this line."""
    structlog.get_logger("fatal").critical(sentence)
    sys.stderr.flush()
    sys.stdout.flush()
    os._exit(FATAL_EXIT_CODE)
