"""The broker's jars: fetched once by Maven into a folder that all installations on a machine share."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.local.errors import LocalError

REPOSITORY = Path(__file__).resolve().parents[2]
POM = Path(__file__).with_name("pom.xml")
STAMP = "stamp.json"


class JarsError(LocalError):
    """The jars cannot be had; the text says why and what to do."""


def jars_dir() -> Path:
    """`PEAL_JARS_DIR`, else `.peal/jars` in the repository, whatever `PEAL_DATA_DIR` says."""
    return Path(os.environ.get("PEAL_JARS_DIR") or REPOSITORY / ".peal" / "jars").resolve()


def have_jars(folder: Path) -> bool:
    """Whether `folder` holds every jar that this pom.xml leads to."""
    try:
        stamp = json.loads((folder / STAMP).read_text())
        return stamp["pom"] == _pom_hash() and all((folder / name).is_file() for name in stamp["jars"])
    except (OSError, ValueError, KeyError):
        return False


def ensure_jars(folder: Path | None = None) -> Path:
    """The folder with the jars, fetched when it lacks any. Raises JarsError."""
    folder = folder or jars_dir()
    if not have_jars(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _locked(folder.parent / f".{folder.name}.lock"):
            if not have_jars(folder):  # another process may have fetched them while this one waited
                _fetch(folder)
    return folder


def classpath(folder: Path) -> str:
    return str(folder / "*")


def _pom_hash() -> str:
    return hashlib.sha256(POM.read_bytes()).hexdigest()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _fetch(folder: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise JarsError("Maven is missing: it fetches Kafka once. Install it (apt install maven, brew install maven).")
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as temporary:
        fetched = Path(temporary) / "jars"
        _run_maven(maven, fetched)
        names = sorted(path.name for path in fetched.glob("*.jar"))
        (fetched / STAMP).write_text(json.dumps({"pom": _pom_hash(), "jars": names}))
        shutil.rmtree(folder, ignore_errors=True)
        fetched.rename(folder)


def _run_maven(maven: str, target: Path) -> None:
    command = [maven, "-q", "-B", "-Dstyle.color=never", "-f", str(POM), "dependency:copy-dependencies"]
    command += ["-DincludeScope=runtime", f"-DoutputDirectory={target}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  (our own command)
    if done.returncode:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("[ERROR]")]
        reason = lines[0].removeprefix("[ERROR]").strip() if lines else f"exit code {done.returncode}"
        raise JarsError(
            f"Maven could not fetch Kafka: {reason} Check the network, or the mirror and proxy in ~/.m2/settings.xml."
        )


if __name__ == "__main__":
    try:
        print(ensure_jars())
    except JarsError as error:
        raise SystemExit(str(error)) from None
