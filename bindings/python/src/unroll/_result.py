"""What calls come to: rows of values, and figures. Arrays look into the library's memory, which lives as long as they do."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Iterator

import numpy as np

from ._errors import UnrollWarning
from ._library import call, error_of, ffi, lib, made, text, view

if TYPE_CHECKING:
    from ._model import Model


class Value:
    """What a row says of a variable. What does not fit it is None.

    name           of the variable
    steps          how many; 1 where it has none
    numbers        float64 [steps, width]: means, draws, traced values
    levels         float64 [levels], of the quantiles
    quantiles      float64 [steps, levels, width]
    symbols        int32 [steps]: likeliest or drawn ones
    p              float32 [steps]: the probability of each
    probabilities  float32 [steps, symbols]: of all symbols, where they were asked for
    top, top_p     int32, float32 [steps, K]: option top=K, the likeliest symbols with their probabilities
    log2_p         float64 [terms]: scored, of each step and of the end
    text           the symbols put together
    labels         of labels a list, one each step
    times          float64 [steps]: seconds at which the symbols of a recording begin
    """

    def __init__(self, owner: Any, v: Any, labels: list[str] | None, has_steps: bool):
        steps, width, levels = v.steps, v.width, v.n_levels
        self.name: str = text(v.name) or ""
        self.steps: int = steps
        self.numbers = view(owner, v.numbers, np.float64, steps, width)
        self.levels = view(owner, v.levels, np.float64, levels)
        self.quantiles = view(owner, v.quantiles, np.float64, steps, levels, width)
        self.symbols = view(owner, v.symbols, np.int32, steps)
        self.p = view(owner, v.p, np.float32, steps)
        self.probabilities = view(owner, v.probabilities, np.float32, steps, v.n_probabilities)
        self.log2_p = view(owner, v.log2_p, np.float64, v.n_log2_p)
        self.top = view(owner, v.top, np.int32, steps, v.n_top)
        self.top_p = view(owner, v.top_p, np.float32, steps, v.n_top)
        self.times = view(owner, v.times, np.float64, steps)
        self.text = text(v.text, v.length)
        self.labels = labels
        self._has_steps = has_steps

    @property
    def value(self) -> Any:
        """The value itself: a text; of labels at each step a list; numbers [steps, width], without an axis where it is one."""
        if self.numbers is None and self.symbols is not None or self.numbers is None and self.text is not None:
            return self.labels if self.labels is not None else self.text
        if self.numbers is None:
            return None
        x = self.numbers if self._has_steps else self.numbers[0]
        x = x[..., 0] if x.shape[-1] == 1 else x
        return float(x) if x.ndim == 0 else x

    def __repr__(self) -> str:
        return f"<{self.name}: {self.value!r}>"


class Row:
    """One example, hypothesis, draw or forecast: row["label"] is its Value of a variable.

    example  which row of the data, from 0
    number   of the hypothesis by rank, or of the sample, from 0
    log2_p   of all that is predicted, of generated and scored rows; else NaN
    ended    generated: it came to its end
    series   forecasts: the name of the series, else ""
    times    forecasts: a list of [steps] dates, else None
    """

    def __init__(self, rows: Rows, number: int):
        r = made("unroll_row")
        call(lib.unroll_result_row, rows._r, number, r)
        self._rows, self._number = rows, number
        self.example: int = r.example
        self.number: int = r.number
        self.log2_p: float = r.log2_p
        self.ended = bool(r.ended)
        self.series: str = text(r.series) or ""
        self.times: list[str] | None = None
        if r.times != ffi.NULL:
            v = made("unroll_value")
            call(lib.unroll_result_value, rows._r, number, ffi.NULL, v)
            self.times = [text(r.times[i]) or "" for i in range(v.steps)]

    def __getitem__(self, variable: str) -> Value:
        return self._rows._value(self._number, variable)

    def keys(self) -> list[str]:
        return list(self._rows.variables)

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows.variables)

    def __repr__(self) -> str:
        return "<" + ", ".join(f"{k}: {self[k].value!r}" for k in self) + ">"


class Rows(Sequence):
    """Rows of a result. rows[0] is a Row; rows["label"] is a list of the values of all rows, or an array [rows, ...] of numbers
    where all have one shape."""

    def __init__(self, result: Any, model: Model | None):
        self._r, self._model = result, model
        self._lists = {v.name: (v.has_steps, v.unit == "labels") for v in model.variables} if model is not None else {}
        n = lib.unroll_result_variables(result)
        #: the names of what rows have values of
        self.variables: list[str] = [text(lib.unroll_result_variable(result, i)) or "" for i in range(n)]
        #: what the whole came to; empty where there is nothing
        self.figures = Figures(result)

    def __len__(self) -> int:
        return int(lib.unroll_result_rows(self._r))

    def __getitem__(self, at: Any) -> Any:
        if isinstance(at, str):
            if at not in self.variables:
                raise KeyError(at)
            return column([self._value(i, at).value for i in range(len(self))])
        if isinstance(at, slice):
            return [Row(self, i) for i in range(*at.indices(len(self)))]
        at = at + len(self) if at < 0 else at
        if not 0 <= at < len(self):
            raise IndexError(at)
        return Row(self, at)

    @property
    def log2_p(self) -> np.ndarray:
        """float64 [rows]: log2 of the probability of each; NaN where it has none."""
        return np.array([row.log2_p for row in self], np.float64)

    def _value(self, number: int, variable: str) -> Value:
        v = made("unroll_value")
        call(lib.unroll_result_value, self._r, number, variable.encode(), v)
        has_steps, is_label = self._lists.get(variable, (True, False))
        labels = None
        if has_steps and is_label and v.symbols != ffi.NULL and self._model is not None:
            labels = [self._model.label(variable, v.symbols[i]) for i in range(v.steps)]
        return Value(self._r, v, labels, has_steps)

    def __repr__(self) -> str:
        shown = ", ".join(repr(row) for row in self[:5])
        return f"Rows({len(self)}: {shown}{', ...' if len(self) > 5 else ''})"


def column(values: list) -> Any:
    """A list, or an array where all are numbers of one shape."""
    if values and all(isinstance(x, (float, np.ndarray)) for x in values) and len({np.shape(x) for x in values}) == 1:
        return np.stack(values)
    return values


class Figures(dict):
    """Figures by name, as `--json` has them: figures["accuracy"]. Parts are within: figures["variables"]["label"]["accuracy"], and
    of a list by their labels: figures["variables"]["label"]["labels"]["good"]["f1"]. NaN: not defined."""

    def __init__(self, result: Any = None):
        super().__init__()
        #: variable: (labels [n], int64 [n, n]: how often for the true one (row) which was predicted (column))
        self.confusions: dict[str, tuple[list[str], np.ndarray]] = {}
        if result is not None:
            self._take(result)

    def _take(self, r: Any) -> None:
        all_: list[Figures] = []
        for i in range(lib.unroll_result_subjects(r)):
            s = made("unroll_subject")
            call(lib.unroll_result_subject, r, i, s)
            all_.append(self if s.parent < 0 else Figures())
            if s.parent >= 0:
                name = text(s.label, s.length) if s.is_element else text(s.name)
                all_[s.parent][name] = all_[i]
        for i in range(lib.unroll_result_figures(r)):
            f = made("unroll_figure")
            call(lib.unroll_result_figure, r, i, f)
            unit, value = text(f.unit), f.value
            if f.word != ffi.NULL:
                out: Any = text(f.word)
            elif math.isnan(value):
                out = value
            else:
                out = bool(value) if unit == "flag" else int(value) if unit == "count" else value
            (all_[f.subject] if all_ else self)[text(f.name)] = out
        for i in range(lib.unroll_result_confusions(r)):
            c = made("unroll_confusion")
            call(lib.unroll_result_confusion, r, i, c)
            labels = [text(c.labels[k], c.lengths[k]) or "" for k in range(c.n)]
            counts = view(r, c.counts, np.int64, c.n, c.n)
            assert counts is not None
            self.confusions[text(c.variable) or ""] = (labels, counts)


def warn_left_out(result: Any) -> None:
    """Warns of the rows that option skip_bad left out."""
    err, i = ffi.new("unroll_error *"), 0
    while not lib.unroll_result_left_out(result, i, err, ffi.NULL):
        warnings.warn(str(error_of(err)), UnrollWarning, stacklevel=4)
        i += 1


def owned(pointer: Any) -> Any:
    return ffi.gc(pointer, lib.unroll_result_free)


