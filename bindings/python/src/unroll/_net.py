"""Nets that are not trained: what they are, whether their gradients are right, and what they make of given tensors."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from typing import Any, Iterator, Mapping

import numpy as np

from ._errors import BadInput
from ._library import Call, call, ffi, lib, made, options_of, take_text, text
from ._result import Figures, owned


@contextlib.contextmanager
def net_file(net: str | os.PathLike[str]) -> Iterator[bytes]:
    """The name or path of a net; a text with a line end or a ~ is the net itself, and becomes a file for a while."""
    net = os.fspath(net)
    if "\n" not in net and "~" not in net.lstrip("~"):
        yield os.fsencode(net)
        return
    with tempfile.TemporaryDirectory(prefix="unroll-") as folder:
        path = os.path.join(folder, "given.net")
        with open(path, "w", encoding="utf-8") as f:
            f.write(net if net.endswith("\n") else net + "\n")
        yield os.fsencode(path)


def _names(function: Any) -> list[str]:
    out: list[str] = []
    while (name := text(function(len(out)))) is not None:
        out.append(name)
    return out


def nets() -> list[str]:
    """The names of the built-in nets."""
    return _names(lib.unroll_net_name)


def cells() -> list[str]:
    """The names of the built-in cells."""
    return _names(lib.unroll_cell_name)


class Net:
    """What a net or cell is. str() has what `unroll explain` prints.

    parameters  name: shape, a tuple (rows, columns) or (n,)
    settings    name: number or word
    equations, gradient, plan: texts, an equation a line
    operations  of a training step's products; bytes: what the step needs beside weights and data
    """

    def __init__(self, pointer: Any):
        n = self._n = ffi.gc(pointer, lib.unroll_net_free)
        call(lib.unroll_net_plan, n)
        self.file: str = text(lib.unroll_net_file(n)) or ""
        self.n_weights = int(lib.unroll_net_weights(n))
        self.equations: str = text(lib.unroll_net_equations(n)) or ""
        self.gradient: str = text(lib.unroll_net_gradient(n)) or ""
        self.plan: str = text(lib.unroll_net_plan_text(n)) or ""
        self.operations: float = lib.unroll_net_operations(n)
        self.bytes = int(lib.unroll_net_bytes(n))
        self.settings: dict[str, float | str] = {}
        for i in range(lib.unroll_net_settings(n)):
            s = made("unroll_setting")
            call(lib.unroll_net_setting, n, i, s)
            self.settings[text(s.name) or ""] = s.number if s.word == ffi.NULL else text(s.word) or ""
        self.parameters: dict[str, tuple[int, ...]] = {}
        for i in range(lib.unroll_net_parameters(n)):
            p = made("unroll_parameter")
            call(lib.unroll_net_parameter, n, i, p)
            self.parameters[text(p.name) or ""] = (p.rows,) if p.is_vector else (p.rows, p.columns)
        out = ffi.new("char **")
        call(lib.unroll_net_text, n, out)
        self._text = take_text(out[0])

    def __str__(self) -> str:
        return self._text

    __repr__ = __str__


def explain(net: str | os.PathLike[str], **options: Any) -> Net:
    """What a net is: parameters, equations, their gradient, the plan. `net`: a name, a file (also a trained model) or the text of a
    net. Options: set={"hidden": 64}, batch, unroll ..."""
    out = ffi.new("unroll_net **")
    with net_file(net) as name:
        call(lib.unroll_net_new, out, name, options_of("explain", options))
        return Net(out[0])


def typeset(net: str | os.PathLike[str], form: str = "latex", set: Mapping[str, Any] | None = None) -> str:
    """Equations and gradient for a page: "latex", "mathml", or "dot", a drawing of what depends on what."""
    kept = [ffi.new("char[]", f"{k}={v}".encode()) for k, v in (set or {}).items()]
    out = ffi.new("char **")
    with net_file(net) as name:
        call(lib.unroll_typeset, name, ffi.new("char *[]", kept) if kept else ffi.NULL, len(kept), form.encode(), out)
    return take_text(out[0])


def check(net: str | os.PathLike[str], **options: Any) -> Figures:
    """Is the gradient right? figures["passed"], the worst differences, and those of each parameter."""
    c = Call()
    out = ffi.new("unroll_result **")
    with net_file(net) as name:
        c.run(lib.unroll_check, name, options_of("check", options, c.stop), out)
    return Figures(owned(out[0]))


# --- on tensors ---

_TYPES = {"F32": "<f4", "F64": "<f8", "I32": "<i4", "I64": "<i8", "U8": "|u1"}
_NAMES = {np.dtype(v): k for k, v in _TYPES.items()}


def _write_tensors(path: str, tensors: Mapping[str, Any]) -> None:
    head, blocks, at = {}, [], 0
    for name, x in tensors.items():
        x = np.asarray(x)
        if x.dtype not in _NAMES:
            x = x.astype(np.int64 if x.dtype.kind in "biu" else np.float64)
        raw = np.ascontiguousarray(x).tobytes()
        head[name] = {"dtype": _NAMES[x.dtype], "shape": list(x.shape), "data_offsets": [at, at + len(raw)]}
        blocks.append(raw)
        at += len(raw)
    words = json.dumps(head).encode()
    words += b" " * (-len(words) % 8)
    with open(path, "wb") as f:
        f.write(len(words).to_bytes(8, "little") + words)
        f.writelines(blocks)


def _read_tensors(path: str) -> dict[str, np.ndarray]:
    with open(path, "rb") as f:
        raw = f.read()
    start = 8 + int.from_bytes(raw[:8], "little")
    out = {}
    for name, t in json.loads(raw[8:start]).items():
        if name == "__metadata__":
            continue
        if t["dtype"] not in _TYPES:
            raise BadInput(f"a tensor of {t['dtype']}", file=path, status=3)
        a, b = t["data_offsets"]
        out[name] = np.frombuffer(raw[start + a : start + b], _TYPES[t["dtype"]]).reshape(t["shape"])
    return out


def run(net: str | os.PathLike[str], weights: Mapping[str, Any], inputs: Mapping[str, Any], *, grad: bool = False,
        reference: bool = False, **options: Any) -> dict[str, np.ndarray]:
    """A net or cell on given tensors, as `unroll run`: time first, x is [T, B, N], symbols are [T, B], lengths [B]; matrices are
    [out, in]. Outputs, final states ("h[T]") and the losses come back by name; with grad=True also "d.Wi", "d.x", "d.h[0]", for
    cotangents "d.h" in the inputs. reference=True: in double precision by the plain interpreter."""
    with tempfile.TemporaryDirectory(prefix="unroll-") as folder, net_file(net) as name:
        w, x, y = (os.path.join(folder, f) for f in ("w.safetensors", "x.safetensors", "y.safetensors"))
        _write_tensors(w, weights)
        _write_tensors(x, inputs)
        c = Call()
        given = {"weights": w, "inputs": x, "output": y, "grad": grad or None, "reference": reference or None, **options}
        c.run(lib.unroll_run, name, options_of("run", given, c.stop))
        return _read_tensors(y)
