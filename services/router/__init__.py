"""May this person get this message now? Turns send requests into routed messages or suppressions, each exactly once."""
