"""A seeded world of people, messaged blindly and by Peal's own rules, in virtual time: `python -m simulation`."""
