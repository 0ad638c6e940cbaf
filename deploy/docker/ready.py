"""`python -m deploy.docker.ready SERVICE`: exit code 0 while the service in this container is ready for work."""

from __future__ import annotations

import http.client
import sys

from services.runtime.ports import Ports

TIMEOUT_SECONDS = 3.0


def is_ready(port: int) -> bool:
    """Whether `/readyz` on this machine answers 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.client.OK
    except OSError:
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(not is_ready(Ports().metrics(sys.argv[1])))
