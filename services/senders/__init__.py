"""Calls the providers: never twice for one attempt, never above an account's rate, nothing after a pause."""
