"""Alerts and dashboards ask for what services declare, and every alert can be looked up."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase
from promql import TARGET_LABELS, declared, selectors

from services.runtime import metrics
from services.runtime.ports import METRICS_ORDER, Ports

REPOSITORY = Path(__file__).parents[2]
PROMETHEUS = REPOSITORY / "deploy" / "prometheus"
DASHBOARDS = REPOSITORY / "deploy" / "grafana" / "dashboards"
CONFIG: dict[str, Any] = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())
RULES: list[dict[str, Any]] = yaml.safe_load((PROMETHEUS / "rules.yml").read_text())["groups"][0]["rules"]
DASHBOARD: dict[str, Any] = json.loads((DASHBOARDS / "peal-campaigns.json").read_text())
QUERIES = [
    (panel["title"], target["expr"].replace("$__rate_interval", "1m"))
    for panel in DASHBOARD["panels"]
    for target in panel.get("targets", [])
]
SOURCES = {file: file.read_text() for file in (REPOSITORY / "services").rglob("*.py") if file.name != "metrics.py"}


@pytest.mark.parametrize(("title", "query"), [*QUERIES, *((rule["alert"], rule["expr"]) for rule in RULES)])
def test_queries_ask_for_declared_metrics_by_declared_labels(title: str, query: str) -> None:
    series = declared()
    for selector in selectors(query):
        assert selector.metric in series, f"{title}: no service declares {selector.metric}"
        assert selector.labels <= series[selector.metric] | TARGET_LABELS, f"{title}: {selector}"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_values_that_alerts_look_for_are_said_by_some_service(rule: dict[str, Any]) -> None:
    for selector in selectors(rule["expr"]):
        for label, value in selector.values:
            for word in value.split("|"):
                if label == "job":
                    assert any(re.fullmatch(word, job["job_name"]) for job in CONFIG["scrape_configs"])
                else:
                    assert any(f'"{word}"' in text for text in SOURCES.values()), f"nothing says {label}={word}"


def test_every_declared_metric_is_set_somewhere() -> None:
    names = [name for name, metric in vars(metrics).items() if isinstance(metric, MetricWrapperBase)]
    used = "\n".join(SOURCES.values())
    assert [name for name in names if not re.search(rf"\b{name}\b\.(labels|set|inc|observe|time)", used)] == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_every_alert_has_a_paragraph_that_says_what_to_do(rule: dict[str, Any]) -> None:
    page, _, anchor = rule["annotations"]["runbook"].partition("#")
    text = (REPOSITORY / page).read_text()
    heading = f"### {rule['alert']}\n"
    assert anchor == rule["alert"].lower()
    assert heading in text
    assert len(text.partition(heading)[2].partition("\n#")[0].split()) > 25
    assert rule["labels"]["severity"] in ("critical", "warning")


def test_every_service_is_scraped_at_its_port() -> None:
    ports = {job["job_name"]: job["dns_sd_configs"][0] for job in CONFIG["scrape_configs"]}
    assert {name: (found["names"], found["port"]) for name, found in ports.items()} == {
        name: ([name], Ports().metrics(name)) for name in METRICS_ORDER if name not in ("sender-push", "sender-social")
    }


def test_a_service_that_vanishes_from_the_scraped_ones_is_down_too() -> None:
    query = next(rule["expr"] for rule in RULES if rule["alert"] == "PealServiceDown")
    watched = set(re.findall(r'absent\(up\{job="([a-z-]+)"\}\)', query))
    assert watched == {job["job_name"] for job in CONFIG["scrape_configs"]} - {"sandbox"}


def test_panels_have_titles_and_ids_of_their_own_and_the_provisioned_source() -> None:
    panels = DASHBOARD["panels"]
    source = yaml.safe_load((DASHBOARDS.parent / "provisioning" / "datasources" / "peal.yml").read_text())
    assert DASHBOARD["title"] == "Peal: campaigns"
    assert len({panel["id"] for panel in panels}) == len({panel["title"] for panel in panels}) == len(panels)
    used = {panel["datasource"]["uid"] for panel in panels if panel["type"] != "row"}
    assert used == {source["datasources"][0]["uid"]}


def test_prometheus_itself_accepts_the_rules_and_they_fire_when_they_should() -> None:
    """Where Prometheus's own tool is installed; the tests above hold the rules against the code in any case."""
    assert {case["alertname"] for case in _rule_cases()} == {rule["alert"] for rule in RULES}
    if tool := shutil.which("promtool"):
        for arguments in (["check", "config", "prometheus.yml"], ["test", "rules", "rules_test.yml"]):
            done = subprocess.run([tool, *arguments], cwd=PROMETHEUS, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr


def _rule_cases() -> list[dict[str, Any]]:
    tests = yaml.safe_load((PROMETHEUS / "rules_test.yml").read_text())["tests"]
    return [case for test in tests for case in test["alert_rule_test"]]
