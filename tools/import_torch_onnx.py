"""Writes tests/import/exported_*: models of PyTorch by both of its exporters to ONNX, inputs, and what PyTorch makes of them. Started by hand.

Made with torch 2.15.0, onnx 1.23.2, onnxscript 0.7.2 and numpy 2.4.6."""
import sys
import warnings
import numpy as np
import onnx
import torch

warnings.filterwarnings("ignore")
folder = sys.argv[1] if len(sys.argv) > 1 else "tests/import"
torch.manual_seed(1)
nn, F = torch.nn, torch.nn.functional


class Voice(nn.Module):
    """A detector of voices: frames of a sound, convolutions within a frame, an LSTM from frame to frame, states in and out."""

    def __init__(self):
        super().__init__()
        self.register_buffer("basis", torch.randn(10, 1, 8) * 0.5)
        self.encoder = nn.Sequential(nn.Conv1d(5, 6, 3, padding=1), nn.ReLU(), nn.Conv1d(6, 4, 3, stride=2, padding=1), nn.ReLU(),
                                     nn.Conv1d(4, 6, 3, stride=2, padding=1), nn.ReLU())
        self.rnn = nn.LSTM(6, 6)
        self.decoder = nn.Sequential(nn.Dropout(0.1), nn.ReLU(), nn.Conv1d(6, 1, 1), nn.Sigmoid())

    def forward(self, x, state, sr):
        f = F.conv1d(F.pad(x.unsqueeze(1), (0, 4), mode="reflect"), self.basis, stride=4)
        y = self.encoder(torch.sqrt(f[:, :5] ** 2 + f[:, 5:] ** 2)).squeeze(-1)
        out, (h, c) = self.rnn(y.unsqueeze(0), (state[0:1], state[1:2]))
        y = self.decoder(out.squeeze(0).unsqueeze(-1))
        return y.mean(2).reshape(-1, 1), torch.cat([h, c])


class Tagger(nn.Module):
    """Convolution over the steps, both directions in two layers."""

    def __init__(self):
        super().__init__()
        self.e, self.c = nn.Embedding(7, 4), nn.Conv1d(4, 5, 3, padding=1)
        self.r, self.f = nn.LSTM(5, 3, 2, batch_first=True, bidirectional=True), nn.Linear(6, 3)

    def forward(self, x):
        y, _ = self.r(torch.relu(self.c(self.e(x).transpose(1, 2))).transpose(1, 2))
        return self.f(y)


class Classifier(nn.Module):
    """The last states of both directions of the upper layer."""

    def __init__(self):
        super().__init__()
        self.e, self.r, self.f = nn.Embedding(7, 4), nn.GRU(4, 3, 2, batch_first=True, bidirectional=True), nn.Linear(6, 3)

    def forward(self, x):
        _, h = self.r(self.e(x))
        return torch.log_softmax(self.f(torch.cat((h[-2], h[-1]), 1)), -1)


class Picture(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c, self.f = nn.Conv2d(2, 3, 3, padding=1), nn.BatchNorm2d(3), nn.Conv2d(3, 4, (3, 5), padding=(1, 2), stride=2), nn.Linear(16, 2)
        self.b.running_mean.data.normal_()
        self.b.running_var.data.uniform_(0.5, 2)

    def forward(self, x):
        y = F.max_pool2d(torch.relu(self.b(self.a(x))), 2)
        return self.f(torch.relu(self.c(y)).flatten(1))


class Causal(nn.Module):
    """Convolutions that look back, a state that is learnt."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.d = nn.Conv1d(3, 4, 3), nn.BatchNorm1d(4), nn.Conv1d(4, 4, 3, groups=4, dilation=2)
        self.r, self.h0, self.n = nn.GRU(4, 3, batch_first=True), nn.Parameter(torch.randn(1, 1, 3)), nn.LayerNorm(3)
        self.b.running_mean.data.normal_()
        self.b.running_var.data.uniform_(0.5, 2)

    def forward(self, x):
        y = self.d(F.pad(torch.tanh(self.b(self.a(F.pad(x.transpose(1, 2), (2, 0))))), (4, 0)))
        y, _ = self.r(F.gelu(y).transpose(1, 2), self.h0.expand(-1, x.shape[0], -1).contiguous())
        return self.n(y)


class Letters(nn.Module):
    """A language model whose states go in and come out."""

    def __init__(self):
        super().__init__()
        self.e, self.r, self.f = nn.Embedding(7, 4), nn.LSTM(4, 3, 2, batch_first=True), nn.Linear(3, 7)

    def forward(self, x, h, c):
        y, (h, c) = self.r(self.e(x), (h, c))
        return self.f(y.reshape(-1, 3)), h, c


def bare(path):
    """Without the notes on where in which file each node comes from."""
    model = onnx.load(path)
    for part in [model, model.graph, *model.graph.node, *model.graph.value_info, *model.graph.input, *model.graph.output, *model.graph.initializer]:
        part.ClearField("doc_string")
        if hasattr(part, "metadata_props"):
            del part.metadata_props[:]
    del model.graph.value_info[:]
    onnx.save(model, path)


def export(name, m, args, axes, x, y):
    m.eval()
    torch.onnx.export(m, args, f"{folder}/exported_{name}.onnx", dynamo=False, input_names=["in", "h", "c"][:len(args)], dynamic_axes={"in": axes})
    shapes = ({k: torch.export.Dim.DYNAMIC for k in axes},) + (None,) * (len(args) - 1)
    try:
        torch.onnx.export(m, args, f"{folder}/exported_{name}_new.onnx", dynamo=True, external_data=False, dynamic_shapes=shapes)
    except torch.onnx.OnnxExporterError as e:
        print(name, "is not exported by the new exporter:", str(e)[-200:])
    bare(f"{folder}/exported_{name}.onnx")
    bare(f"{folder}/exported_{name}_new.onnx")
    np.savez(f"{folder}/exported_{name}.npz", x=x.numpy().astype(np.int32 if x.dtype == torch.int64 else np.float32), y=y.numpy())


def whole(name, m, x, axes, *more):
    for p in m.parameters():
        p.data *= 1.5
    m.eval()
    with torch.no_grad():
        y = m(x, *more)
    export(name, m, (x,) + more, axes, x, y[0][None] if more else y)


voice, state, frames, said = Voice().eval(), torch.zeros(2, 2, 6), torch.randn(6, 2, 16), []
for p in voice.parameters():
    p.data *= 1.5
with torch.no_grad():
    for frame in frames:
        y, state = voice(frame, state, torch.tensor(16000))
        said.append(y)
export("voice", voice, (torch.randn(1, 16), torch.zeros(2, 1, 6), torch.tensor(16000)), {}, frames.permute(1, 0, 2), torch.stack(said, 1))
whole("tagger", Tagger(), torch.randint(7, (2, 6)), {0: "b", 1: "t"})
whole("classifier", Classifier(), torch.randint(7, (2, 6)), {0: "b", 1: "t"})
whole("picture", Picture(), torch.randn(2, 2, 8, 8), {0: "b"})
whole("causal", Causal(), torch.randn(2, 7, 3), {0: "b", 1: "t"})
whole("letters", Letters(), torch.randint(7, (1, 6)), {0: "b", 1: "t"}, torch.zeros(2, 1, 3), torch.zeros(2, 1, 3))
