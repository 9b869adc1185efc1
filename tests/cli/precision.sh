# precision.sh - products of bf16 numbers: trained, resumed, used; of bytes: used.
. "$SOURCE/tests/cli/common.sh"

awk 'NR % 8 == 1' "$SOURCE/examples/places.txt" >names.txt
options="--set hidden=32 --set embedding=16 --epochs 4 --batch 16 --test 0.1 --quiet --seed 3"
run train names names.txt -o exact $options
expect 0
run train names names.txt -o rounded $options --precision bf16
expect 0
run train names names.txt -o again $options --precision bf16 --threads 1
expect 0
same rounded/model.safetensors again/model.safetensors "bf16 with another number of threads"
if cmp -s exact/model.safetensors rounded/model.safetensors; then
  fail "bf16 changed nothing"
fi
# The loss is near the one of single precision: within 2 of 100.
bits() { awk '{ for (i = 1; i < NF; i++) if ($(i + 1) ~ /^bits/) print $i }' out | head -1; }
run eval exact/model.safetensors names.txt
expect 0
refuse "in single precision"
exact=$(bits)
run eval rounded/model.safetensors names.txt
expect 0
holds "$(bits) < 1.02 * $exact && $(bits) > 0.98 * $exact && $exact > 0"

# eval says what rounding costs, beside the loss in single precision.
for precision in bf16 int8; do
  run eval exact/model.safetensors names.txt --precision $precision
  expect 0 "in single precision: $exact bits per symbol; $precision costs "
  holds "$(bits) < 1.01 * $exact && $(bits) > 0.99 * $exact"
  cp out $precision.out
  run eval exact/model.safetensors names.txt --precision $precision --threads 1
  expect 0
  same out $precision.out "$precision with another number of threads"
done
for isa in portable avx2 avx512; do
  export UNROLL_ISA=$isa
  run score exact/model.safetensors names.txt --precision int8
  expect 0
  cp out $isa.out
  same $isa.out portable.out "int8 on $isa"
done
unset UNROLL_ISA
run score exact/model.safetensors names.txt
expect 0
! cmp -s out portable.out || fail "int8 changed nothing"
run eval exact/model.safetensors names.txt --precision int8 --json
expect 0 '"precision": "int8"' '"loss_fp32": ' '"loss_of_rounding": '
holds "$(sed 's/.*"loss": \([0-9.]*\).*"loss_fp32": \([0-9.]*\).*"loss_of_rounding": \([-0-9.e]*\).*/(\1 - \2 - (\3)) ^ 2 < 1e-18/' out)"
run score exact/model.safetensors names.txt --precision bf16
expect 0
for precision in bf16 int8; do
  run sample rounded/model.safetensors -n 2 --precision $precision
  expect 0
done

# A table: predictions of a net of labels.
awk 'BEGIN { print "text,label"; for (i = 0; i < 400; i++) print (i * 7 % 3 ? "ab" : "ba") i % 10 "," (i * 7 % 3 ? "yes" : "no") }' >table.csv
printf 'data text : chars\ndata label : category\nh = gru(embed(text, 16), 24)\nlabel ~ softmax(W last(h) + b)\n' >labels.net
run train labels.net table.csv -o table --epochs 3 --quiet
expect 0
run eval table/model.safetensors table.csv --precision int8
expect 0 "in single precision: " "nats per prediction; int8 costs "
run eval table/model.safetensors table.csv --precision int8 --json
expect 0 '"precision": "int8"' '"loss_fp32": ' '"loss_of_rounding": '
run eval table/model.safetensors table.csv
expect 0
refuse "in single precision"
run predict table/model.safetensors table.csv
expect 0
cut -f 1 out >exact.out
run predict table/model.safetensors table.csv --precision int8
expect 0
cut -f 1 out >int8.out
same int8.out exact.out "labels by int8"

# Training has gradients, which bytes have no room for.
run train names names.txt -o bad --precision int8
expect 2 "one of fp32|bf16"
run train names names.txt -o bad --precision fp8
expect 2 "one of fp32|bf16"
run eval exact/model.safetensors names.txt --precision int4
expect 2 "one of fp32|bf16|int8"
run bench names --precision int8
expect 2 "nothing trains in int8"
run bench --cases --precision int8
expect 2 "nothing trains in int8"
finish
