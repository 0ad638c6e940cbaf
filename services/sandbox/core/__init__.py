"""What the sandbox decides and shapes, without clock, network or disk."""
