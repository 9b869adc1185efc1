# `unroll compress` and `unroll expand`: what goes in comes out, at the price that `unroll score` says.
. "$SOURCE/tests/cli/common.sh"

# packs MODEL FILE: there and back, also packed and unpacked with other instruction sets.
packs() {
  local isa
  run compress "$1" "$2" -o packed --force
  expect 0
  for isa in portable avx2 ""; do
    UNROLL_ISA=$isa "$UNROLL" expand "$1" packed -o back --force 2>err || fail "$2, UNROLL_ISA=$isa: $(cat err)"
    same "$2" back "$1, UNROLL_ISA=$isa"
  done
  UNROLL_ISA=portable "$UNROLL" compress "$1" "$2" -o portable --force -q || fail "$2 is not packed with UNROLL_ISA=portable"
  same packed portable "packed by another instruction set"
}

# A stream: bits as score says, and at most 0.1 % more, beside the head of 32 bytes and up to two at the end.
unroll_text() { "$UNROLL" task xml -n 40 --seed "$1"; }
unroll_text 1 >train.txt
unroll_text 2 >other.txt
run train language train.txt -o stream --set hidden=32 --steps 60 --quiet
expect 0
packs stream other.txt
run score stream other.txt
expect 0
bits=$(awk -F '\t' 'NR == 1 { print -$1 }' out)
size=$(wc -c <packed)
holds "$size >= $bits / 8 && $size <= 34 + 1.001 * $bits / 8"

# Lines; what a model of characters has no symbol for; no end of line at the end; no bytes at all; bytes.
small
packs small names.txt
printf 'one\r\n\xff\xfe \xe6\xbc\xa2\xe5\xad\x97\n\n\nlast' >odd.txt
packs small odd.txt
packs stream odd.txt
head -c 3000 "$UNROLL" >program
packs stream program
: >empty
packs small empty
printf 'data text : bytes\nx = embed(text[t-1], 8)\nh = gru(x, 16)\ntext ~ softmax(W h + b)\n' >bytes.net
run train bytes.net train.txt -o bytes --steps 20 --quiet
expect 0
packs bytes odd.txt

# Parts of words: a stream and lines. The space before a line is not of the text, and what was not seen is bytes.
printf 'data text : bpe(300)\nx = embed(text[t-1], 8)\nh = gru(x, 16)\ntext ~ softmax(W h + b)\n' >parts.net
sed 's/bpe(300)/bpe(300) lines lower/' parts.net >lines.net
printf ' two  spaces\n   x\n\n  \nA\n \n' >spaces.txt
for net in parts lines; do
  run train $net.net train.txt -o $net --steps 20 --quiet
  expect 0
  for text in odd.txt spaces.txt empty; do packs $net $text; done
done
packs parts other.txt
run score parts other.txt
expect 0
bits=$(awk -F '\t' 'NR == 1 { print -$1 }' out)
run compress parts other.txt -o packed --force -q
size=$(wc -c <packed)
holds "$size >= $bits / 8 && $size <= 34 + 1.001 * $bits / 8"

# Names of files, and pipes.
run compress small names.txt
expect 0 "bytes became" "bits a byte"
run compress small names.txt
expect 2 "'names.txt.unz' is there: --force"
mkdir there && mv names.txt.unz there
run expand small there/names.txt.unz
expect 0
same names.txt there/names.txt "expanded by name"
run expand small names.txt
expect 2 "does not end with .unz"
"$UNROLL" compress small - <names.txt 2>/dev/null | "$UNROLL" expand small - >back || fail "no pipe"
same names.txt back "by a pipe"

# Another model, damage, another kind of file, a model that cannot.
run compress small names.txt -o packed --force -q
expect 0
refuse "became"
run expand stream packed -o no
expect 3 "packed: error: this was compressed with another model"
run expand small names.txt -o no
expect 3 "names.txt: error: this was not written by 'unroll compress'"
size=$(wc -c <packed)
for at in 40 100 $((size - 3)); do
  head -c "$at" packed >damaged
  printf 'U' >>damaged
  tail -c +$((at + 2)) packed >>damaged
  cmp -s packed damaged && continue
  run expand small damaged -o no
  expect 3 "damaged"
done
head -c 60 packed >cut
run expand small cut -o no
expect 3 "damaged"
{ cat packed; echo more; } >longer
run expand small longer -o no
expect 3 "damaged"
[ ! -e no ] || fail "a damaged file was written"
printf 'a,y\n1,x\n2,y\n' >table.csv
printf 'data a : numbers whole\ndata y : category\ny ~ softmax(W a + b)\n' >label.net
run train label.net table.csv -o label --steps 3 --quiet
expect 0
run compress label table.csv
expect 2 "only a model that predicts one text"
run compress small missing.txt
expect 3 "missing.txt"
finish
