"""The base for Kubernetes runs the services that there are, with probes, time to drain, and real settings."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.local.services import EDGE, PIPELINE, module_of
from services.runtime.ports import Ports

from test_deploy_compose import all_settings  # isort: skip

BASE = Path(__file__).parents[2] / "deploy" / "k8s"


def documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((BASE / name).read_text()))


DEPLOYMENTS = [each for each in documents("services.yaml") if each["kind"] == "Deployment"]
COMMON = documents("common.yaml")[0]["spec"]["template"]["spec"]


def container_of(deployment: dict[str, Any]) -> dict[str, Any]:
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    return dict(container)


def test_every_service_but_the_sandbox_has_a_deployment() -> None:
    names = {deployment["metadata"]["name"] for deployment in DEPLOYMENTS}
    assert names == {*PIPELINE, *EDGE} - {"sandbox"}


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda each: str(each["metadata"]["name"]))
def test_a_deployment_runs_its_service_and_names_its_metrics_port(deployment: dict[str, Any]) -> None:
    name, container = deployment["metadata"]["name"], container_of(deployment)
    assert tuple(container["args"]) == module_of(name)
    assert importlib.util.find_spec(f"{container['args'][0]}.__main__") is not None
    assert {"name": "metrics", "containerPort": Ports().metrics(name)} in container["ports"]
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert deployment["spec"]["selector"]["matchLabels"] == labels


def test_probes_ask_the_metrics_port_and_a_drain_has_its_time() -> None:
    (container,) = COMMON["containers"]
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "metrics"}
    assert container["livenessProbe"]["httpGet"] == {"path": "/livez", "port": "metrics"}
    assert COMMON["terminationGracePeriodSeconds"] >= 45
    assert COMMON["securityContext"]["runAsNonRoot"]


def test_the_set_up_job_makes_topics_and_tables() -> None:
    (job,) = documents("setup.yaml")
    pod = job["spec"]["template"]["spec"]
    commands = [each["args"] for each in [*pod["initContainers"], *pod["containers"]]]
    assert commands == [["services.cli.main", "topics", "apply"], ["services.tracker.migrate"]]
    assert all(importlib.util.find_spec(command[0]) for command in commands)


def test_what_is_configured_are_settings_that_some_service_reads() -> None:
    (config,) = documents("config.yaml")
    assert set(config["data"]) <= all_settings()


def test_services_of_the_cluster_reach_ports_that_exist() -> None:
    ports = {each["metadata"]["name"]: container_of(each)["ports"] for each in DEPLOYMENTS}
    for service in (each for each in documents("services.yaml") if each["kind"] == "Service"):
        names = {port["name"] for port in ports[service["metadata"]["name"]]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= names


def test_kustomize_builds_the_base() -> None:
    """Where kubectl is installed; the tests above read the files in any case."""
    listed = yaml.safe_load((BASE / "kustomization.yaml").read_text())
    files = {*listed["resources"], *(patch["path"] for patch in listed["patches"]), "kustomization.yaml"}
    assert files == {file.name for file in BASE.iterdir()}
    if kubectl := shutil.which("kubectl"):
        done = subprocess.run([kubectl, "kustomize", str(BASE)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        built = [each for each in yaml.safe_load_all(done.stdout) if each["kind"] == "Deployment"]
        assert len(built) == len(DEPLOYMENTS)
        assert all("readinessProbe" in container_of(each) and "args" in container_of(each) for each in built)
