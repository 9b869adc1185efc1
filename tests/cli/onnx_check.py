"""onnx_check.py FOLDER: files of test_export.c through onnx.checker and onnxruntime, beside what the reference makes of the same numbers."""
import glob, os, sys
import numpy as np
import onnx
import onnxruntime

onnxruntime.set_default_logger_severity(3)
failed = 0
files = sorted(glob.glob(sys.argv[1] + "/*.onnx"))
for path in files:
    name = os.path.basename(path)[:-5]
    try:
        model = onnx.load(path)
        onnx.checker.check_model(model, full_check=True)
        given, wanted = {}, {}
        for line in open(path[:-5] + ".txt"):
            head, numbers = line.split(" :")
            what, key, kind, *shape = head.split()
            array = np.array(numbers.split(), dtype=np.float32 if kind == "f" else np.int64).reshape([int(s) for s in shape])
            (given if what == "in" else wanted)[key] = array
        session = onnxruntime.InferenceSession(path)
        inputs = {i.name for i in session.get_inputs()}
        outputs = [o.name for o in session.get_outputs()]
        if not set(wanted) <= set(outputs):
            raise ValueError(f"outputs are {outputs}, not {sorted(wanted)}")
        got = dict(zip(outputs, session.run(None, {k: v for k, v in given.items() if k in inputs})))
        worst = 0.0
        for key, want in wanted.items():
            if got[key].shape != want.shape:
                raise ValueError(f"{key} is {got[key].shape}, not {want.shape}")
            worst = max(worst, float(np.max(np.abs(got[key] - want)) / max(1e-3, np.max(np.abs(want)))))
        print(f"{name}: {worst:.1e}")
        if not worst < 1e-5:
            raise ValueError(f"differs by {worst}")
    except Exception as e:
        failed += 1
        print(f"FAILED {name}: {str(e)[:600]}")
print(f"{len(files)} files, {failed} failed")
sys.exit(1 if failed or not files else 0)
