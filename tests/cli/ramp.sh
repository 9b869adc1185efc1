# ramp.sh - --ramp: a setting that changes in training, and --set for the settings of cells.
. "$SOURCE/tests/cli/common.sh"

awk 'NR % 16 == 1' "$SOURCE/examples/places.txt" >names.txt
options="--set cell=lstm_steep --set hidden=16 --set embedding=8 --batch 16 --quiet"
run train names names.txt -o ramp $options --steps 40 --ramp h.s=1:4@0.5 --log-steps 10 --valid 0.2
expect 0
grep -q '"step":10,.*"settings":{"h.s":2.5}' ramp/log.jsonl || fail "the log does not say what is in force"
tail -n 1 ramp/log.jsonl | grep -q '"settings":{"h.s":4.0}' || fail "the last value is not in force at the end"
run eval ramp/model.safetensors names.txt
expect 0 "bits per symbol"
run sample ramp/model.safetensors -n 3
expect 0
run explain ramp/model.safetensors
expect 0 "sigmoid("

# A ramp that stays is a setting; but steps are made with one plan.
run train names names.txt -o flat $options --steps 10 --ramp h.s=2:2
expect 0
run train names names.txt -o set $options --steps 10 --set h.s=2
expect 0
for m in flat set; do
  run eval $m/model.safetensors names.txt --json
  expect 0
  sed 's/.*"bits_per_symbol": *\([0-9.]*\).*/\1/' out | grep -m 1 '^[0-9]' >$m.bits
done
holds "($(cat flat.bits) - $(cat set.bits))^2 < 1e-6"
run train names names.txt -o one $options --steps 10
expect 0
! cmp -s one/model.safetensors set/model.safetensors || fail "--set h.s=2 changed nothing"

run check names --set cell=lstm_steep --set h.s=3 --quiet
expect 0 "right"
run train names names.txt -o bad $options --ramp h.q=1:2
expect 2 "there is no setting 'h.q'; did you mean 'h.s'?"
run train names names.txt -o bad $options --ramp hidden=16:32
expect 3 "'hidden' changes in training, but here stands a number that cannot"
run train names names.txt -o bad $options --ramp cell=1:2
expect 2 "the setting 'cell' is a word"
run train names names.txt -o bad $options --ramp h.s=1:2 --ramp h.s=1:3
expect 2 "two ramps for the setting 'h.s'"
finish
