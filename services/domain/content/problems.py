"""What can be wrong with content, said so that its author can mend it."""

from __future__ import annotations


class TemplateProblem(Exception):  # noqa: N818 - it is reported to the author, not handled as a failure of ours
    """A template that cannot be used. `line` and `column` count from 1; 0 where the place is not known."""

    def __init__(self, field: str, problem: str, message: str, line: int = 0, column: int = 0) -> None:
        super().__init__(f"{field}: {message}")
        self.field, self.problem, self.message, self.line, self.column = field, problem, message, line, column


class RenderProblem(Exception):  # noqa: N818
    """A template that is right could not be rendered with one person's data: that person's send fails, no other."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field, self.message = field, message
