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


# --- numbers in a file beside; a graph within a graph; parts; states before the first step; pools and paddings of frames ---

def made(name, nodes, weights, ins, outs, x, feeds=None, outside=False, graphs=(), alone=False):
    graph = helper.make_graph(nodes, name, [helper.make_tensor_value_info(k, t, s) for k, t, s in ins],
                              [helper.make_tensor_value_info(k, TensorProto.FLOAT, None) for k in outs],
                              [numpy_helper.from_array(np.asarray(w), k) for k, w in weights.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    y = onnxruntime.InferenceSession(model.SerializeToString()).run(outs[:1], {ins[0][0]: x, **(feeds or {})})[0]
    path = f"{folder}/onnx_{name}.onnx"
    if outside:
        onnx.save(model, path, save_as_external_data=True, location=f"onnx_{name}.data", size_threshold=0)
    else:
        onnx.save(model, path)
    x = x.astype(np.int32) if x.dtype == np.int64 else x
    if alone:  # one sequence, whose steps are the first axis there
        x, y = x[None], y.reshape(1, len(x), -1)
    np.savez(f"{folder}/onnx_{name}.npz", x=x, y=y)


F, B = TensorProto.FLOAT, TensorProto.BOOL
x = rng.standard_normal((2, 5, 4)).astype(np.float32)
made("outside", [N("Transpose", ["in"], ["t"], perm=[1, 0, 2]), N("GRU", ["t", "W", "R", "B", "", "h0"], ["Y"], hidden_size=3, linear_before_reset=1),
                 N("Squeeze", ["Y", "one"], ["s"]), N("Split", ["s"], ["a", "b", "c"], axis=2, num_outputs=3),
                 N("Where", ["yes", "a3", "b3"], ["w"]), N("Mul", ["a", "b"], ["ab"]), N("Max", ["ab", "c"], ["m"]), N("Concat", ["m", "s"], ["k"], axis=-1),
                 N("Sub", ["w", "k"], ["d"]), N("Clip", ["d", "low", "high"], ["e"]), N("Transpose", ["e"], ["out"], perm=[1, 0, 2])],
     {"W": r(1, 9, 4), "R": r(1, 9, 3), "B": r(1, 18), "h0": np.tile(r(1, 1, 3), (1, 2, 1)), "one": i64(1), "yes": np.array([True, False, True, True]),
      "a3": r(4), "b3": r(4), "low": np.float32(-0.5), "high": np.float32(0.4)}, [("in", F, ["B", "T", 4])], ["out"], x, outside=True)

then = helper.make_graph([N("Conv", ["u", "K"], ["p"], kernel_shape=[5], strides=[3], pads=[1, 2]), N("MaxPool", ["p"], ["q"], kernel_shape=[3], strides=[2], pads=[1, 1])],
                         "then", [], [helper.make_tensor_value_info("q", F, None)], [numpy_helper.from_array(r(3, 1, 5), "K")])
other = helper.make_graph([N("Conv", ["u", "K2"], ["q2"], kernel_shape=[2])], "else", [], [helper.make_tensor_value_info("q2", F, None)],
                          [numpy_helper.from_array(r(3, 1, 2), "K2")])
x = rng.standard_normal((2, 20)).astype(np.float32)
made("frame", [N("Unsqueeze", ["in", "one"], ["u"]), N("Equal", ["rate", "sixteen"], ["is"]), N("If", ["is"], ["g"], then_branch=then, else_branch=other),
               N("BatchNormalization", ["g", "s", "c", "m", "v"], ["n"]), N("AveragePool", ["n"], ["a"], kernel_shape=[2], pads=[1, 0]), N("Flatten", ["a"], ["f"]),
               N("Mul", ["f", "scale"], ["z"]), N("Gemm", ["z", "V", "d"], ["out"], transB=1)],
     {"one": i64(1), "sixteen": np.array(16000, dtype=np.int64), "s": r(3), "c": r(3), "m": r(3), "v": np.abs(r(3)) + 0.5, "scale": r(12), "V": r(2, 12), "d": r(2)},
     [("in", F, ["B", 20]), ("rate", TensorProto.INT64, [])], ["out"], x, {"rate": np.array(16000, dtype=np.int64)})


# --- along the steps: strides, fewer zeros than what is looked at, pools, and what reads the steps that are left ---

def fewer(name, pool, reads, weights, steps=17):
    x = rng.standard_normal((2, steps, 3)).astype(np.float32)
    made(name, [N("Transpose", ["in"], ["t"], perm=[0, 2, 1]), N("Conv", ["t", "K", "k"], ["c"], kernel_shape=[4], strides=[2], pads=[1, 1]),
                N("Relu", ["c"], ["p"]), N("Conv", ["p", "L"], ["d"], kernel_shape=[3], pads=[1, 0]),
                N(pool, ["d"], ["q"], kernel_shape=[2], strides=[2])] + reads,
         {"K": r(4, 3, 4), "k": r(4), "L": r(4, 4, 3), **weights}, [("in", F, ["B", "T", 3])], ["out"], x)


fewer("strides", "MaxPool", [N("Transpose", ["q"], ["s"], perm=[2, 0, 1]),
                             N("LSTM", ["s", "W", "R", "B"], ["Y", "Yh"], hidden_size=3, direction="bidirectional"),
                             N("Transpose", ["Yh"], ["h"], perm=[1, 0, 2]), N("Reshape", ["h", "flat"], ["f"]), N("Gemm", ["f", "V", "c0"], ["out"])],
      {"W": r(2, 12, 4), "R": r(2, 12, 3), "B": r(2, 24), "flat": i64(-1, 6), "V": r(6, 2), "c0": r(2)})
fewer("pools", "AveragePool", [N("ReduceMean", ["q", "two"], ["out"], keepdims=0)], {"two": i64(2)}, steps=16)
fewer("largest", "MaxPool", [N("GlobalMaxPool", ["q"], ["g"]), N("Squeeze", ["g", "two"], ["out"])], {"two": i64(2)}, steps=18)

# Frames of eight samples: convolutions within each of them until one column is left, and a recurrence over all.
made("frames", [N("Unsqueeze", ["in", "one"], ["u"]), N("Conv", ["u", "K"], ["c"], strides=[2]), N("Relu", ["c"], ["p"]),
                N("Conv", ["p", "L"], ["d"]), N("Transpose", ["d"], ["s"], perm=[0, 2, 1]),
                N("LSTM", ["s", "W", "R", "B"], ["Y"], hidden_size=3), N("Squeeze", ["Y", "one"], ["h"]), N("Transpose", ["h"], ["t"], perm=[1, 2, 0]),
                N("Conv", ["t", "V"], ["o"]), N("Sigmoid", ["o"], ["g"]), N("Reshape", ["g", "flat"], ["out"])],
     {"one": i64(1), "K": r(4, 1, 4), "L": r(4, 4, 3), "W": r(1, 12, 4), "R": r(1, 12, 3), "B": r(1, 24), "V": r(1, 3, 1), "flat": i64(-1)},
     [("in", F, ["T", 8])], ["out"], rng.standard_normal((7, 8)).astype(np.float32), alone=True)
