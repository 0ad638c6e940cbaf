"""`peal erase`: forget a person."""

from __future__ import annotations

import time
from typing import Annotated, Any, Final

import typer

from services.cli.client import ConsoleClient, segment
from services.cli.errors import CommandError
from services.cli.output import Json, out, print_json

LOOK_S: Final = 1.0
UNCONFIRMED_EXIT: Final = 5
UNFINISHED_EXIT: Final = 6


def erase(
    recipient: Annotated[str, typer.Argument(help="Id of the contact.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Until nothing is left of the person.")] = False,
    patience: Annotated[int, typer.Option(help="Longest wait, in seconds.", min=1)] = 1800,
    as_json: Json = False,
) -> None:
    """Forget a person for good: contact, consents, messages, addresses. Figures stay; so does a keyed hash, by which
    the person is never imported or messaged again. It cannot be undone, and goes on when this command has ended.

    Exit codes: 0 asked for (with --wait: done), 4 refused, 5 not confirmed, 6 not yet done after --patience,
    1 anything else.
    """
    contact = recipient.partition("/")[2] or recipient
    path = f"/recipients/{segment(contact)}/erase"
    with ConsoleClient() as client:
        before = client.get(path)
        _confirm(before, yes, as_json)
        began = time.monotonic()
        found = client.post(path)
        if wait:
            found = _until_done(client, path, found["requested_at"], began + patience, as_json)
    if as_json:
        print_json(found)
    elif found["state"] == "done":
        out.print(f"Done: nothing is left of {found['recipient']} but figures and a keyed hash.", markup=False)
        out.print("Kafka's topics lose it by retention: 7 days, and 30 for bare ids and outcomes.", style="dim")
    else:
        out.print(f"Asked for. `peal erase {contact} --yes --wait` waits until it is done.", markup=False)
    if wait and found["state"] != "done":
        raise CommandError(f"not done yet: {found['detail'] or found['state']}. It goes on by itself", UNFINISHED_EXIT)


def _confirm(before: dict[str, Any], yes: bool, as_json: bool) -> None:
    if not as_json:
        out.print(f"To erase {before['recipient']} means to:", markup=False, highlight=False)
        for line in before["will"]:
            out.print(f"- {line}", markup=False, highlight=False)
    if not yes and (as_json or not typer.confirm("It cannot be undone. Erase?")):
        raise CommandError("nothing was done: --yes says that it is meant", UNCONFIRMED_EXIT)


def _until_done(client: ConsoleClient, path: str, asked_at: str, deadline: float, quiet: bool) -> dict[str, Any]:
    """`done` counts only when it was said after this command asked."""
    with out.status("Erasing ...") as status:
        while True:
            found = client.get(path)
            done = found["state"] == "done" and found["updated_at"] >= asked_at
            if done or time.monotonic() > deadline:
                return found if done or found["state"] != "done" else found | {"state": "requested"}
            if not quiet:
                status.update(f"Erasing: {found['state']} {found['detail']}")
            time.sleep(LOOK_S)
