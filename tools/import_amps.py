"""Writes tests/import/amp_*: JSON as RTNeural reads it, inputs, and what its layers make of them; a grapheme-to-phoneme net in .npz. Started by
hand. All is computed here with numpy, by the equations of the layers. Made with numpy 2.4.6."""
import json
import sys
import numpy as np

folder = sys.argv[1] if len(sys.argv) > 1 else "tests/import"
rng = np.random.default_rng(3)
r = lambda *shape: (rng.standard_normal(shape) * 0.4).astype(np.float32).astype(np.float64)
sigmoid = lambda v: 1 / (1 + np.exp(-v))


def gru_torch(x, h, wi, wh, bi, bh):
    """Gates r z n, rows by gate; the reset gate comes after the product."""
    out = []
    for v in x:
        a, b = wi @ v + bi, wh @ h + bh
        (ar, az, an), (br, bz, bn) = np.split(a, 3), np.split(b, 3)
        z = sigmoid(az + bz)
        h = (1 - z) * np.tanh(an + sigmoid(ar + br) * bn) + z * h
        out.append(h)
    return np.array(out)


def gru_keras(x, w, u, b):
    """Gates z r h, columns by gate."""
    n, h, out = u.shape[0], np.zeros(u.shape[0]), []
    for v in x:
        a, c = v @ w + b[0], h @ u + b[1]
        z, s = sigmoid(a[:n] + c[:n]), sigmoid(a[n:2 * n] + c[n:2 * n])
        h = z * h + (1 - z) * np.tanh(a[2 * n:] + s * c[2 * n:])
        out.append(h)
    return np.array(out)


def conv(x, k, b, dilation):
    size = len(k)
    back = lambda t, n: x[t - n] if t >= n else np.zeros(x.shape[1])
    return np.array([sum(back(t, dilation * (size - 1 - j)) @ k[j] for j in range(size)) + b for t in range(len(x))])


def save(name, root, x, y):
    as_list = lambda v: v.tolist() if isinstance(v, np.ndarray) else int(v)
    with open(f"{folder}/amp_{name}.json", "w") as f:
        json.dump(root, f, default=as_list)
    np.savez(f"{folder}/amp_{name}.npz", x=x.astype(np.float32), y=np.asarray(y, dtype=np.float32))


# Dense, a causal convolution, batch normalization, PReLU, GRU, dense: each batch by itself.
x = r(2, 9, 2)
d, db, k, kb, gain, shift, mean, var, slope = r(2, 4), r(4), r(3, 4, 3), r(3), r(3), r(3), r(3), np.abs(r(3)) + 0.5, r(3)
w, u, b, e, eb = r(3, 12), r(4, 12), r(2, 12), r(4, 1), r(1)
y = []
for seq in x:
    v = conv(np.tanh(seq @ d + db), k, kb, 2)
    v = (v - mean) / np.sqrt(var + 0.01) * gain + shift
    v = np.where(v > 0, v, slope * v)
    y.append(gru_keras(v, w, u, b) @ e + eb)
shape = lambda n: [None, None, n]
save("around", {"in_shape": shape(2), "layers": [
    {"type": "dense", "activation": "tanh", "shape": shape(4), "weights": [d, db]},
    {"type": "conv1d", "activation": "", "shape": shape(3), "kernel_size": [3], "dilation": [2], "weights": [k, kb]},
    {"type": "batchnorm", "activation": "", "shape": shape(3), "epsilon": 0.01, "weights": [gain, shift, mean, var]},
    {"type": "prelu", "activation": "", "shape": shape(3), "weights": [slope[None]]},
    {"type": "gru", "activation": "tanh", "shape": shape(4), "weights": [w, u, b]},
    {"type": "dense", "activation": "", "shape": shape(1), "weights": [e, eb]}]}, x, y)

# Tensors of PyTorch by their names.
x, wi, wh, bi, bh, o, ob = r(2, 7, 1), r(12, 1), r(12, 4), r(12), r(12), r(1, 4), r(1)
save("tensors", {"gru.weight_ih_l0": wi, "gru.weight_hh_l0": wh, "gru.bias_ih_l0": bi, "gru.bias_hh_l0": bh, "dense.weight": o, "dense.bias": ob},
     x, [gru_torch(seq, np.zeros(4), wi, wh, bi, bh) @ o.T + ob for seq in x])

# Letters to sounds: an encoder, a decoder that starts from its state.
p = {"enc_emb": r(7, 3), "enc_w_ih": r(12, 3), "enc_w_hh": r(12, 4), "enc_b_ih": r(12), "enc_b_hh": r(12), "dec_emb": r(9, 3), "dec_w_ih": r(12, 3),
     "dec_w_hh": r(12, 4), "dec_b_ih": r(12), "dec_b_hh": r(12), "fc_w": r(9, 4), "fc_b": r(9)}
np.savez(f"{folder}/amp_letters.npz", **{n: v.astype(np.float32) for n, v in p.items()})
x, x2, y = rng.integers(7, size=(2, 6)), rng.integers(9, size=(2, 5)), []
for letters, sounds in zip(x, x2):
    h = gru_torch(p["enc_emb"][letters], np.zeros(4), p["enc_w_ih"], p["enc_w_hh"], p["enc_b_ih"], p["enc_b_hh"])[-1]
    y.append(gru_torch(p["dec_emb"][sounds], h, p["dec_w_ih"], p["dec_w_hh"], p["dec_b_ih"], p["dec_b_hh"]) @ p["fc_w"].T + p["fc_b"])
np.savez(f"{folder}/amp_letters_said.npz", x=x.astype(np.int32), x2=x2.astype(np.int32), y=np.asarray(y, dtype=np.float32))
