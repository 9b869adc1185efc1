"""The forward passes in onnxruntime: Gather, LSTM, MatMul and Add, one graph, written here node by node. The state of a session goes
in and out of each call."""
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper


def forward(case, threads):
    rng = np.random.default_rng(1)
    hidden, width, symbols = case["hidden"], case["embedding"], case["symbols"]

    def weights(name, *shape):
        return numpy_helper.from_array(rng.uniform(-0.1, 0.1, shape).astype(np.float32), name)

    state = [1, case["batch"], hidden]
    nodes = [
        helper.make_node("Gather", ["embed", "tokens"], ["x"]),
        helper.make_node("LSTM", ["x", "W", "R", "B", "", "h0", "c0"], ["y", "h", "c"], hidden_size=hidden),
        helper.make_node("Squeeze", ["y", "one"], ["z"]),
        helper.make_node("MatMul", ["z", "V"], ["v"]),
        helper.make_node("Add", ["v", "b"], ["logits"]),
    ]
    values = [
        weights("embed", symbols, width), weights("W", 1, 4 * hidden, width), weights("R", 1, 4 * hidden, hidden),
        weights("B", 1, 8 * hidden), weights("V", hidden, symbols), weights("b", symbols),
        numpy_helper.from_array(np.array([1], dtype=np.int64), "one"),
    ]

    def tensor(name, shape, kind=TensorProto.FLOAT):
        return helper.make_tensor_value_info(name, kind, shape)

    graph = helper.make_graph(
        nodes, "lstm",
        [tensor("tokens", [case["steps"], case["batch"]], TensorProto.INT64), tensor("h0", state), tensor("c0", state)],
        [tensor("logits", [case["steps"], case["batch"], symbols]), tensor("h", state), tensor("c", state)], values)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    feed = {"tokens": rng.integers(0, symbols, (case["steps"], case["batch"])),
            "h0": np.zeros(state, np.float32), "c0": np.zeros(state, np.float32)}

    def step():
        logits, feed["h0"], feed["c0"] = session.run(None, feed)
        return logits

    return step
