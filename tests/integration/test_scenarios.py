"""Every scenario of examples/scenarios on one installation, all at once: the ledger, what arrived, and the words.

`PEAL_UPDATE_GOLDEN=1` writes the words anew; read them before they are committed.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from installation_desk import Desk
from scenario_stage import FOLDER, Director, Scenario, Watch, scenarios

from deploy.local.installation import Installation
from services.runtime.settings import Settings

GOLDEN = Path(__file__).parents[1] / "golden" / "scenarios"
GIVEN = {
    "PEAL_RATE_EMAIL": "100",
    "PEAL_RATE_SMS": "100",
    "PEAL_RATE_WHATSAPP": "2",
    "PEAL_SWEEP_INTERVAL_S": "3",
    "PEAL_END_INTERVAL_S": "1",
    "PEAL_UNCERTAIN_DEADLINE_S": "3600",
    "PEAL_UNCERTAIN_ASK_AFTER_S": "[600]",
    "PEAL_SANDBOX_WORLD": "calm",
}
NAMES = [path.stem for path in sorted(FOLDER.glob("*.yaml"))]


@pytest.fixture(scope="module")
def played(installation: Installation) -> dict[str, Scenario]:
    """All scenarios, played side by side to their ends."""
    return asyncio.run(play_all(installation))


async def play_all(installation: Installation) -> dict[str, Scenario]:
    desk, found = Desk(installation), scenarios()
    environment = installation.stack.environment_for("console")
    watch = Watch(
        Settings(kafka_bootstrap=environment["PEAL_KAFKA_BOOTSTRAP"], clickhouse_url=environment["PEAL_CLICKHOUSE_URL"])
    )
    looking = asyncio.create_task(watch.run())
    try:
        people = {address: traits for scenario in found for address, traits in scenario.traits().items()}
        await desk.set_world({"name": "calm", "people": people})
        await asyncio.gather(*[Director(scenario, desk, watch).play() for scenario in found])
    finally:
        looking.cancel()
        await desk.rest.aclose()
    return {scenario.name: scenario for scenario in found}


@pytest.mark.parametrize("name", NAMES)
def test_the_ledger_says_of_everybody_what_the_scenario_promises(played: dict[str, Scenario], name: str) -> None:
    assert played[name].problems == []


@pytest.mark.parametrize("name", NAMES)
def test_peal_explain_tells_it_in_these_words(played: dict[str, Scenario], name: str) -> None:
    scenario, golden = played[name], GOLDEN / f"{name}.txt"
    text = f"# {scenario.told['about']}\n\n" + "\n".join(scenario.explained)
    if os.environ.get("PEAL_UPDATE_GOLDEN") == "1":
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(text)
    assert golden.read_text() == text


def test_each_golden_text_belongs_to_a_scenario() -> None:
    assert sorted(path.stem for path in GOLDEN.glob("*.txt")) == sorted(NAMES)
