"""The `peal` command. Each of its commands lives in a module of its own; this one only names them."""

from __future__ import annotations

import logging
import os
import sys

import stamina.instrumentation
import typer

from deploy.local.errors import LocalError
from services.cli import (
    accounts,
    brands,
    campaign,
    config,
    consents,
    contacts,
    demo,
    dlq,
    doctor,
    down,
    export,
    operators,
    templates,
    topics,
    uncertain,
    up,
)
from services.cli.audit import audit
from services.cli.costs import costs
from services.cli.erase import erase
from services.cli.errors import CommandError
from services.cli.explain import explain as explain_send
from services.cli.output import print_error
from services.cli.plan import plan
from services.cli.repair import repair

INTERRUPTED = 130

app = typer.Typer(
    name="peal",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="""Peal: campaigns over email, SMS and WhatsApp, each planned message with exactly one recorded outcome.

    Start with [bold]peal up[/], which runs everything on this machine, then open the console that it prints.
    [bold]peal doctor[/] says what is missing. Every command has --help; those that print data have --json.
    """,
)

app.command("up")(up.up)
app.command("down")(down.down)
app.command("demo")(demo.demo)
app.command("doctor")(doctor.doctor)
app.add_typer(topics.app, name="topics")
app.add_typer(export.app, name="schemas")
app.add_typer(contacts.app, name="contacts")
app.add_typer(consents.app, name="consents")
app.add_typer(campaign.app, name="campaign")
app.command("plan")(plan)
app.add_typer(uncertain.app, name="uncertain")
app.command("explain")(explain_send)
app.add_typer(dlq.app, name="dlq")
app.command("repair")(repair)
app.command("erase")(erase)
app.add_typer(brands.app, name="brand")
app.add_typer(accounts.app, name="account")
app.add_typer(templates.app, name="template")
app.add_typer(operators.people, name="operator")
app.add_typer(operators.keys, name="key")
app.command("audit")(audit)
app.command("costs")(costs)
app.command("config")(config.config)


def main() -> None:
    """Exit codes: 0 done, 1 a problem that a sentence explains, 2 wrong usage, 130 interrupted."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what it would say, the command says in a sentence
    stamina.instrumentation.set_on_retry_hooks([])  # a retry that ends well is nothing to show
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except Exception as error:
        if os.environ.get("PEAL_LOG_LEVEL") == "debug":
            raise
        print_error(explain(error))
        sys.exit(error.exit_code if isinstance(error, CommandError) else 1)


def explain(error: Exception) -> str:
    """A sentence for a person; whoever mends the program asks for the traceback."""
    from pydantic import ValidationError  # here: they take their time, and most commands end well

    from services.runtime.errors import StopProcessError

    if isinstance(error, (CommandError, LocalError, StopProcessError)):
        return str(error)
    if isinstance(error, ValidationError):
        return "; ".join(_setting_problem(problem["loc"], problem["msg"]) for problem in error.errors())
    if isinstance(error, TimeoutError):
        return f"something did not answer in time ({error or 'no more is known'}): PEAL_LOG_LEVEL=debug shows where"
    if isinstance(error, OSError):
        return f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}"
    return f"unexpected: {type(error).__name__}: {error} (PEAL_LOG_LEVEL=debug shows where)"


def _setting_problem(path: tuple[int | str, ...], message: str) -> str:
    """In terms of the environment variable; the value is left out, for it may be secret."""
    return f"{'_'.join(('PEAL', *map(str, path))).upper()} is wrong: {message}"


if __name__ == "__main__":
    main()
