# inside.sh - explain, check and bench.
. "$SOURCE/tests/cli/common.sh"

for net in language names rnn lstm gru; do
  run explain "$net"
  expect 0 "Parameters" "Equations" "Gradient" "Plan"
done
run explain language --json --set cell=gru --set hidden=32
expect 0 '"parameters"' '"h.Wz"' '"hidden": 32' '"operations_per_step"'
# A student recognises the lecture's line.
run explain rnn
expect 0 "dh = " "Whh'" "(1 - h^2)" "dWhh = "
# A net of one's own, with a cell beside it.
mkdir own
printf '# mine\nh = tanh(Wx x + Wh h[t-1] + b)\n' >own/mine.cell
printf 'data token : chars\nh = mine(embed(token[t-1], 4), 6)\ntoken ~ softmax(W h + b)\n' >own/mine.net
run explain own/mine.net
expect 0 "h.Wx" "h.Wh"
run check own/mine.net --dump dump.safetensors
expect 0 "right"
[ -s dump.safetensors ] || fail "no dump"
for cell in rnn rnn_relu lstm gru gru_reset_after; do
  run check $cell --quiet
  expect 0 "$cell: right"
done
# The mean or the largest of all steps instead of the last one.
for over in mean max; do
  run check classify --set over=$over --quiet
  expect 0 "classify: right"
  run explain classify --set over=$over
  expect 0 "softmax(W $over(h) + b)"
done
run check sentiment --set past=mean --set future=max --quiet
expect 0 "sentiment: right"
run check rnn --json
expect 0 '"passed": true' '"worst_difference"'

run bench names --seconds 0.3 --threads 1 --set hidden=32 --batch 8 --unroll 8 --quiet
expect 0 "share of peak" "measured peak" "symbols/s"
run bench --seconds 0.2 --threads 2 --set hidden=32 --batch 8 --unroll 8 --json
expect 0 '"share_of_peak"' '"threads": 2'
finish
