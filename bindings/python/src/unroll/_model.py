"""A trained net."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Iterator, Mapping, Sequence

import numpy as np

from ._data import Data, table_of
from ._errors import UsageError
from ._library import Call, call, ffi, lib, made, options_of, take_text, text, view
from ._result import Figures, Rows, column, owned, warn_left_out
from ._session import Session


@dataclass(frozen=True)
class Variable:
    """A `data` line of a net."""

    name: str
    kind: str  #: "words", "numbers" ...
    has_steps: bool  #: a value at each step; else one for each example
    predicted: bool
    fed_back: bool  #: its earlier values are inputs
    symbols: int  #: how many there are; 0: numbers
    width: int  #: numbers of a value; 0: symbols
    distribution: str | None  #: that predicts it
    unit: str  #: "chars", "words", "labels", "numbers" ...


@dataclass(frozen=True)
class Series:
    """What a model of series with dates was trained on."""

    time: str  #: the column of dates
    series: str | None  #: the column that names the series
    context: int  #: steps that a window knows
    horizon: int  #: steps to forecast


@dataclass(frozen=True)
class Flow:
    """How the derivative of a loss fades or grows over the steps before it."""

    norms: dict[str, np.ndarray]  #: of each state float64 [lags + 1]: |dL[t] / ds[t - k]|
    figures: Figures  #: "exponent"; "matrices": spectral radius, largest and least singular value of each


class Weights(Mapping):
    """Parameters by name: float32 [rows, columns] or [n], which look into the model's memory and cannot be written."""

    def __init__(self, model: Model):
        self._all: dict[str, np.ndarray] = {}
        for i in range(lib.unroll_model_parameters(model._m)):
            p = made("unroll_parameter")
            call(lib.unroll_model_parameter, model._m, i, p)
            x = view(model._m, p.data, np.float32, *([p.rows] if p.is_vector else [p.rows, p.columns]))
            if x is not None:
                self._all[text(p.name) or ""] = x

    def __getitem__(self, name: str) -> np.ndarray:
        return self._all[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def __repr__(self) -> str:
        return "Weights(" + ", ".join(f"{k} {list(v.shape)}" for k, v in self._all.items()) + ")"


class Model:
    """A trained net: equations, weights, settings and vocabulary. Made by unroll.load or unroll.train; threads may share it.

    `data` of its methods: a path, a list of paths, a list of texts, a dict of columns, a pandas frame; of a model that is given one
    variable also a list or an array of that alone. `options` are those of the command that has the method's name, with _ for -.
    """

    def __init__(self, pointer: Any, figures: Figures | None = None):
        self._m = ffi.gc(pointer, lib.unroll_model_free)
        #: what training came to: "loss", "best_valid_bits", "seconds" ...; of a loaded model empty
        self.figures = figures if figures is not None else Figures()

    # --- what it is ---

    @property
    def equations(self) -> str:
        """The text of the net."""
        return text(lib.unroll_model_equations(self._m)) or ""

    def typeset(self, form: str = "latex") -> str:
        """Equations and gradient for a page: "latex", "mathml", or "dot", a drawing of what depends on what."""
        out = ffi.new("char **")
        call(lib.unroll_model_typeset, self._m, form.encode(), out)
        return take_text(out[0])

    @property
    def n_weights(self) -> int:
        return int(lib.unroll_model_weights(self._m))

    @property
    def weights(self) -> Weights:
        """Parameters by the names that `unroll.explain` has: float32 [rows, columns] or [n]. Nothing is copied."""
        return Weights(self)

    @property
    def variables(self) -> list[Variable]:
        out = []
        for i in range(lib.unroll_model_variables(self._m)):
            v = made("unroll_variable")
            call(lib.unroll_model_variable, self._m, i, v)
            out.append(Variable(text(v.name) or "", text(v.kind) or "", bool(v.has_steps), bool(v.predicted), bool(v.fed_back),
                                v.symbols, v.width, text(v.distribution), text(v.unit) or ""))
        return out

    @property
    def series(self) -> Series | None:
        """Of a model of series with dates; else None."""
        s = made("unroll_series")
        call(lib.unroll_model_series, self._m, s)
        return None if s.time == ffi.NULL else Series(text(s.time) or "", text(s.series), s.context, s.horizon)

    @property
    def values(self) -> list[str]:
        """The named values of the equations, for `trace`."""
        out: list[str] = []
        while (name := text(lib.unroll_model_value(self._m, len(out)))) is not None:
            out.append(name)
        return out

    def label(self, variable: str, symbol: int) -> str:
        """The text of a symbol of a variable: a label, a word, a character; "" for the end of a sequence."""
        length = ffi.new("size_t *")
        s = lib.unroll_model_label(self._m, variable.encode(), symbol, length)
        if s == ffi.NULL:
            raise UsageError(f"'{variable}' has no symbol {symbol}", status=2)
        return text(s, length[0]) or ""

    def labels(self, variable: str | None = None) -> list[str]:
        """The texts of all symbols of a variable (None: the first that is predicted)."""
        v = self._symbols(variable)
        return [self.label(v.name, i) for i in range(v.symbols)]

    def set_precision(self, precision: str) -> None:
        """"fp32", "bf16" or "int8": of all calls from here on. Before threads share the model and before there are sessions."""
        call(lib.unroll_model_set_precision, self._m, precision.encode())

    def _symbols(self, variable: str | None) -> Variable:
        for v in self.variables:
            if v.predicted and v.symbols if variable is None else v.name == variable:
                return v
        raise UsageError("no variable of symbols is predicted" if variable is None else f"no variable '{variable}'", status=2)

    # --- what it does ---

    def predict(self, data: Data, **options: Any) -> Rows:
        """What the model says of each example: rows["label"] are the labels or means of all. `p` of rows[i]["label"] is float32
        [steps], with probabilities=True its `probabilities` [steps, symbols], with quantiles=[...] of numbers `quantiles` [steps, levels,
        width]. Of nets that generate a row for each hypothesis (beam, n_best) or
        draw (samples, temperature)."""
        return self._rows(lib.unroll_predict, "predict", data, options)

    def probabilities(self, data: Data, variable: str | None = None, **options: Any) -> Any:
        """Of each example the probabilities of all symbols, in the order of `labels`: float32 [examples, symbols]; of a variable
        with steps a list of [steps, symbols], or an array where all have as many."""
        v = self._symbols(variable)
        rows = self.predict(data, probabilities=True, **options)
        out = [row[v.name].probabilities for row in rows]
        if any(x is None for x in out):
            raise UsageError(f"'{v.name}' has no probabilities of all symbols", status=2)
        return column([x if v.has_steps else x[0] for x in out])

    def sample(self, number: int = 1, **options: Any) -> list[Any]:
        """Draws sequences: a list of `number` texts, or values of the first variable that is predicted. Options of `unroll sample`:
        prime, temperature, top_k, top_p, length, seed, text ..."""
        rows = self.generate(number, **options)
        return [row[rows.variables[0]].value for row in rows]

    def generate(self, number: int = 1, **options: Any) -> Rows:
        """As `sample`, with all that is known of each: log2_p, every variable, symbols."""
        c = Call()
        out = ffi.new("unroll_result **")
        c.run(lib.unroll_generate, self._m, options_of("sample", {"number": number, **options}, c.stop), out)
        return Rows(owned(out[0]), self)

    def score(self, data: Data, **options: Any) -> Rows:
        """log2 P of each example by the chain rule: rows.log2_p is float64 [examples]; of each step in rows[i][variable].log2_p. Of all
        together rows.figures."""
        return self._rows(lib.unroll_score_table, "score", data, options)

    def evaluate(self, data: Data, **options: Any) -> Figures:
        """Figures of the model on data that has what is predicted: figures["bits"], figures["variables"]["label"]["accuracy"] ...; with
        confusion=True, figures.confusions."""
        return self._rows(lib.unroll_evaluate, "eval", data, options).figures

    def forecast(self, data: Data, horizon: int | None = None, **options: Any) -> Rows:
        """How series with dates go on, a row for each: rows[i].series, .times, and of each predicted variable `numbers` [horizon, width]
        and `quantiles` [horizon, levels, width]."""
        if self.series is None:
            raise UsageError("this model is not of series with dates: train it with the option 'time'", status=2)
        return self.predict(data, horizon=horizon, **options)

    def trace(self, data: Data, names: str | Sequence[str] | None = None, **options: Any) -> dict[str, list[np.ndarray]]:
        """Values of variables of the equations at each step: of each name (None: all `values`) a list of arrays float64 [steps, width],
        one for each example. Gates are "h.i", weights of an attention "a.weights". Of a variable of symbols what went in, as text."""
        wanted = self.values if names is None else [names] if isinstance(names, str) else list(names)
        kept = [ffi.new("char[]", name.encode()) for name in wanted]
        c = Call()
        out = ffi.new("unroll_result **")
        o = options_of("trace", options, c.stop)
        c.run(lib.unroll_trace, self._m, self._table(data), ffi.new("char *[]", kept), len(kept), o, out)
        rows = Rows(owned(out[0]), self)
        traced: dict[str, list] = {}
        for name in wanted:
            values = [rows._value(i, name) for i in range(len(rows))]
            traced[name] = [v.value if v.numbers is None else v.numbers for v in values]
        return traced

    def flow(self, data: Data | None = None, **options: Any) -> Flow:
        """How the derivative of one loss by each state fades or grows over the steps before it; data None: on made-up data."""
        c = Call()
        out = ffi.new("unroll_result **")
        o = options_of("flow", options, c.stop)
        c.run(lib.unroll_flow, self._m, ffi.NULL if data is None else self._table(data), o, out)
        rows = Rows(owned(out[0]), None)
        norms = {row.series: row["norms"].numbers[:, 0] for row in rows}
        return Flow(norms, rows.figures)

    def session(self, rows: int = 1) -> Session:
        """Sequences under way, a step at a time, `rows` side by side."""
        return Session(self, rows)

    # --- within ---

    def _table(self, data: Data) -> Any:
        given = [v.name for v in self.variables if not v.predicted] or [v.name for v in self.variables]
        return table_of(data, given[0] if len(given) == 1 else None)

    def _rows(self, function: Any, command: str, data: Data, options: dict[str, Any]) -> Rows:
        c = Call()
        out = ffi.new("unroll_result **")
        c.run(function, self._m, self._table(data), options_of(command, options, c.stop), out)
        result = owned(out[0])
        warn_left_out(result)
        return Rows(result, self)

    def __repr__(self) -> str:
        names = ", ".join(v.name + (" ~ " + v.distribution if v.distribution else "") for v in self.variables)
        return f"<unroll.Model of {names}; {self.n_weights} weights>"


def load(path: str | os.PathLike[str] | bytes) -> Model:
    """A model from its file (model.safetensors), from the folder of its training, or from the bytes of such a file."""
    out = ffi.new("unroll_model **")
    if isinstance(path, (bytes, bytearray, memoryview)):
        data = ffi.from_buffer(path)
        call(lib.unroll_model_load_memory, out, data, len(data))
        return Model(out[0])
    path = os.fspath(path)
    if os.path.isdir(path):
        path = os.path.join(path, "model.safetensors")
    call(lib.unroll_model_load, out, os.fsencode(path))
    return Model(out[0])


