#!/bin/sh
# tiny_darknet.sh FOLDER PICTURE... - Tiny Darknet with its published weights, from pictures to the five likeliest of 1,000 labels.
# FOLDER has weights.f32 (float32, little-endian, one array after another), weights.tsv (name, shape, offset in floats; kernels are
# height x width x in x out, as in Keras) and classes.txt (a label a line). Pictures are binary PPM files of 224 x 224:
#   djpeg x.jpg | pnmscale -xsize 224 -ysize 224 > x.ppm      or      convert x.jpg -resize '224x224!' x.ppm
# OUT=DIR keeps weights.safetensors, and what came out. UNROLL=... names the program, where it is not on the path.
set -eu
unroll=${UNROLL:-unroll}
here=$(dirname "$0")
folder=$1
shift
out=${OUT:-$(mktemp -d)}
python3 - "$folder" "$out" "$@" <<'END'
import array, json, struct, sys
folder, out, pictures = sys.argv[1], sys.argv[2], sys.argv[3:]

def write(path, tensors):
    header, data = {}, b""
    for name, shape, numbers in tensors:
        block = array.array("f", numbers).tobytes()
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(block)]}
        data += block
    text = json.dumps(header).encode()
    open(path, "wb").write(struct.pack("<Q", len(text)) + text + data)

numbers = array.array("f", open(folder + "/weights.f32", "rb").read())
arrays = {}
for line in open(folder + "/weights.tsv").read().splitlines()[1:]:
    name, shape, offset = line.split("\t")
    shape, size = [int(n) for n in shape.split("x")], 1
    for n in shape:
        size *= n
    arrays[name] = shape, numbers[int(offset):int(offset) + size]

tensors, layers = [], 16
for i in range(1, layers + 1):
    (h, w, c, o), kernel = arrays["conv2d_%d/kernel" % i]
    rows = [kernel[k] for row in range(o) for k in range(row, h * w * c * o, o)]  # a row for each channel of the result
    bias = arrays.get("conv2d_%d/bias" % i, (None, [0] * o))[1]
    last = i == layers
    tensors += [("W" if last else "c%d.conv" % i, [o, h * w * c], rows), ("b" if last else "c%d.conv_bias" % i, [o], bias)]
    if not last:
        for ours, theirs in (("", "gamma"), ("_bias", "beta"), ("_mean", "moving_mean"), ("_variance", "moving_variance")):
            tensors.append(("c%d.batchnorm%s" % (i, ours), [o], arrays["batch_normalization_%d/%s" % (i, theirs)][1]))
write(out + "/weights.safetensors", tensors)

pixels = []
for path in pictures:
    data = open(path, "rb").read()
    fields = data.split(None, 4)[:4]
    if fields != [b"P6", b"224", b"224", b"255"]:
        sys.exit(path + ": not a binary PPM file of 224 x 224")
    pixels += [p / 255 for p in data[-224 * 224 * 3:]]
write(out + "/pictures.safetensors", [("picture", [len(pictures), 224 * 224 * 3], pixels)])
END
[ $# -gt 0 ] || exit 0
"$unroll" run "$here/tiny_darknet.net" -w "$out/weights.safetensors" -i "$out/pictures.safetensors" -o "$out/labels.safetensors"
python3 - "$folder" "$out" "$@" <<'END'
import array, json, struct, sys
data = open(sys.argv[2] + "/labels.safetensors", "rb").read()
n = struct.unpack("<Q", data[:8])[0]
header = json.loads(data[8:8 + n])
begin, end = header["output.label"]["data_offsets"]
logits = array.array("f", data[8 + n + begin:8 + n + end])
names = open(sys.argv[1] + "/classes.txt").read().splitlines()
for i, path in enumerate(sys.argv[3:]):
    row = logits[1000 * i:1000 * i + 1000]
    best = sorted(range(1000), key=lambda k: -row[k])[:5]
    print(path + "\t" + ", ".join("%s %.2f" % (names[k], row[k]) for k in best))
END
