"""How fast Peal is on this machine, beside what its parts could do at most: `python -m bench`."""
