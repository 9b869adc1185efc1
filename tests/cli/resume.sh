# resume.sh - interrupted and resumed, with the bits of a training that was not.
. "$SOURCE/tests/cli/common.sh"

awk 'NR % 4 == 1' "$SOURCE/examples/places.txt" >names.txt
options="--set hidden=48 --set embedding=16 --set drop=0.1 --epochs 16 --batch 16 --test 0.1 --quiet"
run train names names.txt -o whole $options
expect 0

for signal in INT TERM; do
  rm -rf cut
  # In a job of its own: a background job of a script ignores SIGINT.
  set -m
  "$UNROLL" train names names.txt -o cut $options --checkpoint-seconds 0 2>err &
  job=$!
  set +m
  for _ in $(seq 200); do
    [ -s cut/log.jsonl ] && break # from the first record on, signals wait for the end of a step
    sleep 0.02
  done
  kill -s $signal $job
  wait $job
  status=$?
  command_line="train, then SIG$signal"
  if [ "$status" = 0 ]; then
    echo "note: the training was over before the signal"
  else
    expect 130 "interrupted" "train --resume cut"
    run train --resume cut --quiet --threads 1
    expect 0
  fi
  same whole/model.safetensors cut/model.safetensors "SIG$signal and resumed"
done

# The folder of a run is renamed, and a link to another one gets its name: the run goes on in the folder that it locked.
mkdir elsewhere
set -m
"$UNROLL" train names names.txt -o moving ${options/16 --batch/400 --batch} --checkpoint-seconds 0 --log-steps 1 2>err &
job=$!
set +m
for _ in $(seq 3000); do
  [ -s moving/checkpoint-1.safetensors ] && [ -s moving/log.jsonl ] && break
  sleep 0.02
done
mv moving moved
ln -s elsewhere moving
before=$(wc -l <moved/log.jsonl)
for _ in $(seq 3000); do
  [ "$(wc -l <moved/log.jsonl)" -gt $((before + 2)) ] && break
  sleep 0.02
done
kill -INT $job
wait $job
status=$?
command_line="train in a folder that moves"
expect 130 "interrupted"
[ -z "$(ls -A elsewhere)" ] || fail "a run wrote into a folder that it had not locked"
[ "$(wc -l <moved/log.jsonl)" -gt $((before + 2)) ] || fail "a run whose folder was renamed wrote no log any more"
run train --resume moved --steps 5 --quiet
[ "$status" = 0 ] || [ "$status" = 2 ] || fail "the folder that was moved cannot be resumed"

run train --resume cut --lr 1
expect 2 "cannot be given with --resume"
# Every line of the log is one JSON object.
if command -v python3 >/dev/null 2>&1; then
  python3 -c 'import json,sys
rows = [json.loads(line) for line in open("cut/log.jsonl")]
assert all("step" in r and "loss" in r for r in rows[:-1]), rows
assert "test_bits" in rows[-1], rows[-1]' || fail "log.jsonl"
fi
# Changed data is refused.
echo Xyz >>names.txt
rm -rf cut
run train names names.txt -o cut $options --steps 3
run train --resume cut --steps 6 names.txt --quiet
expect 0
echo Other >>names.txt
run train --resume cut --steps 9 names.txt --quiet
[ "$status" = 3 ] || [ "$status" = 2 ] || fail "changed data: exit code $status"

bash "$SOURCE/scripts/kill-test" 10 "$UNROLL" || fail "kill-test"
# What does not change a bit is remembered too, unless it is given anew.
run train names names.txt -o remembers $options --steps 6 --threads 2 --log-steps 3 --checkpoint-seconds 0
expect 0
run train --resume remembers --steps 12
expect 0 "2 threads"
[ "$(sed 's/.*"step":\([0-9]*\).*/\1/' remembers/log.jsonl | tr '\n' ' ')" = "3 6 9 12 " ] || fail "the resumed run forgot --log-steps"
run train --resume remembers --steps 18 --threads 1 --log-steps 6
expect 0 "1 thread ("
[ "$(tail -n 1 remembers/log.jsonl | sed 's/.*"step":\([0-9]*\).*/\1/')" = 18 ] || fail "the resumed run did not take --log-steps"
[ "$(wc -l <remembers/log.jsonl)" = 5 ] || fail "the resumed run did not take --log-steps"
# What a checkpoint from elsewhere names as its data is not read unless somebody asks for it.
run train names names.txt -o sent --steps 4 --quiet
expect 0
cp -r sent came
run train --resume came --steps 6 --quiet
expect 2 "this checkpoint was not written in this folder, and it names a file elsewhere, 'names.txt', as the data for training; give the data, or --trust"
run train --resume came names.txt --steps 6 --quiet
expect 0
cp -r sent came2
run train --resume came2 --steps 6 --quiet --trust
expect 0
run train --resume came2 --steps 7 --quiet
expect 0 # it has written its own by now
mkdir below
cp names.txt below
run train names below/names.txt -o below --steps 4 --quiet
cp -r below below2
rm -r below
mkdir below
cp -r below2/* below
run train --resume below --steps 6 --quiet
expect 0 # the data lies in the folder
mv below2 moved
run train --resume sent --steps 6 --quiet
expect 0
finish
