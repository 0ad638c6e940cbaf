"""The tracker's decisions, pure: rows, merges, callbacks' words, whom a stop concerns. No await, clock or client."""
