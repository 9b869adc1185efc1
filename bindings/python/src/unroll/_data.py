"""Data: paths, texts, columns of numpy and pandas become the library's table.

A column's form says what its rows are:

  list or array of str          a text, label, date or name of a file each; None and NaN: missing
  list of lists of str          words, with spaces between them
  array [n], list of numbers    a number each; NaN: missing
  array [n, width]              a vector each
  array [n, T, width]           T steps each
  list of n arrays [T], [T, width], or lists of numbers
                                steps each, as many as there are
  dates (datetime64, date)      written as ISO dates
"""

from __future__ import annotations

import datetime
import os
from typing import Any, Iterable, Mapping, Sequence, Union

import numpy as np

from ._errors import UsageError
from ._library import call, ffi, lib

Data = Union[str, "os.PathLike[str]", Sequence[Any], Mapping[str, Any], np.ndarray, Any]


def _missing(x: Any) -> bool:
    return x is None or (isinstance(x, (float, np.floating)) and x != x) or type(x).__name__ in ("NAType", "NaTType")


def _text(x: Any) -> bytes:
    if _missing(x):
        return b""
    if isinstance(x, bytes):
        return x
    if isinstance(x, os.PathLike):
        return os.fsencode(x)
    if isinstance(x, datetime.datetime):
        return (x.date() if x.time() == datetime.time() else x).isoformat(*([] if x.time() == datetime.time() else [" "])).encode()
    if isinstance(x, datetime.date):
        return x.isoformat().encode()
    if isinstance(x, (list, tuple, np.ndarray)):
        return b" ".join(_text(y) for y in x)
    return str(x).encode()


def _add_texts(table: Any, name: str, column: Iterable[Any]) -> None:
    texts = [_text(x) for x in column]
    kept = [ffi.new("char[]", x) for x in texts]
    call(lib.unroll_table_add_texts, table, name.encode(), ffi.new("char *[]", kept), ffi.new("size_t[]", [len(x) for x in texts]),
         len(texts))


def _add_numbers(table: Any, name: str, column: Any) -> None:
    x = np.ascontiguousarray(column, np.float64)
    call(lib.unroll_table_add_numbers, table, name.encode(), ffi.from_buffer("double[]", x), len(x))


def _add_sequences(table: Any, name: str, column: Sequence[Any]) -> None:
    rows = [np.zeros(0, np.float32) if x is None else np.asarray(x, np.float32) for x in column]
    shape = next((x.shape[1:] for x in rows if x.size), ())
    if len(shape) > 1 or any(x.size and x.shape[1:] != shape for x in rows):
        raise UsageError(f"column '{name}': sequences are arrays [T] or [T, width], all of one width", status=2)
    width = shape[0] if shape else 1
    first = np.zeros(len(rows) + 1, np.int64)
    np.cumsum([len(x) if x.size else 0 for x in rows], out=first[1:])
    all_ = np.concatenate([x.reshape(-1) for x in rows]) if rows else np.zeros(0, np.float32)
    all_ = np.ascontiguousarray(all_ if all_.size else np.zeros(1, np.float32))
    call(lib.unroll_table_add_sequences, table, name.encode(), ffi.from_buffer("float[]", all_), ffi.from_buffer("int64_t[]", first),
         len(rows), width)


def _add_array(table: Any, name: str, x: np.ndarray) -> None:
    if x.dtype.kind == "M":
        whole = x.astype("datetime64[D]")
        texts = np.datetime_as_string(whole if (whole == x)[~np.isnat(x)].all() else x.astype("datetime64[s]"))
        _add_texts(table, name, ["" if t == "NaT" else t.replace("T", " ") for t in texts.tolist()])
    elif x.dtype.kind not in "biuf":
        _add_list(table, name, x.tolist())
    elif x.ndim == 1:
        _add_numbers(table, name, x)
    elif x.ndim == 2:
        rows = np.ascontiguousarray(x, np.float32)
        call(lib.unroll_table_add_vectors, table, name.encode(), ffi.from_buffer("float[]", rows), len(rows), rows.shape[1])
    elif x.ndim == 3:
        _add_sequences(table, name, list(x))
    else:
        raise UsageError(f"column '{name}' is an array of {x.ndim} dimensions, and may have 1 to 3", status=2)


def _add_list(table: Any, name: str, column: list) -> None:
    some = next((x for x in column if not _missing(x)), "")
    if isinstance(some, (list, tuple, np.ndarray)):
        inner = next((y for x in column if not _missing(x) for y in x), 0.0)
        if isinstance(inner, (str, bytes)):
            _add_texts(table, name, column)
        else:
            _add_sequences(table, name, [None if _missing(x) else x for x in column])
    elif isinstance(some, (bool, int, float, np.number, np.bool_)):
        _add_numbers(table, name, [np.nan if _missing(x) else x for x in column])
    elif isinstance(some, np.datetime64):
        _add_array(table, name, np.asarray(column, "datetime64"))
    else:
        _add_texts(table, name, column)


def add_column(table: Any, name: str, column: Any) -> None:
    if hasattr(column, "to_numpy"):  # of pandas
        column = column.to_numpy()
    if isinstance(column, np.ndarray):
        _add_array(table, name, column)
    else:
        _add_list(table, name, list(column))


def paths_of(data: Data) -> list[bytes] | None:
    """The files that the data is, or None: a str or a path, or a list of paths. (A list of str is texts.)"""
    if isinstance(data, (str, os.PathLike)):
        return [os.fsencode(data)]
    if isinstance(data, (list, tuple)) and data and all(isinstance(x, os.PathLike) for x in data):
        return [os.fsencode(x) for x in data]
    return None


def table_of(data: Data, only: str | None = None) -> Any:
    """unroll_table of the data. `only`: the name of the column that a list or an array is."""
    table = ffi.gc(lib.unroll_table_new(), lib.unroll_table_free)
    if table == ffi.NULL:
        raise MemoryError
    paths = paths_of(data)
    if paths is not None:
        for path in paths:
            call(lib.unroll_table_read, table, path)
    elif hasattr(data, "columns") and hasattr(data, "__getitem__"):  # a frame
        for name in data.columns:
            add_column(table, str(name), data[name])
    elif isinstance(data, Mapping):
        for name, column in data.items():
            add_column(table, str(name), column)
    else:
        add_column(table, only or "text", data)
    return table
