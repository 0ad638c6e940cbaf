"""`peal config`: the settings as services would read them now, secrets hidden."""

from __future__ import annotations

from typing import Any

from rich.markup import escape
from rich.table import Table

from services.cli.output import Json, out, print_json

HIDDEN = "(set)"


def config(as_json: Json = False) -> None:
    """Show the settings that are in force: the environment variable, its value, what it is for. No secret is shown."""
    from services.runtime.providers import ProviderSettings  # here, so that the other commands start at once

    settings = ProviderSettings()
    rows = {f"PEAL_{name.upper()}": shown(getattr(settings, name)) for name in type(settings).model_fields}
    if as_json:
        print_json(rows)
        return
    table = Table("setting", "value", "meaning", box=None, header_style="bold")
    for name, field in type(settings).model_fields.items():
        variable = f"PEAL_{name.upper()}"
        table.add_row(variable, escape(str(rows[variable])), escape(field.description or ""))
    out.print(table)


def shown(value: Any) -> Any:
    from pydantic import SecretStr

    if not isinstance(value, SecretStr):
        return value if isinstance(value, (int, float)) else str(value)
    return HIDDEN if value.get_secret_value() else ""
