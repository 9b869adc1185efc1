# `unroll export onnx`: what the file says comes back through import; with onnxruntime, every net and cell gives the numbers of the
# reference, and models those of the program.
. "$SOURCE/tests/cli/common.sh"

# Gates, their order, biases and directions: exported, imported, and the same predictions.
awk 'BEGIN { print "id,x1,x2,y"; for (i = 1; i <= 20; i++) for (t = 1; t <= 6; t++)
  printf "%d,%.2f,%.2f,%.1f\n", i, (i * t * 7) % 40 / 20, (i + t) % 5 / 10, i % 5 / 5 }' >table.csv
awk -F, 'NR == 1 { print "x"; next } { printf("%s%s;%s", $1 == p ? " " : (NR > 2 ? "\n" : ""), $2, $3); p = $1 } END { print "" }' table.csv >flat.csv
for cell in lstm lstm_peephole lstm_cifg gru gru_reset_after mgu rnn rnn_relu; do
  cat >there.net <<end
data x : numbers
data y : number
h = $cell(x, 5)
g = $cell(h, 4, backward)
y ~ gaussian(tanh(W [last(h), first(g)] + b), 1)
end
  run train there.net table.csv --series id -o there --epochs 1 --quiet --threads 1
  expect 0
  run export onnx there -o there.onnx
  expect 0
  run import there.onnx -o back.safetensors
  expect 0
  run predict there table.csv --series id
  expect 0
  mv out wanted
  run predict back.safetensors flat.csv
  expect 0
  paste wanted out | awk '{ d = $1 - $2; if (d * d > 1e-10 || NF != 2) exit 1 }' || fail "$cell came back as another: $(paste wanted out | head -n 2)"
  [ "$(sort -u wanted | wc -l)" -gt 5 ] || fail "$cell: the predictions are all the same"
done

# Refused with the place, and nothing is written.
cat >lgamma.net <<'end'
data x : numbers
data y : number
y ~ gaussian(last(lgamma(1 + x * x)), 1)
end
cut -d , -f 1,2,4 table.csv | sed '1s/.*/id,x,y/' >narrow.csv
run train lgamma.net narrow.csv --series id -o lgamma --epochs 1 --quiet --threads 1
expect 0
run export onnx lgamma -o refused.onnx
expect 2 "lgamma.net:3:" "'lgamma' cannot be written as ONNX"
[ -e refused.onnx ] && fail "a refused file was written"
run export onnx there -o no/such/folder.onnx
expect 1
run export tflite there -o x
expect 2 "there is no form 'tflite': c, onnx, pytorch"

# A symbol that is no UTF-8 is its bytes, so that each has its place.
printf 'data s : bytes\nh = rnn(embed(s[t-1], 2), 2)\ns ~ softmax(W h + b)\n' >bytes.net
printf 'A\303\251\377%.0s' $(seq 50) >bytes.bin
run train bytes.net bytes.bin -o bytes --epochs 1 --quiet --threads 1
expect 0
run export onnx bytes -o bytes.onnx
expect 0
LC_ALL=C grep -aq '"~",".",\[128\],\[129\],.*,\[255\]\]' bytes.onnx || fail "the symbols: $(grep -a '"~"' bytes.onnx)"

python=
for p in "${UNROLL_PYTHON:-python3}" python3; do
  [ -z "$python" ] && "$p" -c 'import onnx, onnxruntime' 2>/dev/null && python=$p
done
[ -n "$python" ] || { echo "skipped: no Python with onnx and onnxruntime (UNROLL_PYTHON)"; finish; }
[ -x "$BUILD/tests/api_export" ] || { echo "skipped: no tests/api_export"; finish; }
mkdir nets
UNROLL_ONNX=$PWD/nets "$BUILD/tests/api_export" >out 2>&1 || fail "$(cat out)"
"$python" "$SOURCE/tests/cli/onnx_check.py" nets >out 2>&1 || fail "$(grep -v '^[a-z]*_[a-z_0-9]*: ' out)"

# In the units of the data, with tags, beside the program; and step by step.
cat >tagger.net <<'end'
data x : numbers
data tag : category
data y : numbers
h = gru(x, 5)
g = ugrnn([h, h[t-2], y[t-1]], 4, layers = 2)
tag ~ softmax(W g + b)
y ~ gaussian(mean = V g + bv, scale = 0.1 + softplus(U g + bu))
end
awk 'BEGIN { print "id,x1,x2,tag,y"; for (i = 1; i <= 20; i++) for (t = 1; t <= 6; t++)
  printf "%d,%d,%.2f,%s,%d\n", i, 1000 + (i * t * 7) % 40, (i + t) % 5 / 10, (i * t) % 3 ? "a" : "b", 500 + (t * i) % 30 }' >tags.csv
run train tagger.net tags.csv --series id -o tagger --epochs 2 --quiet --threads 1 --standardise
expect 0
run export onnx tagger -o tagger.onnx
expect 0
run predict tagger tags.csv --series id
expect 0
"$python" - <<'P' >verdict 2>&1 || fail "beside predict: $(cat verdict)"
import csv, json
import numpy as np
import onnxruntime
onnxruntime.set_default_logger_severity(3)
session = onnxruntime.InferenceSession("tagger.onnx")
meta = session.get_modelmeta().custom_metadata_map
assert "tanh" in meta["unroll.equations"] and "data x : numbers" in meta["unroll.net"], meta
symbols = json.loads(meta["unroll.symbols.tag"])
assert sorted(symbols) == ["a", "b"], meta
rows = list(csv.DictReader(open("tags.csv")))
x = np.array([[float(r["x1"]), float(r["x2"])] for r in rows], np.float32).reshape(20, 6, 2).transpose(1, 0, 2)
y = np.array([float(r["y"]) for r in rows], np.float32).reshape(20, 6, 1).transpose(1, 0, 2)
before = np.concatenate([np.full_like(y[:1], np.nan), y[:-1]])
outputs = [o.name for o in session.get_outputs()]
whole = dict(zip(outputs, session.run(None, {"x": x, "y_before": before})))
for i, line in enumerate(open("out")): # y is fed back, so what is said after the first step is not compared here
    tags, numbers = line.rstrip("\n").split("\t")
    assert symbols[int(np.argmax(whole["tag_p"][0, i]))] == tags.split()[0], (i, tags)
    assert abs(whole["y_mean"][0, i, 0] - float(numbers.split()[0])) < 1e-4, (i, numbers, whole["y_mean"][0, i])
states = {}
for t in range(6):
    one = dict(zip(outputs, session.run(None, {"x": x[t:t + 1], "y_before": before[t:t + 1], **states})))
    assert np.allclose(one["tag_p"][0], whole["tag_p"][t], atol=1e-6) and np.allclose(one["y_mean"][0], whole["y_mean"][t], rtol=1e-6)
    states = {name[:-4] + "_start": v for name, v in one.items() if name.endswith("_end")}
assert len(states) > 2, states
P
finish
