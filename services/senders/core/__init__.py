"""What a sender decides, without waiting, clock or client: `now` and all knowledge are arguments."""
