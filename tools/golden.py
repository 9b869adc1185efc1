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
VALUES, OTHER_LENGTHS = 5, [2, 1, 6, 4]  # of attention: what is looked at has lengths of its own
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


def within(lengths):
    """[T, B]: is there a step?"""
    return torch.arange(max(lengths))[:, None] < torch.tensor(lengths)[None, :]


def mix(scores, v):
    """[Tq, B, N]: v [Tk, B, N] by the softmax over Tk of scores [Tq, B, Tk]."""
    scores = scores.masked_fill(~within(OTHER_LENGTHS).T[None], -torch.inf)
    return torch.einsum("qbk,kbn->qbn", scores.softmax(-1), v)


def scaled(q, k, v, p):
    batch_first = [x.transpose(0, 1) for x in (q, k, v)]
    mask = within(OTHER_LENGTHS).T[:, None, :].expand(B, q.shape[0], -1)
    return torch.nn.functional.scaled_dot_product_attention(*batch_first, attn_mask=mask).transpose(0, 1)


# name: (arguments in the net, the function of q [Tq, B, N], k and v [Tk, B, N] and the parameter p [N])
ATTENTION = {
    "products": ("", lambda q, k, v, p: mix(torch.einsum("qbn,kbn->qbk", q, k), v)),
    "scaled": (", scaled", scaled),
    "additive": (", additive = p", lambda q, k, v, p: mix(torch.tanh(q[:, :, None] + k.transpose(0, 1)[None]) @ p, v)),
}


def save_attention(name, net, weights, inputs, results, extra):
    out = {f"weight:{n}": w for n, w in weights.items()} | {f"output:d.{n}": w.grad for n, w in weights.items()}
    out |= {f"input:{n}": x for n, x in inputs.items()} | {f"output:d.{n}": x.grad for n, x in inputs.items()}
    out |= {f"output:{n}": y for n, y in results.items()} | extra
    metadata = {"made with": f"torch {torch.__version__.split('+')[0]}, tools/golden.py", "net": net}
    path = FOLDER / f"attend_{name}.safetensors"
    save_file({n: numpy.ascontiguousarray(v.detach().numpy()) for n, v in out.items()}, path, metadata)
    print(f"{path.name}: {path.stat().st_size} bytes")


def lengths_of(axis, lengths):
    return {f"input:lengths.{axis}": torch.tensor(lengths)}


def make_attention(name, seed):
    """At every step of q, and of its last step alone."""
    argument, function = ATTENTION[name]
    random = numpy.random.RandomState(seed)
    net = (f"data q : numbers({INPUT})\ndata x : numbers({INPUT})\ndata y : numbers({VALUES})\n"
           + ("param p\n" if name == "additive" else "") +
           f"u = Wq q\na = attend(u, Wk x, Wv x{argument})\no = attend(Wq last(q), Wk x, Wv x{argument})\nwidth u = {HIDDEN}\nwidth o = {VALUES}\n"
           f"y ~ gaussian(mean = a, scale = 1)\n")
    weights = {n: numbers(random, HIDDEN if n != "Wv" else VALUES, INPUT).requires_grad_() for n in ("Wq", "Wk", "Wv")}
    if name == "additive":
        weights["p"] = numbers(random, HIDDEN).requires_grad_()
    inputs = {"q": numbers(random, T, B, INPUT).requires_grad_(), "x": numbers(random, max(OTHER_LENGTHS), B, INPUT).requires_grad_()}
    q, k, v = inputs["q"] @ weights["Wq"].T, inputs["x"] @ weights["Wk"].T, inputs["x"] @ weights["Wv"].T
    last = q[torch.tensor(LENGTHS) - 1, torch.arange(B)][None]
    a = function(q, k, v, weights.get("p")) * within(LENGTHS)[:, :, None]
    o = function(last, k, v, weights.get("p"))[0]
    d_a, d_o = numbers(random, *a.shape), numbers(random, *o.shape)
    ((a * d_a).sum() + (o * d_o).sum()).backward()
    extra = {"input:d.a": d_a, "input:d.o": d_o} | lengths_of("q", LENGTHS) | lengths_of("x", OTHER_LENGTHS)
    save_attention(name, net, weights, inputs, {"a": a, "o": o}, extra)


def make_decoder(seed):
    """A GRU that looks at x before each step."""
    random = numpy.random.RandomState(seed)
    cell = torch.nn.GRUCell(INPUT + VALUES, HIDDEN).double()
    for p in cell.parameters():
        p.data = 0.7 * numbers(random, *p.shape)
    q_weight = numbers(random, VALUES, HIDDEN).requires_grad_()
    inputs = {"q": numbers(random, T, B, INPUT).requires_grad_(), "x": numbers(random, max(OTHER_LENGTHS), B, VALUES).requires_grad_()}
    h, all_h = torch.zeros(B, HIDDEN, dtype=torch.float64), []
    for t in range(T):
        a = scaled((h @ q_weight.T)[None], inputs["x"], inputs["x"], None)[0]
        h = cell(torch.cat([inputs["q"][t], a], -1), h)
        all_h.append(h)
    h = torch.stack(all_h) * within(LENGTHS)[:, :, None]
    d_h = numbers(random, *h.shape)
    (h * d_h).sum().backward()
    own = [cell.weight_ih, cell.weight_hh, cell.bias_ih, cell.bias_hh]
    weights = gru_names("h.", own[0], own[1], (own[2] + own[3], own[2], own[3])) | {"Wq": q_weight}
    grads = gru_names("h.", own[0].grad, own[1].grad, (own[2].grad, own[2].grad, own[3].grad)) | {"Wq": q_weight.grad}
    net = (f"data q : numbers({INPUT})\ndata x : numbers({VALUES})\ndata y : numbers({HIDDEN})\n"
           f"h = gru_reset_after([q, attend(Wq h[t-1], x, scaled)], {HIDDEN})\ny ~ gaussian(mean = h, scale = 1)\n")
    extra = {f"weight:{n}": w for n, w in weights.items()} | {f"output:d.{n}": w for n, w in grads.items()}
    extra |= {"input:d.h": d_h} | lengths_of("q", LENGTHS) | lengths_of("x", OTHER_LENGTHS)
    save_attention("decoder", net, {}, inputs, {"h": h}, extra)


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
    for i, name in enumerate(ATTENTION):
        make_attention(name, 100 + i)
    make_decoder(110)


if __name__ == "__main__":
    main()
