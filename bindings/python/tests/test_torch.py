"""Outputs and gradients beside PyTorch."""

import numpy as np
import pytest

import unroll

torch = pytest.importorskip("torch")

T, B, M, N = 7, 3, 5, 8
LENGTHS = [4, 7, 2]


def both(kind, names, gates, weights_of):
    torch.manual_seed(1)
    layer = kind(M, N).double()
    x = torch.randn(T, B, M, dtype=torch.double, requires_grad=True)
    states = [torch.randn(1, B, N, dtype=torch.double, requires_grad=True) for _ in names]
    packed = torch.nn.utils.rnn.pack_padded_sequence(x, LENGTHS, enforce_sorted=False)
    out, last = layer(packed, tuple(states) if len(states) > 1 else states[0])
    h, _ = torch.nn.utils.rnn.pad_packed_sequence(out, total_length=T)
    d = torch.randn_like(h)
    (h * d).sum().backward()
    inputs = {"x": x, "d.h": d, **{f"{n}[0]": s[0] for n, s in zip(names, states)}}
    inputs = {k: v.detach().numpy() for k, v in inputs.items()}
    inputs["lengths"] = np.array(LENGTHS)
    wanted = {"h": h, "d.x": x.grad}
    for n, s, end in zip(names, states, last if len(states) > 1 else [last]):
        wanted[f"{n}[T]"], wanted[f"d.{n}[0]"] = end[0], s.grad[0]
    for gate, part in zip(gates, layer.weight_hh_l0.grad.chunk(len(gates))):
        wanted[f"d.U{gate}"] = part
    for gate, part in zip(gates, layer.weight_ih_l0.grad.chunk(len(gates))):
        wanted[f"d.W{gate}"] = part
    return weights_of(layer), inputs, {k: v.detach().numpy() for k, v in wanted.items()}


def lstm():
    def weights(layer):
        parts = [("W", layer.weight_ih_l0), ("U", layer.weight_hh_l0), ("b", layer.bias_ih_l0 + layer.bias_hh_l0)]
        return {n + g: p.numpy() for n, x in parts for g, p in zip("ifgo", x.detach().chunk(4))}

    return both(torch.nn.LSTM, ["h", "c"], "ifgo", weights)


@pytest.mark.parametrize("reference, most", [(True, 1e-12), (False, 1e-5)])
def test_lstm(reference, most):
    weights, inputs, wanted = lstm()
    got = unroll.run("lstm", weights, inputs, grad=True, reference=reference)
    for name, theirs in wanted.items():
        assert got[name].shape == theirs.shape and got[name].dtype == (np.float64 if reference else np.float32)
        assert np.abs(got[name] - theirs).max() <= most * max(1, np.abs(theirs).max()), name


def test_a_trained_nets_outputs():
    """The weights of a trained net, in PyTorch's modules, give the same probabilities."""
    names = ["Ripoll", "Vic", "Olot", "Girona"] * 8
    model = unroll.train("names", names, set={"hidden": 8}, steps=20, valid=0, threads=1)
    w = {k: torch.from_numpy(v.copy()) for k, v in model.weights.items()}
    layer = torch.nn.LSTM(w["token.embed"].shape[1], 8)
    with torch.no_grad():
        layer.weight_ih_l0.copy_(torch.cat([w["h.W" + g] for g in "ifgo"]))
        layer.weight_hh_l0.copy_(torch.cat([w["h.U" + g] for g in "ifgo"]))
        layer.bias_ih_l0.copy_(torch.cat([w["h.b" + g] for g in "ifgo"]))
        layer.bias_hh_l0.zero_()
        symbols = [model.labels().index(c) for c in "Olot"] + [model.labels().index("")]
        x = torch.zeros(len(symbols), 1, w["token.embed"].shape[1])
        x[1:, 0] = w["token.embed"][symbols[:-1]]
        log_p = torch.log_softmax(layer(x)[0][:, 0] @ w["W"].T + w["b"], 1)
        total = sum(float(log_p[t, s]) for t, s in enumerate(symbols)) / np.log(2)
    assert model.score(["Olot"]).log2_p[0] == pytest.approx(total, rel=1e-5)
