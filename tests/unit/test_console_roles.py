"""Who may do what at the console: roles, keys, links and sessions; all of it decided in one place."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from console_routes import OPEN_PAGES, SETTINGS, guards, pages, routes
from starlette.responses import Response

from schemas import Brand, Operator, Role
from services.console.core.operators import digest, with_link, without_link
from services.console.core.roles import OWN, READING_POSTS, needed, refusal
from services.console.pages.common import require_session
from services.console.problems import Problem
from services.console.security import API, COOKIE, Identity, Keeper, acting_for, require_identity

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)


def operator(name: str, role: Role = "viewer", **changes: Any) -> Operator:
    return Operator.model_validate({"operator_id": name, "brand": "north", "role": role, "created_at": NOW} | changes)


def keeper(*operators: Operator) -> Keeper:
    known = {each.operator_id: each for each in operators}
    return Keeper(SETTINGS, lambda: known)


def test_no_route_is_without_the_guard_that_asks_who_it_is() -> None:
    assert len(routes()) > 40
    bare = [
        f"{sorted(route.methods or ())} {route.path}" for route in routes()
        if not guards(route) & {require_identity, require_session} and route.path not in OPEN_PAGES
    ]  # fmt: skip
    assert not bare, f"give {bare} a parameter `caller: Caller` (REST) or `visitor: Visitor` (a page)"


def test_pages_change_nothing_by_themselves_so_that_rest_alone_decides() -> None:
    assert pages()
    assert [route.path for route in pages() if route.methods != {"GET"}] == []


@pytest.mark.parametrize(
    ("method", "path", "role"),
    [
        ("GET", "/campaigns", "viewer"), ("GET", "/recipients/c-1/ledger", "viewer"),
        ("POST", "/audience/preview", "viewer"), ("POST", "/campaigns", "marketer"),
        ("POST", "/campaigns/x/launch", "marketer"), ("PUT", "/contacts/c-1", "marketer"),
        ("POST", "/consents", "marketer"), ("GET", "/campaigns/x/acts/pause", "marketer"),
        ("POST", "/recipients/c-1/erase", "admin"), ("GET", "/recipients/c-1/erase", "viewer"),
        ("PUT", "/brands/north", "admin"), ("GET", "/brands", "viewer"), ("GET", "/operators", "admin"),
        ("POST", "/api-keys", "admin"), ("POST", "/accounts/twilio-main/test", "admin"), ("POST", "/accounts", "admin"),
        ("GET", "/accounts", "viewer"), ("GET", "/accounts/connect", "admin"), ("PUT", "/me/password", "viewer"),
        ("GET", "/settings/brand", "viewer"), ("GET", "/settings/audit", "admin"), ("DELETE", "/api-keys/k", "admin"),
        ("GET", "/audit", "admin"),
        ("POST", "/uncertain/c/1/p/resend", "admin"), ("GET", "/uncertain", "viewer"),
        ("GET", "/dead-letters/t/0/1", "admin"), ("POST", "/something/new", "marketer"),
    ],
)  # fmt: skip
def test_a_viewer_looks_a_marketer_works_an_admin_may_all(method: str, path: str, role: Role) -> None:
    assert needed(method, path) == role
    grades: list[Role] = ["viewer", "marketer", "admin"]
    may = [each for each in grades if not refusal(each, method, path)]
    assert may == grades[grades.index(role) :]


def test_what_is_not_named_in_the_table_is_no_change_for_a_viewer() -> None:
    for route in routes():
        for method in route.methods or ():
            if method != "GET" and require_identity in guards(route):
                path = re.sub(r"{[^}]*}", "x", route.path.removeprefix(API))
                least = needed(method, path)
                asks = READING_POSTS | {"/campaigns/x/plan"}
                assert least != "viewer" or path in asks | OWN, path


def test_a_refusal_names_the_role_that_is_needed_and_who_can_give_it() -> None:
    told = refusal("viewer", "POST", "/campaigns/x/launch")
    assert "changes nothing" in told
    assert "the role marketer" in told
    assert "an admin can give" in told


def test_a_key_is_known_by_its_hash_and_stands_for_its_brand_and_role_alone() -> None:
    machine = operator("shop", "marketer", kind="machine", key_hash=digest("secret"))
    found = keeper(machine).identity_of_key("secret")
    assert found == Identity(machine.brand, "marketer", "shop", operator="shop")
    assert keeper(machine).identity_of_key("Secret") is None
    assert keeper(operator("asha")).identity_of_key("") is None, "who has no key is not found by an empty one"
    assert "secret" not in machine.write().decode()


def test_the_key_of_the_installation_may_act_for_every_brand_that_there_is_and_no_other_key_may() -> None:
    root = keeper().identity_of_key("root")
    assert root is not None
    assert root.installation
    brands = {"north": Brand(brand_id="north")}  # type: ignore[arg-type]
    assert acting_for(root, "north", brands).brand == "north"
    assert acting_for(root, "", brands).brand == "default"
    own = Identity(brands["north"].brand_id, "admin", "n")
    assert acting_for(own, "north", brands) == own
    for caller, brand in ((root, "nroth"), (own, "default"), (own, "south")):
        with pytest.raises(Problem) as problem:
            acting_for(caller, brand, brands)
        assert (problem.value.status, problem.value.detail) == (404, f"there is no brand '{brand}'")


def test_a_login_link_works_once_and_not_for_ever() -> None:
    asha = with_link(operator("asha"), "token", NOW)
    at_work = keeper(asha)
    found = at_work.redeem("token", NOW)
    assert found is not None
    assert found[0].name == "asha"
    assert at_work.redeem("token", NOW) is None
    assert keeper(without_link(asha)).redeem("token", NOW) is None, "also after a restart"
    assert keeper(asha).redeem("token", NOW + timedelta(hours=24)) is None
    assert keeper(operator("asha")).redeem("", NOW) is None
    assert keeper(asha).redeem("once", NOW) is not None, "the admin link of the installation"


def cookie_of(at_work: Keeper, identity: Identity) -> str:
    response = Response()
    at_work.open_session(identity, response, secure=False)
    header = next(value.decode() for name, value in response.raw_headers if name == b"set-cookie")
    return header.removeprefix(f"{COOKIE}=").partition(";")[0]


def test_a_session_is_worth_what_the_operator_is_worth_now() -> None:
    asha = operator("asha", "admin")
    known = {"asha": asha}
    at_work = Keeper(SETTINGS, lambda: known)
    cookie = cookie_of(at_work, Identity(asha.brand, "admin", "asha", operator="asha"))
    session = at_work.identity_of_session(cookie)
    assert session is not None
    assert (session.role, session.brand) == ("admin", "north")
    assert session.csrf
    known["asha"] = operator("asha", "viewer")
    demoted = at_work.identity_of_session(cookie)
    assert demoted is not None
    assert demoted.role == "viewer"
    known["asha"] = operator("asha", "admin", created_at=NOW + timedelta(days=1))
    assert at_work.identity_of_session(cookie) is None, "somebody else who was given the id later"
    del known["asha"]
    assert at_work.identity_of_session(cookie) is None
    assert at_work.identity_of_session(cookie[:-3] + "abc") is None
