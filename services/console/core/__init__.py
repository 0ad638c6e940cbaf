"""What needs no client and no clock: counts, cursors, files of contacts, problems in words."""
