# run.sh - a cell on given tensors. The numbers are in tests/train/test_apply.c and test_golden.c; here: files, options, messages.
. "$SOURCE/tests/cli/common.sh"

# tensors FILE NAME DTYPE SHAPE BYTES ...: writes safetensors; BYTES in hexadecimal, as they lie in the file.
tensors() {
  local file=$1 header= data= at=0 n
  shift
  while [ $# -gt 0 ]; do
    n=$((${#4} / 2))
    header="$header${header:+,}\"$1\":{\"dtype\":\"$2\",\"shape\":[$3],\"data_offsets\":[$at,$((at + n))]}"
    data=$data$4
    at=$((at + n))
    shift 4
  done
  header="{$header}"
  n=${#header}
  {
    printf "\\x$(printf %02x $((n % 256)))\\x$(printf %02x $((n / 256)))\\0\\0\\0\\0\\0\\0%s" "$header"
    printf "$(sed 's/../\\x&/g' <<<"$data")"
  } >"$file"
}
numbers() { od -An -tf4 -v -j $((8 + $(od -An -tu8 -N8 "$1"))) "$1" | tr -s ' \n' ' '; }
half=0000003f one=0000803f two=00000040 three=00004040

# h = x + h[t-1] over x = 1, 2, 3: sums.
echo 'h = x + h[t-1]' >sum.cell
tensors none
tensors x x F32 3,1,1 $one$two$three
run run sum.cell --weights none --inputs x -o y --set hidden=1
expect 0
[ "$(numbers y)" = " 1 3 6 6 " ] || fail "h and h[T]: $(numbers y)"
tensors x x F32 3,1,1 $one$two$three 'h[0]' F32 1,1 $half 'd.h' F32 3,1,1 $one$two$three
run run sum.cell -w none -i x -o y --grad
expect 0
[ "$(numbers y)" = " 1.5 3.5 6.5 6.5 6 5 3 6 " ] || fail "h, h[T], d.x, d.h[0]: $(numbers y)"
grep -qaF 'd.h[0]' y || fail "no gradient of the initial state by name"
run run sum.cell -w none -i x -o y --grad --reference
expect 0
grep -qa '"dtype":"F64"' y || fail "the reference writes F64"
cp y first
run run sum.cell -w none -i x -o y --grad --reference
same y first "run twice"

# A trained model is a file of weights.
small
printf '%s\n' 'data token : chars lines' 'h = lstm(embed(token[t-1], 8), 24)' 'token ~ softmax(W h + b)' >mine.net
tensors x token I32 2,1 0000000001000000
run run mine.net -w small/model.safetensors -i x -o y
expect 0
grep -qaF '"loss.token"' y || fail "no loss"
tensors x token I32 2,1 00000000ff000000
run run mine.net -w small/model.safetensors -i x -o y
expect 3 "the tensor 'token' has the symbol 255 at [1, 0]"

rm -f y
while IFS='|' read -r code arguments message; do
  [ -n "$arguments" ] || continue
  tensors x x F32 3,1,1 $one$two$three 'd.h' F32 3,1,1 $one$two$three
  eval "run $arguments"
  expect "$code" "$message"
  [ ! -e y ] || fail "$command_line: wrote something"
done <<'ROWS'
2|run|'unroll run' needs arguments: NET|CELL
2|run sum.cell|which weights? Give a file with --weights
2|run sum.cell -w none|on which inputs? Give a file with --inputs
2|run sum.cell -w none -i x|where to? Give a file with -o
2|run small/model.safetensors -w none -i x -o y|give the net or cell, and this file with --weights
3|run lsmt -w none -i x -o y|did you mean 'lstm'?
3|run sum.cell -w none -i gone -o y|gone
3|run sum.cell -w sum.cell -i x -o y|sum.cell
3|run sum.cell -w none -i x -o y|the tensor 'd.h' is of no use here: cotangents are for --grad
3|run rnn -w none -i x -o y --grad|none: error: the tensor 'Wxh' [
3|run sum.cell -w x -i x -o y --grad|x: error: the tensor 'x' is of no use here
2|run sum.cell -w none -i x -o y --grad --set hiden=3|there is no setting 'hiden'
ROWS

# Parts of words are symbols, to `check` and `run` too; a picture is numbers.
printf '%s\n' 'data text : words(9)' 'data s : suffix(text, 3)' 'data y : category(3)' 'y ~ softmax(A text + B s)' >parts.net
tensors w A F32 2,2 $one$two$two$one B F32 2,2 $half$half$one$one
tensors x text I32 1,1 00000000 s I32 1,1 01000000
run run parts.net --weights w --inputs x -o y
expect 0
[ "$(numbers y)" = " 2 3 " ] || fail "logits of suffixes: $(numbers y)"
run check parts.net
expect 0
grep -q "  B  *8 x 9 " out || fail "suffixes are not made few: $(cat out)"
run explain parts.net
grep -q "  s : suffix, 65 symbols, at every step" out || fail "$(cat out)"
run explain image
grep -q "  picture : image, 784 wide, once a sequence" out || fail "$(cat out)"
finish
