# precision.sh - products of bf16 numbers: trained, resumed, used.
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
  echo "bf16 changed nothing"
  exit 1
fi
# The loss is near the one of single precision: within 2 of 100.
for way in exact rounded; do
  run eval $way/model.safetensors names.txt
  expect 0
  awk '{ for (i = 1; i < NF; i++) if ($(i + 1) ~ /^bits/) print $i }' out | head -1 >$way.bits
done
awk 'NR == FNR { a = $1; next } { d = ($1 - a) / a; exit !(d < 0.02 && d > -0.02 && a > 0) }' exact.bits rounded.bits || {
  echo "bits per symbol: $(cat exact.bits) and $(cat rounded.bits)"
  exit 1
}
run score exact/model.safetensors names.txt --precision bf16
expect 0
run sample rounded/model.safetensors -n 2 --precision bf16
expect 0
run train names names.txt -o bad --precision fp8
expect 2 "one of fp32|bf16"
run eval exact/model.safetensors names.txt --precision int4
expect 2 "one of fp32|bf16"
