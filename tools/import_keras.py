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
