"""`python -m deploy.local.launch FILE`: become the service that FILE describes, and end when the supervisor ends.

FILE is JSON: `command` (a list) and `environment` (added to the present one). It stands between the supervisor and a
service because a configuration file of the supervisor's cannot hold every value, keys of several lines least of all.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from deploy.local.processes import die_with_parent

SUPERVISOR_PID = "PEAL_SUPERVISOR_PID"


def main() -> None:
    die_with_parent(int(os.environ.pop(SUPERVISOR_PID)))
    launch = json.loads(Path(sys.argv[1]).read_text())
    command: list[str] = launch["command"]
    os.execvpe(command[0], command, {**os.environ, **launch["environment"]})  # noqa: S606


if __name__ == "__main__":
    main()
