"""Break everything that can break, in an order that a seed repeats, and then compare the books person by person."""
