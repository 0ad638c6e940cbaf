"""`python -m services.planner`"""

from __future__ import annotations

from services.planner.app import Planner
from services.planner.settings import PlannerSettings
from services.runtime.service import run_service

if __name__ == "__main__":
    settings = PlannerSettings()
    run_service("planner", settings, Planner(settings).run)
