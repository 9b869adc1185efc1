"""Training, and what it shows meanwhile."""

from __future__ import annotations

import math
import os
import sys
import tempfile
import time
import warnings
from dataclasses import dataclass
from typing import Any, Callable, Union

from ._data import Data, paths_of, table_of
from ._errors import UnrollWarning
from ._library import Call, call, ffi, lib, made, options_of, text
from ._model import Model
from ._net import net_file
from ._result import Figures, owned


@dataclass(frozen=True)
class Progress:
    """How far training is."""

    step: int  #: done
    steps: int  #: in all; 0: unknown
    epoch: int  #: from 1
    seconds: float  #: since the start of this call
    remaining: float  #: seconds, NaN when unknown
    loss: float  #: nats per symbol, training
    valid_bits: float  #: bits per symbol of the last validation, NaN before the first
    rate: float  #: learning rate
    gradient_norm: float  #: before clipping
    symbols_per_second: float
    validated: bool  #: a validation was made after this step
    best: bool  #: and it was the best so far


ProgressCall = Callable[[Progress], Any]


def _progress_of(p: Any) -> Progress:
    return Progress(p.step, p.steps, p.epoch, p.seconds, p.remaining, p.loss, p.valid_bits, p.rate, p.gradient_norm,
                    p.symbols_per_second, bool(p.validated), bool(p.best))


class Bar:
    """A line that is written again ten times a second, in a terminal or a notebook."""

    def __init__(self, out: Any = None, width: int = 24):
        self._out, self._width, self._last, self._length = out or sys.stderr, width, 0.0, 0

    def due(self, p: Any) -> bool:
        """Is it time for another line?"""
        return time.monotonic() - self._last >= 0.1 or p.step == p.steps

    def __call__(self, p: Progress) -> None:
        self._last = time.monotonic()
        full = self._width * p.step // p.steps if p.steps else 0
        line = f"[{'#' * full}{'.' * (self._width - full)}] {p.step}/{p.steps}, epoch {p.epoch}, loss {p.loss / math.log(2):.3f} bits"
        if not math.isnan(p.valid_bits):
            line += f", validation {p.valid_bits:.3f}"
        if not math.isnan(p.remaining):
            line += f", {p.remaining:.0f} s left"
        self._out.write("\r" + line.ljust(self._length))
        self._out.flush()
        self._length = len(line)

    def close(self) -> None:
        if self._length:
            self._out.write("\n")
            self._out.flush()


def _is_shown() -> bool:
    if "ipykernel" in sys.modules:
        return True
    return sys.stderr is not None and sys.stderr.isatty()


def _watch(c: Call, progress: ProgressCall | Bar | None) -> tuple[Any, list]:
    """unroll_watch, and what must live as long as it."""
    w = made("unroll_watch")

    def on_progress(_: Any, p: Any) -> int:
        if progress is None or (isinstance(progress, Bar) and not progress.due(p)):
            return c.raised is not None
        stop = c.back(progress, _progress_of(p))
        return bool(stop) or c.raised is not None

    def on_warning(_: Any, message: Any) -> None:
        c.back(warnings.warn, text(message), UnrollWarning, 8)

    kept = [ffi.callback("unroll_progress_call *", on_progress), ffi.callback("void(void *, const char *)", on_warning)]
    if progress is not None:
        w.progress = kept[0]
    w.warning = kept[1]
    return w, kept


def train(net: str | os.PathLike[str] | None, data: Data | None = None, *, output: str | os.PathLike[str] | None = None,
          progress: Union[bool, ProgressCall, None] = None, **options: Any) -> Model:
    """Trains a net and returns its best model.

    net       a built-in net ("names"), a file, or the text of a net
    data      a path, a list of paths, a list of texts, a dict of columns or a pandas frame; see the module's manual for columns
    output    the folder for model.safetensors, checkpoint.safetensors and log.jsonl; None: a temporary one
    progress  a function that gets a Progress after each step, and stops training (Interrupted) by returning True; True or False: a bar
              or none; None: a bar in a terminal or notebook
    options   those of `unroll train`, with _ for -: epochs=5, batch=64, lr=0.01, set={"hidden": 64}, valid=0.1 ...

    resume=FOLDER goes on from its checkpoint; net is None then. Ctrl-C ends with KeyboardInterrupt after a step; where there is an
    output, its checkpoint is written.
    """
    shown = progress if callable(progress) else Bar() if progress or (progress is None and _is_shown()) else None
    c = Call()
    w, kept = _watch(c, shown)
    model, figures = ffi.new("unroll_model **"), ffi.new("unroll_result **")
    with tempfile.TemporaryDirectory(prefix="unroll-") as folder, net_file(net or "") as name:
        if "resume" not in options:
            options = {"output": output if output is not None else os.path.join(folder, "model"), **options}
        elif output is not None:
            options = {"output": output, **options}
        o = options_of("train", options, c.stop)
        if net is not None:
            call(lib.unroll_options_set, o, b"net", name)
        paths = paths_of(data) if data is not None else []
        table = ffi.NULL
        if paths is None:
            table = table_of(data)
        for path in paths or []:
            call(lib.unroll_options_set, o, b"data", path)
        try:
            c.run(lib.unroll_train_watched, o, table, w, model, figures)
        finally:
            if isinstance(shown, Bar):
                shown.close()
    del kept
    return Model(model[0], Figures(owned(figures[0])))


def untrained(net: str | os.PathLike[str], data: Data | None = None, **options: Any) -> Model:
    """The model as training would begin with it: on data, or with made-up sizes of what only data would say."""
    out = ffi.new("unroll_model **")
    with net_file(net) as name:
        o = options_of("train", options)
        call(lib.unroll_options_set, o, b"net", name)
        paths = paths_of(data) if data is not None else []
        for path in paths or []:
            call(lib.unroll_options_set, o, b"data", path)
        call(lib.unroll_untrained, o, table_of(data) if paths is None else ffi.NULL, out)
    return Model(out[0])
