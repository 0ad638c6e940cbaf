"""Bytes that nobody would think of, found by Atheris, which sees how far each one gets: `make fuzz SECONDS=60`."""
