"""`python -m deploy.local.supervise CONFIG PARENT`: supervisord in the foreground, until PARENT (a pid) dies."""

from __future__ import annotations

import os
import sys

from supervisor import supervisord

from deploy.local.launch import SUPERVISOR_PID
from deploy.local.processes import die_with_parent


def main() -> None:
    config, parent = sys.argv[1:3]
    die_with_parent(int(parent))  # SIGTERM: supervisord stops its services in order, then ends
    os.environ[SUPERVISOR_PID] = str(os.getpid())
    supervisord.main(["--nodaemon", "--configuration", config])


if __name__ == "__main__":
    main()
