"""Writes tests/import/keras_*: models of Keras, inputs, and what Keras makes of them. Started by hand.

Made with keras 3.15.1 on tensorflow-cpu 2.21.0, h5py 3.14.0 and numpy 2.4.6. Arrays are [sequences, steps, width]. The files of
TensorFlow.js are written here by the format's description, from the weights of the model."""
import json
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy as np

folder = sys.argv[1] if len(sys.argv) > 1 else "tests/import"
L = keras.layers


def tensorflow_js(model, path):
    os.makedirs(path, exist_ok=True)
    weights, data = [], b""
    for layer in model.layers:
        for w in layer.weights:
            x = np.array(w, dtype=np.float32)
            tail = "/".join(w.path.split("/")[1:]) if w.path.split("/")[0] == model.name else w.path
            weights.append({"name": tail, "shape": list(x.shape), "dtype": "float32"})
            data += x.tobytes()
    with open(f"{path}/group1-shard1of1.bin", "wb") as f:
        f.write(data)
    root = {"format": "layers-model", "modelTopology": {"model_config": json.loads(model.to_json())},
            "weightsManifest": [{"paths": ["group1-shard1of1.bin"], "weights": weights}]}
    with open(f"{path}/model.json", "w") as f:
        json.dump(root, f)


def rtneural(model, path):
    """As model_utils.py of RTNeural writes it."""
    layers = []
    for layer in model.layers:
        kind = layer.__class__.__name__.lower()
        activation = layer.activation.__name__ if kind == "dense" else ""
        layers.append({"type": kind, "activation": "" if activation == "linear" else activation,
                       "shape": [None, None, int(layer.units)], "weights": [w.tolist() for w in layer.get_weights()]})
    with open(path, "w") as f:
        json.dump({"in_shape": [None, None, int(model.input_shape[-1])], "layers": layers}, f)


def case(name, form, model, shape, symbols=0):
    rng = np.random.default_rng(3)
    for layer in model.layers:
        layer.set_weights([rng.standard_normal(w.shape).astype(np.float32) * 0.4 + (1 if "variance" in v.path else 0) ** 2
                           if "variance" not in v.path else rng.uniform(0.5, 1.5, w.shape).astype(np.float32)
                           for w, v in zip(layer.get_weights(), layer.weights)])
    x = rng.integers(symbols, size=shape).astype(np.int32) if symbols else rng.standard_normal(shape).astype(np.float32)
    y = model.predict(x, verbose=0)
    np.savez(f"{folder}/keras_{name}.npz", x=x, y=y)
    if form == "json":
        rtneural(model, f"{folder}/keras_{name}.json")
    elif form == "js":
        tensorflow_js(model, f"{folder}/keras_{name}")
    else:
        model.save(f"{folder}/keras_{name}.{form}")


I, S = keras.Input, keras.Sequential
case("lstm", "keras", S([I((None, 4)), L.LSTM(3, return_sequences=True), L.Dense(2, activation="softmax")]), (2, 5, 4))
case("gru", "h5", S([I((None,)), L.Embedding(7, 4, mask_zero=False), L.GRU(3, return_sequences=True), L.GRU(3, reset_after=False),
                     L.Dense(2, activation="sigmoid")]), (2, 5), 7)
case("both", "keras", S([I((None, 4)), L.Masking(0.0), L.Bidirectional(L.LSTM(3, return_sequences=True)),
                         L.Bidirectional(L.SimpleRNN(2), merge_mode="ave"), L.Dropout(0.2), L.LayerNormalization(),
                         L.Dense(3, activation="tanh")]), (2, 5, 4))
case("back", "js", S([I((None, 4)), L.LSTM(3, return_sequences=True, recurrent_activation="hard_sigmoid", activation="softsign"),
                      L.GRU(3, go_backwards=True, return_sequences=True), L.TimeDistributed(L.Dense(2)), L.LeakyReLU()]), (2, 5, 4))
x = I((None, 4))
a = L.LSTM(3, return_sequences=True)(x)
b = L.SimpleRNN(3, return_sequences=True)(x)
c = L.Concatenate()([a, L.Multiply()([a, b])])
case("graph", "h5", keras.Model(x, L.Dense(2)(L.GlobalMaxPooling1D()(c))), (2, 5, 4))
case("picture", "keras", S([I((6, 6, 2)), L.Conv2D(3, 3, activation="relu"), L.BatchNormalization(), L.MaxPooling2D(2), L.Flatten(),
                            L.Dense(3, activation="softmax")]), (2, 6, 6, 2))
case("rt_lstm", "json", S([I((None, 1)), L.LSTM(3, return_sequences=True), L.Dense(2, activation="tanh"), L.Dense(1)]), (2, 5, 1))
case("rt_gru", "json", S([I((None, 2)), L.GRU(3, return_sequences=True), L.Dense(1)]), (2, 5, 2))


# --- several inputs; models in models; convolutions over the steps (made with the backend torch 2.15.0) ---

def graph(name, form, model, shapes, symbols=()):
    rng = np.random.default_rng(3)
    for v in model.weights:
        if "seed" not in v.path:
            v.assign(rng.uniform(0.5, 1.5, v.shape) if "variance" in v.path else rng.standard_normal(v.shape) * 0.4)
    given = [rng.integers(symbols[i], size=s).astype(np.int32) if i < len(symbols) else rng.standard_normal(s).astype(np.float32)
             for i, s in enumerate(shapes)]
    y = model.predict(given if len(given) > 1 else given[0], verbose=0, batch_size=2)
    np.savez(f"{folder}/keras_{name}.npz", y=y, **{f"x{i + 1}" if i else "x": g for i, g in enumerate(given)})
    model.save(f"{folder}/keras_{name}.{form}")


graph("letters", "h5", S([I(batch_shape=(2, None)), L.Embedding(9, 5), L.GRU(6, return_sequences=True, stateful=True), L.Dense(9)]), [(2, 5)], [9])
graph("around", "keras", S([I((None, 4)), L.Conv1D(5, 3, padding="same", activation="relu"), L.BatchNormalization(),
                            L.Conv1D(4, 3, padding="causal", dilation_rate=2), L.SpatialDropout1D(0.2), L.LSTM(3, return_sequences=True),
                            L.Dense(2, activation="softmax")]), [(2, 7, 4)])
graph("largest", "h5", S([I((None,)), L.Embedding(9, 5), L.Conv1D(6, 3, activation="relu"), L.GlobalMaxPooling1D(), L.Dense(1, activation="sigmoid")]),
      [(2, 8)], [9])
graph("mean", "keras", S([I((None,)), L.Embedding(9, 5), L.Conv1D(6, 4, activation="tanh"), L.Conv1D(6, 3, activation="tanh"),
                          L.GlobalAveragePooling1D(), L.Dense(1, activation="sigmoid")]), [(2, 9)], [9])
x, y = I((None, 4)), I((None, 3))
lower = S([I((None, 4)), L.LSTM(5, return_sequences=True), L.Dense(3, activation="tanh")], name="lower")
upper = keras.Model(y, L.Dense(2)(L.GRU(4)(y)), name="upper")
graph("within", "h5", keras.Model(x, upper(lower(x))), [(2, 6, 4)])
graph("stacked", "keras", S([I((None, 4)), S([L.LSTM(5, return_sequences=True), L.Dense(3, activation="tanh")]), S([L.GRU(4), L.Dense(2)])]), [(2, 6, 4)])
_, h, c = L.LSTM(5, return_state=True)(x)
o, _, _ = L.LSTM(5, return_sequences=True, return_state=True)(y, initial_state=[h, c])
graph("translate", "h5", keras.Model([x, y], L.Dense(3, activation="softmax")(o)), [(2, 6, 4), (2, 4, 3)])
x, y = I((None,)), I((None,))
_, f, b = L.Bidirectional(L.GRU(3, return_state=True))(L.Embedding(7, 4)(x))
o = L.GRU(6, return_sequences=True)(L.Embedding(8, 4)(y), initial_state=L.Concatenate()([f, b]))
graph("bridge", "keras", keras.Model([x, y], L.Dense(8, activation="softmax")(o)), [(2, 6), (2, 4)], [7, 8])
graph("film", "h5", S([I((None, 6, 6, 2)), L.TimeDistributed(L.Conv2D(3, 3, activation="relu")), L.TimeDistributed(L.MaxPooling2D(2)),
                       L.TimeDistributed(L.Flatten()), L.LSTM(4), L.Dense(3, activation="softmax")]), [(2, 5, 6, 6, 2)])

# Steps that are left out: pools, strides, convolutions of 'valid'.
graph("pool", "h5", S([I((None,)), L.Embedding(9, 5), L.Dropout(0.2), L.Conv1D(6, 3, activation="relu"), L.MaxPooling1D(2), L.LSTM(4),
                       L.Dense(1, activation="sigmoid")]), [(2, 11)], [9])
graph("pools", "h5", S([I((None, 4)), L.Conv1D(5, 3, padding="same", activation="tanh"), L.AveragePooling1D(3), L.Conv1D(5, 3, padding="same"),
                        L.MaxPooling1D(2), L.Bidirectional(L.GRU(3, return_sequences=True)), L.GlobalAveragePooling1D(), L.Dense(2)]), [(2, 17, 4)])
graph("stride", "h5", S([I((None, 4)), L.Conv1D(5, 4, strides=2), L.Conv1D(5, 3, padding="causal"), L.SimpleRNN(3, return_sequences=True),
                         L.GRU(3, reset_after=False), L.Dense(2)]), [(2, 17, 4)])
