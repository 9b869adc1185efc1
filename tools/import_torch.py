"""Writes tests/import/torch_*: state dicts of PyTorch, inputs, and what PyTorch makes of them. Started by hand.

Made with torch 2.15.0 (CPU), safetensors 0.8.0 and numpy 2.4.6. Arrays are [sequences, steps, width]."""
import json
import sys
import numpy as np
import torch
from safetensors.torch import save_file

folder = sys.argv[1] if len(sys.argv) > 1 else "tests/import"
nn = torch.nn


class Net(nn.Module):
    def __init__(self, symbols, recurrent, *rest):
        super().__init__()
        if symbols:
            self.embedding = nn.Embedding(symbols, recurrent.input_size)
        self.rec = recurrent
        self.names = []
        for i, module in enumerate(rest):
            name = {nn.Linear: "fc", nn.LayerNorm: "norm"}[type(module)] + (str(i) if i else "")
            setattr(self, name, module)
            self.names.append(name)

    def forward(self, x):
        if hasattr(self, "embedding"):
            x = self.embedding(x)
        x, _ = self.rec(x)
        for name in self.names:
            x = getattr(self, name)(x)
        return x


def case(name, form, net, symbols=0, width=4):
    g = torch.Generator().manual_seed(3)
    for p in net.parameters():
        p.data = torch.randn(p.shape, generator=g) * 0.4
    x = torch.randint(symbols, (2, 5), generator=g) if symbols else torch.randn(2, 5, width, generator=g)
    with torch.no_grad():
        y = net(x)
    state = net.state_dict()
    path = f"{folder}/torch_{name}.{form}"
    if form == "safetensors":
        save_file(state, path)
    else:
        torch.save({"epoch": 3, "state_dict": state} if form == "pth" else state, path, _use_new_zipfile_serialization=name != "old")
    np.savez(f"{folder}/torch_{name}.npz", x=x.numpy().astype(np.int32 if symbols else np.float32), y=y.numpy())


case("lstm", "safetensors", Net(0, nn.LSTM(4, 3, batch_first=True), nn.Linear(3, 2)))
case("gru", "pt", Net(7, nn.GRU(4, 3, num_layers=2, batch_first=True), nn.Linear(3, 2)), symbols=7)
case("rnn", "pth", Net(0, nn.RNN(4, 3, batch_first=True, bidirectional=True, num_layers=2), nn.LayerNorm(6), nn.Linear(6, 2)))
case("projection", "pt", Net(0, nn.LSTM(4, 5, proj_size=3, num_layers=2, bias=False, batch_first=True)))
case("relu", "pt", Net(0, nn.RNN(4, 3, nonlinearity="relu", batch_first=True), nn.Linear(3, 2, bias=False)))
case("old", "pt", Net(5, nn.LSTM(4, 3, batch_first=True), nn.Linear(3, 5)), symbols=5)


class Amplifier(nn.Module):
    """As SimpleRNN of GuitarML's Automated-GuitarAmpModelling: what goes in is added to what comes out."""

    def __init__(self):
        super().__init__()
        self.rec = nn.LSTM(1, 3, batch_first=True)
        self.lin = nn.Linear(3, 1)

    def forward(self, x):
        return self.lin(self.rec(x)[0]) + x


amplifier = Amplifier()
case("guitar", "pt", amplifier, width=1)
data = {"model_data": {"model": "SimpleRNN", "input_size": 1, "skip": 1, "output_size": 1, "unit_type": "LSTM", "num_layers": 1,
                       "hidden_size": 3, "bias_fl": True},
        "state_dict": {k: v.tolist() for k, v in amplifier.state_dict().items()}}
with open(f"{folder}/torch_guitar.json", "w") as f:
    json.dump(data, f)
