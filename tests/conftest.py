"""For tests of every kind."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("peal", deadline=None)  # a busy machine is no defect of what is tested
settings.load_profile("peal")
