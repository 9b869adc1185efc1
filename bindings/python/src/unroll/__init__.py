"""unroll - recurrent networks from their equations.

    import unroll

    model = unroll.train("names", "places.txt", epochs=5)
    print(model.sample(5, seed=1))
    print(model.score(["Vilanova"]).log2_p)

A model comes from `train` or `load`. `explain`, `check`, `run`, `cells` and `nets` look at nets that are not trained. A column of data
that is a list or an array may have these forms:

    list or array of str          a text, label, date or name of a file each; None: missing
    array [n], list of numbers    a number each; NaN: missing
    array [n, width]              a vector each
    array [n, T, width]           T steps each
    list of n arrays [T] or [T, width]
                                  steps each, as many as there are
"""

from ._errors import BadInput, Error, Failed, Interrupted, UnrollWarning, UsageError
from ._library import lib as _lib
from ._library import text as _text
from ._model import Flow, Model, Series, Variable, Weights, load
from ._net import Net, cells, check, explain, nets, run, typeset
from ._result import Figures, Row, Rows, Value
from ._session import Session
from ._train import Progress, train, untrained

__version__: str = _text(_lib.unroll_version()) or ""
#: what the library was built with
parts: str = _text(_lib.unroll_parts()) or ""

__all__ = [
    "BadInput", "Error", "Failed", "Figures", "Flow", "Interrupted", "Model", "Net", "Progress", "Row", "Rows", "Series", "Session",
    "UnrollWarning", "UsageError", "Value", "Variable", "Weights", "cells", "check", "explain", "load", "nets", "parts", "run", "train",
    "typeset", "untrained",
]
