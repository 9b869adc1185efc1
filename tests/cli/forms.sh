# forms.sh - the same table in every form gives the same results; files of other kinds are named as what they are.
. "$(dirname "$0")/common.sh"

found() { grep -qE "^$1_FOUND:INTERNAL=1" "$BUILD/CMakeCache.txt"; }

cat >line.net <<'END'
hidden = 4
data x : numbers(2)
data y : number
y ~ gaussian(mean = W tanh(V x + bv) + b, scale = 1)
END
awk 'BEGIN { print "x,y"; for (i = 0; i < 40; i++) print i % 7 / 4 ";" i % 5 / 2 "," i % 7 / 4 - i % 5 }' >line.csv
run train line.net line.csv -o line --steps 20 --quiet
expect 0
run predict line/model.safetensors line.csv
expect 0
[ "$(wc -l <out)" = 40 ] || fail "predict: not a line for each row"
mv out wanted

# form FILE: predicts the same.
form() {
  run predict line/model.safetensors "$1"
  expect 0
  same out wanted "$1"
}
tr , '|' <line.csv >bars.csv
form bars.csv
tr , '\t' <line.csv >tabs.csv
form tabs.csv
tr ';,' ' ;' <line.csv | sed 's/^\([^;]*\) /\1;/' | awk -F';' 'NR == 1 { print "x1;x2;y" } NR > 1 { print $1 ";" $2 ";" $3 }' >semicolons.csv
form semicolons.csv
tr '\n' '\r' <line.csv >returns.csv
form returns.csv
awk -F, 'NR > 1 { print "{\"y\": " $2 ", \"x\": \"" $1 "\", \"more\": null}" }' line.csv >line.jsonl
form line.jsonl
mv line.jsonl line.txt
form line.txt
if found ZLIB; then
  gzip -k line.csv
  form line.csv.gz
  cp line.csv.gz in
  form -
  rm in
  head -c 30 line.csv.gz >cut.csv.gz
  run predict line/model.safetensors cut.csv.gz
  expect 3 "cut.csv.gz: error: the file is packed by gzip and damaged: it is cut off"
else
  gzip -k line.csv
  run predict line/model.safetensors line.csv.gz
  expect 3 "this is a file packed by gzip, not a table; unpack it by gunzip"
fi
if found ZSTD && command -v zstd >/dev/null; then
  zstd -q line.csv
  form line.csv.zst
fi
if command -v python3 >/dev/null; then
  mkdir arrays
  python3 - <<'END'
import csv, struct, json
rows = list(csv.DictReader(open('line.csv')))
x = [float(e) for r in rows for e in r['x'].split(';')]
y = [float(r['y']) for r in rows]
def npy(name, shape, values):
    head = "{'descr': '<f4', 'fortran_order': False, 'shape': %s, }" % (shape,)
    head = head.ljust(117) + '\n'
    open(name, 'wb').write(b'\x93NUMPY\1\0' + struct.pack('<H', len(head)) + head.encode() + struct.pack('<%df' % len(values), *values))
npy('arrays/x.npy', (40, 2), x)
npy('arrays/y.npy', (40,), y)
head = json.dumps({'x': {'dtype': 'F32', 'shape': [40, 2], 'data_offsets': [0, 320]},
                   'y': {'dtype': 'F64', 'shape': [40], 'data_offsets': [320, 640]}}).encode()
open('line.safetensors', 'wb').write(struct.pack('<Q', len(head)) + head + struct.pack('<80f', *x) + struct.pack('<40d', *y))
END
  form arrays
  form line.safetensors
fi

# CoNLL-U: its columns have the names of the standard.
cat >tag.net <<'END'
data form : words
data upos : category
upos ~ softmax(W rnn(embed(form, 4), 4) + b)
END
for i in 1 2 3 4 5 6 7 8; do
  printf '# text %d\n1\tthe\tthe\tDET\t_\t_\t2\tdet\t_\t_\n2\tdog\tdog\tNOUN\t_\t_\t0\troot\t_\t_\n\n' $i
done >dogs.conllu
run train tag.net dogs.conllu -o tags --steps 5 --quiet
expect 0
run eval tags/model.safetensors dogs.conllu
expect 0 "16 predictions, 8 examples"

# Files of other kinds.
printf '\377\330\377\340\0\020JFIF' >photo.jpg
run predict line/model.safetensors photo.jpg
expect 3 "photo.jpg: error: this is a JPEG picture, not a table; the cells of a table name pictures, each by the name of a file"
run train names photo.jpg -o photo
expect 3 "photo.jpg: error: this is a JPEG picture, not a text"
run eval photo.jpg line.csv
expect 3 "photo.jpg: error: this is a JPEG picture, not safetensors, the form of models and tensors"
printf '\200\4\225more' >model.pt
run eval model.pt line.csv
expect 3 "model.pt: error: this is a Python pickle, which is a program, not safetensors, the form of models and tensors; save its tensors as safetensors"
run predict line/model.safetensors line/model.safetensors
expect 3 "this is a model of Unroll, not a table"

# What a folder holds is read, not waited for.
mkdir folder
cp line.csv folder
mkfifo folder/pipe
command_line="unroll predict folder"
timeout 60 "$UNROLL" predict line/model.safetensors folder >out 2>err
status=$?
expect 3 "folder/pipe: error: is no regular file"

# What a cell names, too: a pipe would wait for ever, a device would take all memory.
cat >image.net <<'END'
data picture : image(1, 2, 2)
data label : category
label ~ softmax(W picture + b)
END
mkfifo pipe.pgm
for name in pipe.pgm /dev/zero /dev/null; do
  printf 'picture,label\n%s,a\n' $name >image.csv
  command_line="unroll train image.net ($name)"
  timeout 60 "$UNROLL" train image.net image.csv -o image >out 2>err
  status=$?
  expect 3 "row 2, column 'picture': '$name': is no regular file"
done
truncate -s 3G large.pgm
printf 'picture,label\nlarge.pgm,a\n' >image.csv
run train image.net image.csv -o image
expect 3 "row 2, column 'picture': 'large.pgm': the file is larger than 2048 MB"
rm large.pgm
if found ZLIB; then
  printf 'P5 2 2 255\nabcd' | gzip >packed.pgm.gz
  printf 'picture,label\npacked.pgm.gz,a\npacked.pgm.gz,b\n' >image.csv
  run train image.net image.csv -o image --steps 1 --quiet
  expect 0
fi
finish
