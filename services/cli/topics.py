"""`peal topics`: the topics of the Kafka cluster that `PEAL_KAFKA_BOOTSTRAP` names."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from services.cli.output import Json, out, print_json

PATIENCE_SECONDS = 10.0

app = typer.Typer(no_args_is_help=True, help="Create Peal's topics in Kafka.")


@app.callback()
def topics() -> None:
    """The topics are described in schemas/topics.yaml; Kafka never makes one by itself."""


@app.command("apply")
def apply(
    replication: Annotated[int, typer.Option(min=1, help="Copies of each partition: 3 on a real cluster.")] = 1,
    as_json: Json = False,
) -> None:
    """Create the topics that are missing and give new groups their first offset.

    May be repeated at will: what is there stays as it is. `peal up` does this for its own Kafka; run it once for a
    cluster of yours: PEAL_KAFKA_BOOTSTRAP=host:9092 peal topics apply --replication 3
    """
    done = asyncio.run(_apply(replication))
    if as_json:
        print_json(done)
    else:
        out.print("\n".join(done) or "Nothing to do: all topics and offsets are there.", highlight=False)


async def _apply(replication: int) -> list[str]:
    from services.runtime.kafka import wait_for_kafka  # here, so that the other commands start at once
    from services.runtime.settings import Settings
    from services.runtime.topics import apply_topics

    settings = Settings()
    await wait_for_kafka(settings, PATIENCE_SECONDS)
    return await apply_topics(settings, replication)
