"""Writes tests/import/onnx_*: graphs of ONNX, inputs, and what onnxruntime makes of them. Started by hand.

Made with onnx 1.23.2, onnxruntime 1.32.0 and numpy 2.4.6."""
import sys
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

folder = sys.argv[1] if len(sys.argv) > 1 else "tests/import"
rng = np.random.default_rng(3)
N = helper.make_node


def case(name, nodes, weights, shape, out, symbols=0):
    kind = TensorProto.INT64 if symbols else TensorProto.FLOAT
    graph = helper.make_graph(
        nodes, name, [helper.make_tensor_value_info("in", kind, shape)], [helper.make_tensor_value_info("out", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(w), k) for k, w in weights.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, f"{folder}/onnx_{name}.onnx")
    at = [{"T": 5, "B": 2}.get(d, d) for d in shape]
    x = rng.integers(symbols, size=at) if symbols else rng.standard_normal(at).astype(np.float32)
    y = onnxruntime.InferenceSession(model.SerializeToString()).run(["out"], {"in": x})[0]
    np.savez(f"{folder}/onnx_{name}.npz", x=x.astype(np.int32 if symbols else np.float32), y=y)


def r(*shape):
    return (rng.standard_normal(shape) * 0.4).astype(np.float32)


i64 = lambda *x: np.array(x, dtype=np.int64)
# [steps, sequences, 4]: both directions, peepholes, clipping.
case("lstm", [N("LSTM", ["in", "W", "R", "B", "", "", "", "P"], ["Y", "Yh", "Yc"], hidden_size=3, direction="bidirectional", clip=0.5),
              N("Transpose", ["Y"], ["Yt"], perm=[0, 2, 1, 3]), N("Reshape", ["Yt", "shape"], ["Yr"]),
              N("MatMul", ["Yr", "V"], ["m"]), N("Add", ["m", "c"], ["out"])],
     {"W": r(2, 12, 4), "R": r(2, 12, 3), "B": r(2, 24), "P": r(2, 9), "shape": i64(0, 0, -1), "V": r(6, 2), "c": r(2)}, ["T", "B", 4], None)
# [sequences, steps] of symbols: GRU of both kinds, the last step, a softmax.
case("gru", [N("Gather", ["E", "in"], ["e"]), N("Transpose", ["e"], ["t"], perm=[1, 0, 2]),
             N("GRU", ["t", "W1", "R1", "B1"], ["Y1"], hidden_size=3, linear_before_reset=1), N("Squeeze", ["Y1", "one"], ["s1"]),
             N("GRU", ["s1", "W2", "R2", "B2"], ["", "Y2"], hidden_size=3, activations=["HardSigmoid", "Softsign"]),
             N("Squeeze", ["Y2", "zero"], ["s2"]), N("Gemm", ["s2", "V", "c"], ["g"], transB=1), N("Softmax", ["g"], ["out"], axis=-1)],
     {"E": r(7, 4), "W1": r(1, 9, 4), "R1": r(1, 9, 3), "B1": r(1, 18), "W2": r(1, 9, 3), "R2": r(1, 9, 3), "B2": r(1, 18), "one": i64(1),
      "zero": i64(0), "V": r(2, 3), "c": r(2)}, ["B", "T"], None, symbols=7)
case("rnn", [N("RNN", ["in", "W", "R"], ["Y"], hidden_size=3, activations=["Relu"], direction="reverse"), N("Squeeze", ["Y", "one"], ["s"]),
             N("Sigmoid", ["s"], ["g"]), N("Mul", ["s", "g"], ["p"]), N("Concat", ["p", "in"], ["k"], axis=2), N("MatMul", ["k", "V"], ["m"]),
             N("Tanh", ["m"], ["out"])],
     {"W": r(1, 3, 4), "R": r(1, 3, 3), "one": i64(1), "V": r(7, 2)}, ["T", "B", 4], None)
case("forget", [N("LSTM", ["in", "W", "R", "B"], ["Y"], hidden_size=3, input_forget=1), N("Squeeze", ["Y", "one"], ["s"]),
                N("ReduceMean", ["s"], ["out"], axes=[0], keepdims=0)],
     {"W": r(1, 12, 4), "R": r(1, 12, 3), "B": r(1, 24), "one": i64(1)}, ["T", "B", 4], None)
