#!/usr/bin/env python3
"""golden.py - writes tests/golden/*.safetensors: what PyTorch makes of the recurrent nets that it has too.

Run by hand, when a case is added:  python3 tools/golden.py   (needs torch, numpy, safetensors; in double precision, on the CPU)

A file is one case. Its tensors are `weight:NAME`, `input:NAME` and `output:NAME`, where NAME is what `unroll run` calls it; its
metadata has either `cell`, the name of a built-in one, or `net`, the text of a net. Sequences are ragged, states start from
numbers, and the gradient is that of the sum of outputs and final states, each times a cotangent. tests/train/test_golden.c reads
them. The same numbers come out every time.
"""
import pathlib
import numpy
import torch
from safetensors.numpy import save_file

INPUT, HIDDEN, PROJECTED, LENGTHS = 3, 4, 3, [3, 5, 1, 4]
T, B = max(LENGTHS), len(LENGTHS)
FOLDER = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden"


def lstm_names(prefix, w_ih, w_hh, b, w_hr=None):
    out = {}
    for k, gate in enumerate("ifgo"):
        rows = slice(k * HIDDEN, (k + 1) * HIDDEN)
        out |= {f"{prefix}W{gate}": w_ih[rows], f"{prefix}U{gate}": w_hh[rows], f"{prefix}b{gate}": b[0][rows]}
    if w_hr is not None:
        out[f"{prefix}P"] = w_hr
    return out


def gru_names(prefix, w_ih, w_hh, b):
    out = {}
    for k, gate in enumerate("rzc"):
        rows = slice(k * HIDDEN, (k + 1) * HIDDEN)
        out |= {f"{prefix}W{gate}": w_ih[rows], f"{prefix}U{gate}": w_hh[rows]}
        if gate == "c":
            out |= {f"{prefix}bc": b[1][rows], f"{prefix}buc": b[2][rows]}
        else:
            out[f"{prefix}b{gate}"] = b[0][rows]
    return out


def rnn_names(prefix, w_ih, w_hh, b):
    return {f"{prefix}Wxh": w_ih, f"{prefix}Whh": w_hh, f"{prefix}b": b[0]}


# cell: (module, states besides h, names of its weights). b is (of the sum, of the input's bias, of the state's bias).
CELLS = {
    "rnn": (lambda **o: torch.nn.RNN(**o), [], rnn_names),
    "rnn_relu": (lambda **o: torch.nn.RNN(nonlinearity="relu", **o), [], rnn_names),
    "lstm": (lambda **o: torch.nn.LSTM(**o), ["c"], lstm_names),
    "lstm_projection": (lambda **o: torch.nn.LSTM(proj_size=PROJECTED, **o), ["c"], lstm_names),
    "gru_reset_after": (lambda **o: torch.nn.GRU(**o), [], gru_names),
}


def net_text(cell, layers, directions, size):
    """The net, and for each layer and direction the prefix of its weights and the names of h and c."""
    extra = f", projection = {PROJECTED}" if cell == "lstm_projection" else ""
    lines = ["data x : numbers", f"data y : numbers({directions * size})"]
    paths = []
    if directions == 1:
        lines.append(f"h = {cell}(x, {HIDDEN}, layers = {layers}{extra})")
        for k in range(layers):
            path = f"h.{k + 1}" if layers > 1 else "h"
            paths.append([(path + ".", "h" if k == layers - 1 else path, path + ".c")])
    else:
        below = "x"
        for k in range(1, layers + 1):
            lines.append(f"f{k} = {cell}({below}, {HIDDEN}{extra})")
            lines.append(f"g{k} = {cell}({below}, {HIDDEN}, backward{extra})")
            below = f"[f{k}, g{k}]"
            paths.append([(f"{n}{k}.", f"{n}{k}", f"{n}{k}.c") for n in "fg"])
        lines.append(f"h = {below}")
    lines.append("y ~ gaussian(mean = h, scale = 1)")
    return "\n".join(lines) + "\n", paths


def numbers(random, *shape):
    return torch.tensor(random.uniform(-1, 1, shape), dtype=torch.float64)


def make(cell, layers, directions, seed):
    random = numpy.random.RandomState(seed)
    new, others, names = CELLS[cell]
    size = PROJECTED if cell == "lstm_projection" else HIDDEN
    module = new(input_size=INPUT, hidden_size=HIDDEN, num_layers=layers, bidirectional=directions == 2).double()
    for p in module.parameters():
        p.data = 0.7 * numbers(random, *p.shape)
    x = numbers(random, T, B, INPUT).requires_grad_()
    starts = [numbers(random, layers * directions, B, n).requires_grad_() for n in [size] + [HIDDEN] * len(others)]
    packed = torch.nn.utils.rnn.pack_padded_sequence(x, LENGTHS, enforce_sorted=False)
    packed, finals = module(packed, tuple(starts) if others else starts[0])
    h, _ = torch.nn.utils.rnn.pad_packed_sequence(packed, total_length=T)
    finals = list(finals) if others else [finals]
    d_h, d_finals = numbers(random, *h.shape), [numbers(random, *f.shape) for f in finals]
    ((h * d_h).sum() + sum((f * d).sum() for f, d in zip(finals, d_finals))).backward()

    alone = layers == 1 and directions == 1
    net, paths = ("", [[("", "h", "c")]]) if alone else net_text(cell, layers, directions, size)
    out = {"input:x": x, "input:lengths": torch.tensor(LENGTHS), "input:d.h": d_h, "output:h": h, "output:d.x": x.grad}
    for k in range(layers):
        for d in range(directions):
            prefix, *states = paths[k][d]
            for name, start, final, d_final in zip(states, starts, finals, d_finals):
                i = k * directions + d
                out |= {f"input:{name}[0]": start[i], f"input:d.{name}[T]": d_final[i]}
                out |= {f"output:{name}[T]": final[i], f"output:d.{name}[0]": start.grad[i]}
            own = [getattr(module, f"{n}_l{k}{'_reverse' if d else ''}") for n in ["weight_ih", "weight_hh", "bias_ih", "bias_hh"]]
            hr = [getattr(module, f"weight_hr_l{k}{'_reverse' if d else ''}")] if cell == "lstm_projection" else []
            values = names(prefix, own[0], own[1], (own[2] + own[3], own[2], own[3]), *hr)
            grads = names(prefix, own[0].grad, own[1].grad, (own[2].grad, own[2].grad, own[3].grad), *[w.grad for w in hr])
            out |= {f"weight:{n}": v for n, v in values.items()} | {f"output:d.{n}": v for n, v in grads.items()}

    metadata = {"made with": f"torch {torch.__version__.split('+')[0]}, tools/golden.py"}
    metadata |= {"cell": cell} if alone else {"net": net}
    path = FOLDER / f"{cell}_{layers}_{directions}.safetensors"
    save_file({n: numpy.ascontiguousarray(v.detach().numpy()) for n, v in out.items()}, path, metadata)
    print(f"{path.name}: {path.stat().st_size} bytes")


def main():
    FOLDER.mkdir(exist_ok=True)
    torch.set_num_threads(1)
    seed = 0
    for cell in CELLS:
        for layers in 1, 2, 3:
            for directions in 1, 2:
                seed += 1
                if cell != "lstm_projection" or (FOLDER.parent.parent / "cells" / "lstm_projection.cell").exists():
                    make(cell, layers, directions, seed)


if __name__ == "__main__":
    main()
