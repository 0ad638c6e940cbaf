"""`python -m services.tracker`: owns ClickHouse and the providers' callbacks."""

from __future__ import annotations

from services.runtime.service import run_service
from services.tracker.service import run_tracker
from services.tracker.settings import TrackerSettings


def main() -> None:
    settings = TrackerSettings()
    run_service("tracker", settings, lambda health, stop: run_tracker(settings, health, stop))


if __name__ == "__main__":
    main()
