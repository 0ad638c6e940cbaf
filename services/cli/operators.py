"""`peal operator`, `peal key`: who may act for a brand, people and machines."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from services.cli.client import ConsoleClient, segment
from services.cli.output import Json, out, print_json

people = typer.Typer(no_args_is_help=True, help="The people who may act for the brand: add, list, remove, let in.")
keys = typer.Typer(no_args_is_help=True, help="API keys of the brand: create, list, revoke.")
Id = Annotated[str, typer.Argument(help="Id of the operator, as the audit log names it.")]


class Role(StrEnum):
    ADMIN = "admin"
    MARKETER = "marketer"
    VIEWER = "viewer"


RoleOption = Annotated[
    Role, typer.Option(help="viewer: looks; marketer: campaigns, contacts, consents; admin: all of the brand.")
]
AllBrands = Annotated[
    bool, typer.Option("--all-brands", help="Of the whole installation: makes brands, acts for each (role admin).")
]


@people.command("add")
def add(
    operator: Id,
    role: RoleOption,
    name: Annotated[str, typer.Option(help="Their name.")] = "",
    email: Annotated[str, typer.Option(help="Their mail address.")] = "",
    all_brands: AllBrands = False,
    as_json: Json = False,
) -> None:
    """Add a person, or change what is said of one. `peal operator login-link` lets them in."""
    body = {"name": name, "email": email, "role": role.value, "installation": all_brands}
    with ConsoleClient() as client:
        made = client.put(f"/operators/{segment(operator)}", body)
    _told(made, f"{operator} is {role.value} of brand {made['brand']}.", as_json)


@people.command("list")
def list_people(as_json: Json = False) -> None:
    """List the people of the brand."""
    _list("/operators", as_json)


@people.command("remove")
def remove(operator: Id, as_json: Json = False) -> None:
    """Take a person off the brand: what they hold is worth nothing from then on."""
    with ConsoleClient() as client:
        gone = client.delete(f"/operators/{segment(operator)}")
    _told(gone, f"{operator} may do nothing any more.", as_json)


@people.command("login-link")
def login_link(operator: Id, as_json: Json = False) -> None:
    """Make a link that signs the person in, once, within a day."""
    with ConsoleClient() as client:
        link = client.post(f"/operators/{segment(operator)}/login-link")
    _told(
        link,
        f"{link['url']}\nGive it to {operator} alone: it works once, until {link['expires_at'][:16]} UTC.",
        as_json,
    )


@keys.command("create")
def create(
    role: RoleOption = Role.MARKETER,
    key_id: Annotated[str, typer.Option("--id", help="Its name in lists and in the audit log.")] = "",
    name: Annotated[str, typer.Option(help="What it is for.")] = "",
    all_brands: AllBrands = False,
    as_json: Json = False,
) -> None:
    """Make an API key. It is shown now and never again."""
    body = {"name": name, "role": role.value, "installation": all_brands} | ({"id": key_id} if key_id else {})
    with ConsoleClient() as client:
        made = client.post("/api-keys", body)
    _told(made, f"{made['key']}\nKeep it: it is not shown again. {made['operator_id']}, {role.value}.", as_json)


@keys.command("list")
def list_keys(as_json: Json = False) -> None:
    """List the brand's keys, without the keys themselves."""
    _list("/api-keys", as_json)


@keys.command("revoke")
def revoke(key: Id, as_json: Json = False) -> None:
    """Make a key worthless, at once."""
    with ConsoleClient() as client:
        gone = client.delete(f"/api-keys/{segment(key)}")
    _told(gone, f"{key} opens nothing any more.", as_json)


def _list(path: str, as_json: bool) -> None:
    with ConsoleClient() as client:
        items = client.get(path)["items"]
    if as_json:
        print_json(items)
        return
    table = Table("id", "role", "name", "mail", "made by", "made (UTC)")
    for item in items:
        role = f"{item['role']}, all brands" if item["installation"] else item["role"]
        made = (item["created_at"] or "")[:16].replace("T", " ")
        row = (item["operator_id"], role, item["name"], item["email"], item["created_by"], made)
        table.add_row(*(escape(cell) for cell in row))
    out.print(table if items else "Nobody yet.")


def _told(answer: dict[str, Any], words: str, as_json: bool) -> None:
    if as_json:
        print_json(answer)
    else:
        out.print(words, markup=False, highlight=False, soft_wrap=True)
