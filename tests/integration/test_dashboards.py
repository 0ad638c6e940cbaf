"""Every panel of the dashboard shows what the running services really expose, and no alert fires while all is well."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import socket
from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from promql import OF_PROMETHEUS, TARGET_LABELS, declared, selectors

from deploy.local.free_ports import free_ports
from deploy.local.installation import Installation, make_installation
from services.cli.sample_campaign import API, get, post, rest_client, run_sample
from services.cli.samples import sample_people

DEPLOY = Path(__file__).parents[2] / "deploy"
DASHBOARD: dict[str, Any] = json.loads((DEPLOY / "grafana" / "dashboards" / "peal-campaigns.json").read_text())
PANELS = {
    panel["title"]: [target["expr"].replace("$__rate_interval", "1m") for target in panel["targets"]]
    for panel in DASHBOARD["panels"]
    if panel["type"] != "row"
}
COUNTED = ("peal_requests_planned_total", "peal_router_verdicts_total", "peal_sends_total", "peal_callbacks_total")
SILENT = ("sum by (reason) (rate(peal_recalls_total[1m]))",)
"""Of opt-outs that come while a message is under way: here there are none."""
PEOPLE, SEED = 60, 2026
RATES = {f"PEAL_RATE_{channel}": "20" for channel in ("EMAIL", "SMS", "WHATSAPP")}
"""Slow enough that a pause finds messages that have not left."""
PATIENCE_S = 120.0


async def until_status(client: httpx.AsyncClient, campaign_id: str, what: str, value: Any) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while (await get(client, f"{API}/campaigns/{campaign_id}/stats"))[what] != value:
            await asyncio.sleep(0.2)


async def run_campaign(installation: Installation) -> None:
    """A whole campaign, paused in the middle, so that there is something to expand again."""
    async with rest_client(installation.access) as client:
        campaign_id = await run_sample(client, list(sample_people(PEOPLE, SEED)))
        async with asyncio.timeout(PATIENCE_S):
            while not (await get(client, f"{API}/campaigns/{campaign_id}/stats"))["by_channel"]["sms"]["sent"]:
                await asyncio.sleep(0.05)
        await post(client, f"{API}/campaigns/{campaign_id}/pause")
        await until_status(client, campaign_id, "status", "paused")
        await post(client, f"{API}/campaigns/{campaign_id}/resume")
        await until_status(client, campaign_id, "status", "completed")


def metric_urls(installation: Installation) -> dict[str, str]:
    """Service -> where its metrics are."""
    specs = {name: installation.stack.environment_for(name) for name in installation.stack.names}
    services = [name for name in specs if name not in ("kafka", "clickhouse")]
    return {name: f"http://127.0.0.1:{installation.stack.ports.metrics(name)}/metrics" for name in services}


async def scrape(installation: Installation) -> tuple[set[str], dict[str, list[frozenset[str]]]]:
    """Names of all series that the services tell of; and the labels of each series that has values."""
    told, labels = set[str](), defaultdict[str, list[frozenset[str]]](list)
    async with httpx.AsyncClient(timeout=10) as client:
        for url in metric_urls(installation).values():
            for family in text_string_to_metric_families((await client.get(url)).text):
                suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}.get(family.type, [""])
                told |= {family.name + suffix for suffix in suffixes}
                for sample in family.samples:
                    labels[sample.name].append(frozenset(sample.labels))
    return told, labels


@contextlib.asynccontextmanager
async def running_prometheus(installation: Installation, folder: Path) -> AsyncIterator[httpx.AsyncClient | None]:
    """Prometheus with Peal's own rules, scraping this installation; None where it is not installed."""
    program = shutil.which("prometheus")
    if program is None:
        yield None
        return
    config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["rule_files"] = [str(DEPLOY / "prometheus" / "rules.yml")]
    urls = metric_urls(installation)
    for job in config["scrape_configs"]:
        del job["dns_sd_configs"]  # the one thing that is different outside of containers
        job["static_configs"] = [{"targets": [urls[job["job_name"]].split("/")[2]]}]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    with socket.create_server(("127.0.0.1", 0)) as probe:
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    arguments = [f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
    process = await asyncio.create_subprocess_exec(
        program, *arguments, f"--web.listen-address={address}", "--log.level=error"
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://{address}", timeout=10) as client:
            async with asyncio.timeout(PATIENCE_S):
                await _until_scraped(client, len(urls))
            yield client
    finally:
        process.terminate()
        await process.wait()


async def _until_scraped(client: httpx.AsyncClient, count: int) -> None:
    while True:
        with contextlib.suppress(httpx.HTTPError, ValueError):  # it says so in plain text while it is starting
            if await ask(client, f"count(up == 1) == {count}"):
                return
        await asyncio.sleep(0.2)


async def ask(client: httpx.AsyncClient, query: str) -> list[Any]:
    """What Prometheus answers to an instant query."""
    answer = (await client.get("/api/v1/query", params={"query": query})).json()
    assert answer["status"] == "success", f"{query}: {answer}"
    return list(answer["data"]["result"])


async def check_with_prometheus(client: httpx.AsyncClient) -> None:
    for title, queries in PANELS.items():
        for query in queries:
            assert await ask(client, query) or query in SILENT, f"panel {title!r} shows nothing of {query}"
    groups = (await client.get("/api/v1/rules")).json()["data"]["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert {rule["name"]: rule["lastError"] for rule in rules if rule["health"] != "ok"} == {}
    assert [rule["name"] for rule in rules if rule["state"] == "firing"] == []


def check_names(told: set[str], labels: dict[str, list[frozenset[str]]]) -> None:
    for title, queries in PANELS.items():
        for selector in (each for query in queries for each in selectors(query)):
            assert selector.metric in told | OF_PROMETHEUS.keys(), f"{title}: no service tells {selector.metric}"
            wanted = selector.labels - TARGET_LABELS
            known = labels.get(selector.metric) or [declared()[selector.metric]]
            assert all(wanted <= each for each in known), f"{title}: {selector.metric} lacks a label of {set(wanted)}"


@pytest.mark.timeout(400)
async def test_every_panel_shows_what_the_services_expose(tmp_path: Path) -> None:
    """By name and label always; where Prometheus is installed, it scrapes the services and answers each query."""
    installation = make_installation(tmp_path / "peal", free_ports(), RATES)
    async with installation.stack, running_prometheus(installation, tmp_path) as prometheus:
        await run_campaign(installation)
        told, labels = await scrape(installation)
        check_names(told, labels)
        assert set(declared()) - OF_PROMETHEUS.keys() <= told
        assert all(labels.get(metric) for metric in COUNTED)
        if prometheus:
            await check_with_prometheus(prometheus)
