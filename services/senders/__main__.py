"""`python -m services.senders --channel email`: one process sends for all accounts of a channel."""

from __future__ import annotations

import argparse
import sys

from pydantic import ValidationError

from schemas import Channel
from services.runtime.errors import FATAL_EXIT_CODE
from services.runtime.service import run_service
from services.senders.service import send
from services.senders.settings import SenderSettings
from services.senders.transport import find_transports


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m services.senders", description="Sends for one channel.")
    parser.add_argument("--channel", required=True, choices=[channel.value for channel in find_transports()])
    channel = Channel(parser.parse_args().channel)
    try:
        settings = SenderSettings()
    except ValidationError as error:
        print(f"settings: {'; '.join(str(each['msg']) for each in error.errors())}", file=sys.stderr)
        sys.exit(FATAL_EXIT_CODE)
    run_service(f"sender-{channel}", settings, lambda health, stop: send(settings, channel, health, stop))


if __name__ == "__main__":
    main()
