# bench.sh - what `unroll bench` prints, in words and as JSON. No figure is judged but for what must hold on any machine.
. "$SOURCE/tests/cli/common.sh"
small="--seconds 0.1 --set hidden=32 --batch 8 --unroll 8 --quiet"

run bench names $small --threads 1
expect 0 "share of peak" "measured peak" "symbols/s" "reading L1" "reading memory" "bound by" "nats per symbol" "products"
run bench $small --threads 2 --json
expect 0 '"share_of_peak"' '"threads": 2' '"gbs_one_thread"' '"time_by_kind"' '"barriers"' '"share_of_roof"'
run bench $small --roofline
expect 0 "Roofline: on this machine" "would be products at the peak" "Stages of 2 % and more"
run bench $small --forward --cell gru
expect 0 "forward pass" "nets/language.net"
refuse "training step" "nats per symbol"
run bench --shape 4,24,5,2 --seconds 0.1 --quiet --json
expect 0 '"batch": 4' '"unroll": 5'
run bench --shape 4,24,5,2 --cell indrnn --seconds 0.1 --quiet
expect 0 "batch 4, 5 steps"
run bench $small --precision bf16 --json
expect 0 '"precision": "bf16"'
run bench --sessions --seconds 0.05 --quiet
expect 0 "session 16" "session 512" "an empty call"
refuse "language 256"
# The split adds up to the whole.
run bench $small --threads 1 --json
sum=$(sed 's/.*"time_by_kind": {\([^}]*\)}.*/\1/; s/"[^"]*"://g; s/,/+/g' out)
holds "($sum) > 0.98 && ($sum) < 1.02"
holds "$(sed -n 's/.*"share_of_peak": \([0-9.e-]*\).*/\1/p' out) > 0"
if [ -z "$SANITIZE" ]; then
  run bench --cells --shape 4,16,5 --seconds 0.05 --quiet --json
  expect 0 '"cell": "lstm"' '"cell": "sru"' '"per_operation_against_lstm"' '"hidden": 16'
  run bench --cells --shape 4,16,5 --seconds 0.05 --quiet
  expect 0 "time per operation" "lstm_peephole"
  # Every case, with small sizes in place of its own.
  run bench --cases --set hidden=16 --seconds 0.05 --quiet --cell gru --threads 1
  expect 0 "session 16" "an empty call" "words 2 x 650" "cell alone" "of roof"
  run bench --cases --set hidden=16 --seconds 0.05 --quiet --cell gru --threads 1 --json
  expect 0 '"mode": "session"' '"mode": "infer"' '"seconds_empty_call"' '"machine"'
fi

while IFS='|' read -r arguments text; do
  run bench $arguments
  expect 2 "$text"
done <<'ROWS'
--shape 1,2|--shape takes batch,hidden,steps
--shape 1,2,3,4,5|--shape takes batch,hidden,steps
--shape 1,0,3|--shape takes batch,hidden,steps
--shape 1,2,x|--shape takes batch,hidden,steps
--shape 1,2,3 --batch 4|--shape says what --batch and --unroll say
--cases language|give a net, --cases, --sessions, or --cells
--cases --cells|give a net, --cases, --sessions, or --cells
--cases --forward|--forward is for one net
--cases --shape 1,2,3|the shapes of --cases are fixed
--cells --cell gru|--cells takes no --cell
--cells --shape 1,2,3,4|--cells takes no number of layers
gru|'gru' is a cell
ROWS
run bench --cell lsmt --seconds 0.1
expect 3 "lsmt"
finish
