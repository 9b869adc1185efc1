# `unroll export pytorch`: what import reads of it gives the same predictions; with PyTorch, every net and cell gives the numbers of the
# reference.
. "$SOURCE/tests/cli/common.sh"

# Names, layout and order of the gates: PyTorch's own, as import knows them.
awk 'BEGIN { print "id,x1,x2,y"; for (i = 1; i <= 20; i++) for (t = 1; t <= 6; t++)
  printf "%d,%.2f,%.2f,%.1f\n", i, (i * t * 7) % 40 / 20, (i + t) % 5 / 10, i % 5 / 5 }' >table.csv
awk -F, 'NR == 1 { print "x"; next } { printf("%s%s;%s", $1 == p ? " " : (NR > 2 ? "\n" : ""), $2, $3); p = $1 } END { print "" }' table.csv >flat.csv
for cell in lstm gru_reset_after rnn; do
  cat >there.net <<end
data x : numbers
data y : number
h = $cell(x, 5)
y ~ gaussian(W last(h) + b, 1)
end
  run train there.net table.csv --series id -o there --epochs 1 --quiet --threads 1
  expect 0
  run export pytorch there -o there.py
  expect 0
  run import there.safetensors -o back.safetensors --last
  expect 0
  run predict there table.csv --series id
  expect 0
  mv out wanted
  run predict back.safetensors flat.csv
  expect 0
  paste wanted out | awk '{ d = $1 - $2; if (d * d > 1e-10 || NF != 2) exit 1 }' || fail "$cell came back as another: $(paste wanted out | head -n 2)"
  [ "$(sort -u wanted | wc -l)" -gt 4 ] || fail "$cell: the predictions are all the same"
done
grep -q 'self.h = nn.RNN(2, 5)' there.py || fail "no nn.RNN: $(cat there.py)"

# A loop reads like the equations.
cat >own.net <<'end'
data x : numbers
data y : number
z = sigmoid(A x + B h[t-1] + bz)
h = (1 - z) * h[t-1] + z * tanh(C x)
width h = 5
y ~ gaussian(W last(h) + b, 1)
end
run train own.net table.csv --series id -o own --epochs 1 --quiet --threads 1
expect 0
run export pytorch own -o folder/of/own
expect 0
grep -q '^            z = torch.sigmoid(.*self.B(h_before).*self.bz)$' folder/of/own/own.py || fail "$(cat folder/of/own/own.py)"
grep -q '^    h = (1 - z) \* h\[t-1\] + z \* tanh(C x)$' folder/of/own/own.py || fail "no equations on top"
[ -s folder/of/own/own.safetensors ] || fail "no weights"

# What a net's file is called stays a text.
cp own.net 'say"""x.net'
run train 'say"""x.net' table.csv --series id -o say --epochs 1 --quiet --threads 1
expect 0
run export pytorch say -o 'say".py'
expect 0
grep -q '^"""say\\"\\"\\"x.net, written' 'say".py' || fail "$(head -n 2 'say".py')"
grep -q '^def load(path="say\\".safetensors"):' 'say".py' || fail "$(grep load 'say".py')"

# Refused, and nothing is written.
run export pytorch there -o /dev/null/no.py
[ "$status" != 0 ] || fail "a module in no folder"
run export pytorch there
expect 2 "where to? -o FILE"

python=
for p in "${UNROLL_PYTHON:-python3}" python3 /usr/bin/python3; do
  [ -z "$python" ] && "$p" -c 'import torch, numpy' 2>/dev/null && python=$p
done
[ -n "$python" ] || { echo "skipped: no Python with PyTorch (UNROLL_PYTHON)"; finish; }
[ -x "$BUILD/tests/api_export" ] || { echo "skipped: no tests/api_export"; finish; }
mkdir nets
UNROLL_ONNX=$PWD/nets "$BUILD/tests/api_export" >out 2>&1 || fail "$(cat out)"
"$python" "$SOURCE/tests/cli/torch_check.py" nets >out 2>&1 || fail "$(grep -v '^[a-z]*_[a-z_0-9]*: ' out)"
finish
