"""torch_check.py FOLDER: modules of test_export.c in PyTorch, beside what the reference makes of the same numbers."""
import glob, importlib.util, inspect, json, os, sys
import numpy as np
import torch

sys.dont_write_bytecode = True
torch.set_num_threads(1)


def read(path):
    """A safetensors file, without the package of that name."""
    data = open(path, "rb").read()
    size = int.from_bytes(data[:8], "little")
    kinds = {"F32": np.float32, "F64": np.float64}
    arrays = {}
    for name, t in json.loads(data[8 : 8 + size]).items():
        if name != "__metadata__":
            begin, end = (8 + size + i for i in t["data_offsets"])
            arrays[name] = torch.from_numpy(np.frombuffer(data[begin:end], kinds[t["dtype"]]).reshape(t["shape"]).copy())
    return arrays


failed = 0
files = sorted(glob.glob(sys.argv[1] + "/*.py"))
for path in files:
    name = os.path.basename(path)[:-3]
    try:
        spec = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        net = module.Net()
        net.load_state_dict(read(path[:-3] + ".safetensors"))
        net.eval()
        takes = inspect.signature(net.forward).parameters
        given, wanted = {}, {}
        for line in open(path[:-3] + ".txt"):
            head, numbers = line.split(" :")
            what, key, kind, *shape = head.split()
            array = np.array(numbers.split(), dtype=np.float32 if kind == "f" else np.int64).reshape([int(s) for s in shape])
            if what == "out":
                wanted[key] = array
            elif key in takes:
                given[key] = torch.from_numpy(array)
        with torch.no_grad():
            got = net(**given)
        worst = 0.0
        for key, want in wanted.items():
            y = got[key].numpy()
            if y.shape != want.shape:
                raise ValueError(f"{key} is {y.shape}, not {want.shape}")
            worst = max(worst, float(np.max(np.abs(y - want)) / max(1e-3, np.max(np.abs(want)))))
        print(f"{name}: {worst:.1e}")
        if not worst < 1e-5:
            raise ValueError(f"differs by {worst}")
    except Exception as e:
        failed += 1
        print(f"FAILED {name}: {type(e).__name__} {str(e)[:600]}")
print(f"{len(files)} files, {failed} failed")
sys.exit(1 if failed or not files else 0)
