"""Pages for people: one module a resource."""
