"""One module a figure, or a few that one run gives. `docs/benchmarks.md` says what each of them means."""
