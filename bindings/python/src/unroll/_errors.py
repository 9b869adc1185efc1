"""What can go wrong, as exceptions by the library's statuses."""

from __future__ import annotations


class Error(Exception):
    """A call that failed.

    Attributes: `message`; `file`, "" when none is concerned; `line` and `column`, from 1, 0 when unknown; `source`, the line of text
    that is wrong, or ""; `status`, the program's exit code.
    """

    def __init__(self, message: str, *, file: str = "", line: int = 0, column: int = 0, source: str = "", status: int = 1):
        super().__init__(message)
        self.message, self.file, self.line, self.column, self.source, self.status = message, file, line, column, source, status

    def __str__(self) -> str:
        place = ":".join([self.file] + [str(n) for n in (self.line, self.column) if n]) if self.file else ""
        out = f"{place}: {self.message}" if place else self.message
        if self.source:
            out += "\n  " + self.source
            if self.column:
                before = "".join("\t" if c == "\t" else " " for c in self.source[: self.column - 1])
                out += "\n  " + before + "^"
        return out

    def __reduce__(self) -> tuple:
        return _again, (type(self), self.message, self.__dict__)


def _again(kind: type[Error], message: str, rest: dict) -> Error:
    e = kind(message)
    e.__dict__.update(rest)
    return e


class Failed(Error, RuntimeError):
    """Out of memory, a full disk, nothing finite left to train on ..."""


class UsageError(Error, ValueError):
    """An option or argument that makes no sense."""


class BadInput(Error, ValueError):
    """A program, data or model file that is not what it should be."""


class Interrupted(Error):
    """A progress function said stop. The checkpoint is written."""


class UnrollWarning(UserWarning):
    """What a call noticed and went on with: a skipped step, rows that are left out ..."""


def error_class(status: int) -> type[Error]:
    return {2: UsageError, 3: BadInput, 130: Interrupted}.get(status, Failed)
