"""The console: the only face of Peal, for people and for machines."""
