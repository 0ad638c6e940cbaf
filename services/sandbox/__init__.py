"""Pretend providers: the HTTP APIs of Twilio and SendGrid and their signed callbacks, driven by a seeded world.

It stands in for the providers in the default run, the tests and the benches. Nothing here ever reaches a real person.
"""
