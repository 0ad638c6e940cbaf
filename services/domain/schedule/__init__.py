"""When a message may leave: quiet hours, people's own clocks, their best hours. Pure: `now` is an argument."""

from services.domain.schedule.opening import (
    NO_HOUR,
    begins_at,
    best_opening,
    first_opening,
    local_opening,
    wall_of,
)
from services.domain.schedule.quiet import Quiet, Window, is_quiet, next_opening, quiet_of, window
from services.domain.schedule.zones import at_wall, local, zone_of

__all__ = [
    "NO_HOUR", "Quiet", "Window", "at_wall", "begins_at", "best_opening", "first_opening", "is_quiet", "local",
    "local_opening", "next_opening", "quiet_of", "wall_of", "window", "zone_of",
]  # fmt: skip
