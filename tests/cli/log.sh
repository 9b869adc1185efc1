# `unroll log`: runs side by side, and event files that TensorBoard's own reader takes.
. "$SOURCE/tests/cli/common.sh"

for i in 1 2 3 4 5 6 7 8 9 10; do printf 'anna\nberta\ncarla\ndora\nemma\nfrida\ngerda\nhanna\n'; done >names.txt
for hidden in 8 16; do
  run train names names.txt -o run$hidden --set hidden=$hidden --epochs 3 --log-steps 1 --valid 0.2 -q
  expect 0
done

run log run8
expect 0 'valid bits' 'bits per symbol: t training, v validation' 'run8'
run log run8 run16
expect 0 'hidden' 'valid_bits'
[ "$(grep -c 'run8\|run16' out)" = 2 ] || fail "a line for each run"
run log run8 run16 --of grad_norm
expect 0 'grad_norm'
run log run8 --of nonsense
expect 2 'nonsense' 'grad_norm'
run log run8 --csv
expect 0 'run,step,epoch,seconds,loss'
[ "$(wc -l <out)" = "$(($(wc -l <run8/log.jsonl) + 1))" ] || fail "a row of CSV for each record"
run log run8 run16 --json
expect 0 '"runs"' '"hidden": "16"'
run log run8/log.jsonl
expect 0 'run8/log.jsonl'
run log nowhere
expect 3 'nowhere'
: >begun.jsonl
run log begun.jsonl
expect 3 "no record yet"
run log names.txt
expect 3 'no record of a log'
run log run8 --csv --json
expect 2 'exclude each other'

# The learning rate falls to its floor, and a resumed run keeps it.
run train names names.txt -o floor --set hidden=8 --epochs 5 --log-steps 1 --lr 0.1 --schedule decay:0.5:1 --min-lr 0.03 -q
expect 0
grep -o '"lr":[0-9.e-]*' floor/log.jsonl | uniq >rates
printf '"lr":%s\n' 0.1 0.05 0.03 | cmp -s - rates || fail "rates of a floor: $(tr '\n' ' ' <rates)"
run train --resume floor --epochs 6 -q
expect 0
[ "$(grep -o '"lr":[0-9.e-]*' floor/log.jsonl | tail -n 1)" = '"lr":0.03' ] || fail "a resumed run does not keep the floor"

run log run8 run16 --tensorboard tb
expect 0 'tensorboard --logdir tb'
if python3 -c 'import tensorboard' 2>/dev/null; then
  python3 - <<'P' >verdict 2>&1 || fail "the reader of TensorBoard: $(tail -n 1 verdict)"
import json
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
for run in 'run8', 'run16':
    e = EventAccumulator('tb/' + run)
    e.Reload()
    tags = e.Tags()
    records = [json.loads(line) for line in open(run + '/log.jsonl')]
    for name in 'loss', 'grad_norm', 'valid_bits', 'lr':
        seen = [(x.step, x.value) for x in e.Scalars(name)]
        want = [(r['step'], r[name]) for r in records if name in r]
        assert len(seen) == len(want) and all(a[0] == b[0] and abs(a[1] - b[1]) <= 1e-6 * abs(b[1]) for a, b in zip(seen, want)), name
    texts = {t.split('/')[0]: e.Tensors(t)[0].tensor_proto.string_val[0].decode() for t in tags['tensors']}
    assert 'token ~ softmax' in texts['equations'] and '| hidden | ' + run[3:] in texts['options'], texts
P
fi
finish
