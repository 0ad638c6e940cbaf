"""The interface, tried with what its own description allows: it answers as it says, and never breaks.

`PEAL_TEST_FUZZ` sets how many requests each operation gets at most.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from brand_walls import BODIES
from console_stage import KEY, Stage, listed, open_stage
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import CheckContext
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.core.transport import Response
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

REQUESTS = int(os.environ.get("PEAL_TEST_FUZZ", "3"))
CAMPAIGN, CONTACT, OPERATOR = "fuzz-camp", "fuzz-c", "fuzz-op"
KNOWN = {"campaign_id": CAMPAIGN, "contact": CONTACT, "step": 1, "operator_id": OPERATOR, "topic": "consents",
         "partition": 0, "offset": 0}  # fmt: skip
"""Things that there are: half of the requests name these, so that they get behind a 404."""
ENDLESS = r"/campaigns/\{campaign_id\}/events$"
PATIENCE_S = 30.0


AWAY = tuple(
    f"urn:peal:problem:{kind}" for kind in ("ai_unset", "ai_unreachable", "provider_unavailable", "no_master_key")
)
"""503 is described for what is away; of that, only these are not here: AI, providers, and a key for secrets."""


def never_breaks(_context: CheckContext, response: Response, case: schemathesis.Case) -> None:
    if response.status_code == 503 and response.json()["type"] in AWAY:
        return
    assert response.status_code < 500, f"{case.method} {case.path}: {response.status_code} {response.text[:500]}"


CHECKS = [never_breaks, status_code_conformance, content_type_conformance, response_schema_conformance]


def furnish(api: httpx.Client) -> None:
    """What `KNOWN` names."""
    api.post("/campaigns", json=listed(2, ("email",), id=CAMPAIGN))
    api.put(f"/contacts/{CONTACT}", json={"name": "Fay"}).raise_for_status()
    api.put(f"/operators/{OPERATOR}", json={"role": "viewer"}).raise_for_status()


def trouble(schema: Any, key: str, requests: int) -> list[str]:
    """What went otherwise than described, for each operation the first such thing."""
    found = []
    for result in schema.get_all_operations():
        operation = result.ok()

        @given(case=operation.as_strategy())
        @settings(
            max_examples=requests, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck), report_multiple_bugs=False,
        )  # fmt: skip
        def ask(case: schemathesis.Case) -> None:
            if sum(map(ord, str(case.path_parameters))) % 2:
                case.path_parameters = {n: KNOWN.get(n, value) for n, value in (case.path_parameters or {}).items()}
            headers = {"Authorization": f"Bearer {key}"}
            case.call_and_validate(headers=headers, checks=CHECKS, timeout=PATIENCE_S)

        try:
            ask()
        except (AssertionError, Failure, FailureGroup) as failure:
            parts = getattr(failure, "exceptions", [failure])
            said = "; ".join(str(part) for part in parts)
            found.append(f"{operation.method.upper()} {operation.path}: {said}")
    return found


@pytest.fixture(scope="module")
def stage(own_infrastructure: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with open_stage(*own_infrastructure, tmp_path_factory.mktemp("fuzz")) as made:
        furnish(made.api)
        yield made


def described(url: str) -> Any:
    return schemathesis.openapi.from_url(f"{url}/api/v1/openapi.json").exclude(path_regex=ENDLESS)


def test_every_operation_answers_as_its_description_says(stage: Stage) -> None:
    found = trouble(described(stage.url), KEY, REQUESTS)
    assert not found, "\n\n".join(found)


def test_what_other_tests_send_by_hand_is_described(stage: Stage) -> None:
    operations = [result.ok() for result in described(stage.url).get_all_operations()]
    routes = {f"{operation.method.upper()} {operation.path.removeprefix('/api/v1')}" for operation in operations}
    assert set(BODIES) <= routes
