"""`peal repair`: looks at every consumer group, and sets right what keeps one from going on."""
