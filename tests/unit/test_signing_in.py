"""Passwords, tries and sessions: nobody guesses, nobody learns a name, and what is ended is over."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from console_routes import SETTINGS
from starlette.responses import Response

from schemas import Operator
from services.console.core.attempts import MOST_KEPT, OF_ADDRESS, OF_NAME, WINDOW_S, Attempts
from services.console.core.operators import named, with_password
from services.console.passwords import Passwords, weakness
from services.console.security import COOKIE, Identity, Keeper, identity_of

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)


def operator(name: str, **changes: Any) -> Operator:
    given = {"operator_id": name, "brand": "north", "role": "admin", "created_at": NOW}
    return Operator.model_validate(given | changes)


def test_a_name_waits_after_five_failures_in_five_minutes_and_a_right_one_forgives_them() -> None:
    tries = Attempts()
    for number in range(OF_NAME):
        assert tries.wait("asha", f"10.0.0.{number}", float(number)) == 0
        tries.begin("asha", f"10.0.0.{number}", float(number))
    assert tries.wait("asha", "10.9.9.9", 10.0) == WINDOW_S - 10
    assert tries.wait("ben", "10.9.9.9", 10.0) == 0
    assert tries.wait("asha", "10.9.9.9", WINDOW_S + 0.5) == 0, "the oldest has left the window"
    tries.succeed("asha", "10.0.0.1")
    assert tries.wait("asha", "10.9.9.9", 10.0) == 0


def test_an_address_waits_after_twenty_whatever_names_it_tries() -> None:
    tries = Attempts()
    for number in range(OF_ADDRESS):
        tries.begin(f"n{number}", "10.0.0.1", 1.0)
    assert tries.wait("another", "10.0.0.1", 2.0) > 0
    tries.succeed("n3", "10.0.0.1")
    assert tries.wait("another", "10.0.0.1", 2.0) == 0, "one of them was right: it counts no more"
    assert tries.wait("another", "10.0.0.2", 2.0) == 0


def test_tries_take_bounded_memory() -> None:
    tries = Attempts()
    for number in range(MOST_KEPT + 10):
        tries.begin(f"n{number}", f"a{number}", 1.0)
    assert len(tries._names) == len(tries._addresses) == MOST_KEPT


async def test_a_password_fits_its_own_hash_alone_and_nobody_has_none() -> None:
    passwords = Passwords()
    hashed = await passwords.hash("four words put together")
    assert hashed.startswith("$argon2id$")
    assert await passwords.fits(hashed, "four words put together")
    assert not await passwords.fits(hashed, "four words put apart")
    assert not await passwords.fits("", "nobody's password"), "nor by what is compared in nobody's place"
    assert not await passwords.fits("rubbish", "rubbish")


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaaaa", "x" * 201, "AshaRao2026", "abababababab"])
def test_a_weak_password_is_refused_with_a_way_to_a_better_one(password: str) -> None:
    assert weakness(password, "asha", "AshaRao").startswith("choose")
    assert not weakness("seven grey herons", "asha", "Asha Rao")


def test_a_person_is_found_by_id_or_by_a_mail_address_that_is_theirs_alone() -> None:
    asha, ben = operator("asha", email="Office@example.com"), operator("ben", email="ben@example.com")
    key = operator("shop", kind="machine", email="shop@example.com")
    assert named([asha, ben, key], "asha") is asha
    assert named([asha, ben, key], "office@EXAMPLE.com") is asha
    assert named([asha, ben, key], "shop") is None, "a machine has no password"
    assert named([asha, operator("cleo", email="office@example.com")], "office@example.com") is None
    assert named([asha, operator("eve")], "") is None


def cookie_of(keeper: Keeper, identity: Identity) -> str:
    response = Response()
    keeper.open_session(identity, response, secure=True)
    header = next(value.decode() for name, value in response.raw_headers if name == b"set-cookie")
    assert {"HttpOnly", "Secure", "SameSite=lax"} <= set(header.split("; "))
    return header.removeprefix(f"{COOKIE}=").partition(";")[0]


def test_a_new_password_ends_all_sessions_that_there_were() -> None:
    known = {"asha": operator("asha")}
    keeper = Keeper(SETTINGS, lambda: known)
    before = cookie_of(keeper, identity_of(known["asha"]))
    assert keeper.identity_of_session(before) is not None
    known["asha"] = with_password(known["asha"], "hash")
    assert keeper.identity_of_session(before) is None
    after = cookie_of(keeper, identity_of(known["asha"]))
    assert keeper.identity_of_session(after) is not None


def test_the_brand_of_a_session_is_kept_for_admins_of_the_installation_alone() -> None:
    root, own = operator("root", installation=True), operator("asha")
    known = {"root": root, "asha": own}
    keeper = Keeper(SETTINGS, lambda: known)
    south = operator("x", brand="south").brand
    kept = keeper.identity_of_session(cookie_of(keeper, replace(identity_of(root), brand=south)))
    assert kept is not None
    assert (kept.brand, kept.installation) == ("south", True)
    not_kept = keeper.identity_of_session(cookie_of(keeper, replace(identity_of(own), brand=south)))
    assert not_kept is not None
    assert not_kept.brand == "north"
    known["root"] = operator("root", installation=False)
    demoted = keeper.identity_of_session(cookie_of(keeper, replace(identity_of(root), brand=south)))
    assert demoted is not None
    assert demoted.brand == "north", "who is no admin of the installation any more is back at their own"


def test_secrets_of_an_operator_are_in_no_repr() -> None:
    assert "hush" not in repr(operator("asha", password_hash="hush", link_hash="hush"))
