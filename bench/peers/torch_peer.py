"""The cases in PyTorch, as somebody would write them there: Embedding, LSTM or a cell of one's own, Linear, cross entropy, clipping,
Adam. Every function returns a `step` to be timed. Nothing here is part of the product."""
import torch
from torch import nn


class PeepholeCell(nn.Module):
    """Gers & Schmidhuber 2000: gates see the cell state, one weight per unit."""

    def __init__(self, inputs: int, size: int):
        super().__init__()
        self.x = nn.Linear(inputs, 4 * size)
        self.h = nn.Linear(size, 4 * size, bias=False)
        self.pi = nn.Parameter(torch.zeros(size))
        self.pf = nn.Parameter(torch.zeros(size))
        self.po = nn.Parameter(torch.zeros(size))

    def forward(self, x: torch.Tensor, h: torch.Tensor, c: torch.Tensor):
        i, f, g, o = (self.x(x) + self.h(h)).chunk(4, 1)
        i = torch.sigmoid(i + self.pi * c)
        f = torch.sigmoid(f + self.pf * c)
        c = f * c + i * torch.tanh(g)
        h = torch.sigmoid(o + self.po * c) * torch.tanh(c)
        return h, c


class LayerNormCell(nn.Module):
    """Ba, Kiros & Hinton 2016: both products and the cell state are normalized."""

    def __init__(self, inputs: int, size: int):
        super().__init__()
        self.x = nn.Linear(inputs, 4 * size, bias=False)
        self.h = nn.Linear(size, 4 * size, bias=False)
        self.nx = nn.LayerNorm(4 * size)
        self.nh = nn.LayerNorm(4 * size)
        self.nc = nn.LayerNorm(size)

    def forward(self, x: torch.Tensor, h: torch.Tensor, c: torch.Tensor):
        i, f, g, o = (self.nx(self.x(x)) + self.nh(self.h(h))).chunk(4, 1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(self.nc(c))
        return h, c


class Recurrence(nn.Module):
    """A cell over time, [T, B, N]; scriptable."""

    def __init__(self, cell: nn.Module, size: int):
        super().__init__()
        self.cell = cell
        self.size = size

    def forward(self, x: torch.Tensor):
        h = torch.zeros(x.size(1), self.size)
        c = torch.zeros(x.size(1), self.size)
        out = []
        for t in range(x.size(0)):
            h, c = self.cell(x[t], h, c)
            out.append(h)
        return torch.stack(out)


class Model(nn.Module):
    def __init__(self, symbols, embedding, hidden, layers, recurrence=None):
        super().__init__()
        self.embed = nn.Embedding(symbols, embedding)
        self.rnn = recurrence if recurrence is not None else nn.LSTM(embedding, hidden, layers)
        self.out = nn.Linear(hidden, symbols)

    def forward(self, tokens):
        h = self.rnn(self.embed(tokens))
        return self.out(h[0] if isinstance(h, tuple) else h)


def custom(name, embedding, hidden, how):
    """how: eager, script, compile (of the cell; the loop over time stays Python's, whose unrolling takes minutes to compile)"""
    cell = (PeepholeCell if name == "lstm_peephole" else LayerNormCell)(embedding, hidden)
    if how == "compile":
        cell = torch.compile(cell)
    recurrence = Recurrence(cell, hidden)
    return torch.jit.script(recurrence) if how == "script" else recurrence


def trainer(case, how="eager", bf16=False):
    torch.manual_seed(1)
    recurrence = custom(case["cell"], case["embedding"], case["hidden"], how) if case["cell"] != "lstm" else None
    model = Model(case["symbols"], case["embedding"], case["hidden"], case["layers"], recurrence)
    run = torch.compile(model) if how == "compile" and recurrence is None else model
    optimizer = torch.optim.Adam(model.parameters(), lr=0.002, fused=True)
    tokens = torch.randint(case["symbols"], (case["steps"], case["batch"]))
    target = torch.randint(case["symbols"], (case["steps"] * case["batch"],))

    def step():
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
            loss = nn.functional.cross_entropy(run(tokens).flatten(0, 1), target)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5)
        optimizer.step()
        return loss

    return step


def forward(case, bf16=False):
    """One forward pass; of a session one step that hands on its state."""
    torch.manual_seed(1)
    model = Model(case["symbols"], case["embedding"], case["hidden"], case["layers"]).eval()
    tokens = torch.randint(case["symbols"], (case["steps"], case["batch"]))
    state = [None]

    def step():
        with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
            h, state[0] = model.rnn(model.embed(tokens), state[0])
            return model.out(h)

    return step
