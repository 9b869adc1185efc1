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

# What options say: separator, decimal comma, columns of other names, the order of dates.
tr ',' '/' <line.csv >slashes.csv
run predict line/model.safetensors slashes.csv
expect 3 "there is no column 'x'"
run predict line/model.safetensors slashes.csv --separator /
expect 0
same out wanted "--separator"
run predict line/model.safetensors slashes.csv --separator //
expect 2 "--separator takes one character, as in ';', or tab, not '//'"
awk -F, 'NR == 1 { print "x|y" } NR > 1 { gsub(/[.]/, ",", $1); print $1 "|" $2 }' line.csv >commas.csv
run predict line/model.safetensors commas.csv
expect 3 "' is no number (--decimal reads commas)"
run predict line/model.safetensors commas.csv --decimal ,
expect 0
same out wanted "--decimal"
sed '1s/.*/x,sales/' line.csv >sales.csv
run eval line/model.safetensors sales.csv
expect 3 "there is no column 'y'; the columns are: x, sales"
run eval line/model.safetensors sales.csv --column y=sales
expect 0 "40 predictions"
run eval line/model.safetensors sales.csv --column y=sale
expect 3 "there is no column 'sale'; the columns are: x, sales"
cat >days.net <<'END'
data y : number
y ~ gaussian(mean = W rnn(y[t-1], 3) + b, scale = 1)
END
awk 'BEGIN { print "day,y"; for (i = 1; i <= 28; i++) printf "2024-02-%02d,%d\n", i, i % 7 }' >days.csv
sed 's/2024-02-\(..\)/\1.2.2024/' days.csv >german.csv
run train days.net days.csv --time day --horizon 2 --context 4 --steps 3 --valid 0 -o days --quiet
expect 0
run train days.net german.csv --time day --dates day-first --horizon 2 --context 4 --steps 3 --valid 0 -o german --quiet
expect 0
run predict days/model.safetensors days.csv --samples 5
expect 0 "2024-03-01,y,"
mv out iso
run predict german/model.safetensors german.csv --samples 5 --dates day-first
expect 0
same out iso "--dates"
run predict days/model.safetensors german.csv --samples 5
expect 3 "01.2.2024"

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

# A few lines may ask for gigabytes: refused with figures before they are taken.
printf 'data c : chars\nh = rnn(embed(c[t-1], 4), 30000)\nc ~ softmax(W h + b)\n' >huge.net
run train ./huge.net tag.net -o huge --max-memory 500M
expect 1 "what this net learns needs " " MB of memory, and 500 MB are allowed (--max-memory says how much)"
run predict line/model.safetensors line.csv --max-memory 1
expect 1 "a pass of this net needs 0 MB of memory, and 0 MB are allowed"

header='{"__metadata__":{"format":"unroll 1","net":"data x : numbers\nx ~ gaussian(mean = x[t-1], scale = 1)\n","net_file":"a.net",'
header+='"cells":"{}","settings":"{}","variables":"{\"x\":{\"width\":16777216}}","data":"{\"bytes\":0,\"hash\":\"0000000000000000\"}"}}'
{ printf '\0\1\0\0\0\0\0\0' && printf '%-256s' "$header"; } >forged.safetensors # a model of 264 bytes
run sample forged.safetensors --max-memory 100M
expect 1 "this net " " MB of memory, and 100 MB are allowed (--max-memory says how much)"

# Cells within cells multiply: a net of many operations is refused with the figure before it takes minutes.
for i in {1..20}; do echo "a$i = tanh(W$i a$((i - 1)) + U$i a$i[t-1])"; done | sed 's/ a0 / x /' >inner.cell
echo 'h = 1 * a20' >>inner.cell
for outer in middle:inner outer:middle; do
  for i in {1..20}; do echo "a$i = ${outer#*:}(a$((i - 1)), 2)"; done | sed 's/(a0/(x/' >"${outer%:*}.cell"
  echo 'h = 1 * a20' >>"${outer%:*}.cell"
done
printf 'data x : numbers(2)\ndata y : number\nh = %s(x, 2)\ny ~ gaussian(mean = V last(h) + bv, scale = 1)\n' outer >nested.net
run explain nested.net
expect 1 "this net has more than 32768 operations (--max-operations says how many may be)"
run check nested.net --max-operations 1000
expect 1 "this net has more than 1000 operations (--max-operations says how many may be)"
run explain nested.net --max-operations none
expect 2 "--max-operations takes a whole number from 1 to 1000000, not"

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
