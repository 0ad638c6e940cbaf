"""Errors of the `peal` command: a sentence for a person, an exit code for a script, never a traceback."""

from __future__ import annotations


class CommandError(Exception):
    """The command cannot do what was asked. The text says why and what to do."""

    def __init__(self, sentence: str, exit_code: int = 1) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code
