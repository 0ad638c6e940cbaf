"""What pages load comes from npm by a lock that names hashes and no registry, and set-up has brought all of it."""

from __future__ import annotations

import gzip
import json
import re

import pytest

from deploy import assets

LOCK = json.loads((assets.REPOSITORY / "package-lock.json").read_text())
WANTED = json.loads((assets.REPOSITORY / "package.json").read_text())["dependencies"]


def test_the_lock_pins_every_package_by_hash_and_names_no_registry() -> None:
    packages = {name: each for name, each in LOCK["packages"].items() if name}
    assert packages
    assert all(each["integrity"].startswith("sha512-") for each in packages.values())
    assert "resolved" not in json.dumps(LOCK)
    assert {name: packages[f"node_modules/{name}"]["version"] for name in WANTED} == WANTED
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in WANTED.values())


def test_every_file_that_pages_load_belongs_to_a_package_that_is_asked_for() -> None:
    for path in assets.FILES.values():
        assert any(path.startswith(f"{name}/") for name in WANTED), path


@pytest.mark.parametrize("name", assets.FILES)
def test_set_up_has_brought_it_as_it_is_and_compressed(name: str) -> None:
    assert assets.STAMP.read_text() == assets.fingerprint(), "run make setup"
    content = (assets.VENDOR / name).read_bytes()
    assert content
    assert gzip.decompress((assets.VENDOR / f"{name}.gz").read_bytes()) == content


def test_every_template_asks_for_files_that_are_there() -> None:
    static = assets.VENDOR.parent
    for template in (static.parent / "templates").rglob("*.html"):
        for name in re.findall(r"asset\('([^']+)'\)", template.read_text()):
            assert (static / name).is_file(), f"{template.name}: {name}"
