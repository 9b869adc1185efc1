"""Sequences under way, a step at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Sequence

import numpy as np

from ._errors import UsageError
from ._library import call, ffi, lib, made, view
from ._result import Value

if TYPE_CHECKING:
    from ._model import Model


def _name(variable: str | None) -> Any:
    return ffi.NULL if variable is None else variable.encode()


class Session:
    """Sequences under way, side by side. It belongs to one thread at a time.

    A step: `set` what the net is given, `step`, `value` of what it says. What is predicted and fed back is then set too (or `draw`n)
    before the next step. A text model takes its first step by itself: look at `log_p`, then `feed` a symbol.
    """

    def __init__(self, model: Model, rows: int = 1, _pointer: Any = None):
        self.model, self.rows = model, rows
        if _pointer is None:
            out = ffi.new("unroll_session **")
            call(lib.unroll_session_new_rows, out, model._m, rows)
            _pointer = out[0]
        m = model._m
        self._s = ffi.gc(_pointer, lambda s, _keep=m: lib.unroll_session_free(s))
        self._variables = {v.name: v for v in model.variables}

    def reset(self, row: int | None = None) -> None:
        """Back to the beginning of a sequence: all rows, or one."""
        if row is None:
            lib.unroll_session_reset(self._s)
        else:
            call(lib.unroll_session_reset_row, self._s, row)

    def set(self, variable: str, value: Any, row: int = 0) -> None:
        """The value of a variable: an int is a symbol's number, a str its text, floats (a number or an array [width]) are numbers.

        What the net reads whole before its first step takes all steps: a str, numbers of symbols, an array [steps, width].
        """
        name = variable.encode()
        v = self._variables.get(variable)
        if isinstance(value, (str, bytes)):
            raw = value.encode() if isinstance(value, str) else value
            call(lib.unroll_session_set_text, self._s, row, name, raw, len(raw))
        elif isinstance(value, (int, np.integer)) and not (v and v.width):
            call(lib.unroll_session_set_symbol, self._s, row, name, int(value))
        elif v and v.symbols and not v.width:
            numbers = np.ascontiguousarray(value, np.int32).reshape(-1)
            call(lib.unroll_session_set_symbols, self._s, row, name, ffi.from_buffer("int32_t[]", numbers), len(numbers))
        else:
            x = np.ascontiguousarray(value, np.float64).reshape(-1)
            call(lib.unroll_session_set_doubles, self._s, row, name, ffi.from_buffer("double[]", x), len(x))

    def step(self, **values: Any) -> None:
        """One step of all rows. step(x=1.5) sets values of row 0 before."""
        for name, value in values.items():
            self.set(name, value)
        call(lib.unroll_session_step, self._s)

    def value(self, variable: str | None = None, row: int = 0) -> Value:
        """What the last step says of a predicted variable (None: the first): likeliest symbol and all probabilities, or means."""
        v = made("unroll_value")
        call(lib.unroll_session_value, self._s, row, _name(variable), v)
        return self._copied(v)

    def quantiles(self, levels: Sequence[float], variable: str | None = None, row: int = 0) -> np.ndarray:
        """float32 [levels, width]."""
        v = made("unroll_value")
        call(lib.unroll_session_value, self._s, row, _name(variable), v)
        out = np.empty((len(levels), max(v.width, 1)), np.float32)
        call(lib.unroll_session_quantiles, self._s, row, _name(variable), ffi.new("double[]", list(levels)), len(levels),
             ffi.from_buffer("float[]", out, require_writable=True))
        return out

    def argument(self, number: int, variable: str | None = None, row: int = 0) -> np.ndarray:
        """An argument of the distribution, as the manual of the language lists them: float32 [width]."""
        out, width = ffi.new("float **"), ffi.new("int *")
        call(lib.unroll_session_argument, self._s, row, _name(variable), number, out, width)
        x = view(self._s, out[0], np.float32, width[0])
        assert x is not None
        return x.copy()

    def draw(self, variable: str | None = None, row: int = 0, *, temperature: float = 1, top_k: int = 0, top_p: float = 1,
             seed: int = 1) -> Value:
        """Draws a value and sets it. What is drawn is a function of seed, row and step."""
        o, v = made("unroll_sample_options"), made("unroll_value")
        o.temperature, o.top_k, o.top_p, o.seed = temperature, top_k, top_p, seed
        call(lib.unroll_session_draw, self._s, row, _name(variable), o, v)
        return self._copied(v)

    @property
    def log_p(self) -> np.ndarray:
        """Of a text model: ln P(next symbol | everything so far), float32 [symbols]."""
        p = lib.unroll_session_log_p(self._s)
        x = view(self._s, p, np.float32, lib.unroll_model_symbols(self.model._m))
        if x is None:
            raise UsageError("not a model of one text, with one row: use 'value'", status=2)
        return x.copy()

    def feed(self, symbol: int | str) -> None:
        """Of a text model: the next symbol, by number or as text, and a step."""
        if isinstance(symbol, str):
            raw, taken = symbol.encode(), ffi.new("size_t *")
            number = lib.unroll_model_find(self.model._m, raw, len(raw), taken)
            if number < 0 or taken[0] != len(raw):
                raise UsageError(f"{symbol!r} is not one symbol that the model knows", status=2)
            symbol = number
        call(lib.unroll_session_feed, self._s, symbol)

    def clone(self) -> Session:
        """A second session that goes on from the same place."""
        out = ffi.new("unroll_session **")
        call(lib.unroll_session_clone, out, self._s)
        return Session(self.model, self.rows, out[0])

    def save(self) -> bytes:
        """The place, for `restore` in a session of as many rows of the same model."""
        out, size = ffi.new("void **"), ffi.new("size_t *")
        call(lib.unroll_session_save, self._s, out, size)
        try:
            return bytes(ffi.buffer(out[0], size[0]))
        finally:
            lib.unroll_free(out[0])

    def restore(self, place: bytes) -> None:
        call(lib.unroll_session_restore, self._s, ffi.from_buffer(place), len(place))

    def _copied(self, v: Any) -> Value:
        """The session's memory is valid until it is used again, so it is copied."""
        out = Value(self._s, v, None, False)
        for name, x in vars(out).items():
            if isinstance(x, np.ndarray):
                setattr(out, name, x.copy())
        return out
