# `unroll search`: the same result for any number of jobs, and where it was stopped; values, folders, runs that diverge.
. "$SOURCE/tests/cli/common.sh"
awk 'NR % 16 == 1' "$SOURCE/examples/places.txt" >names.txt
ask="names.txt --try hidden=2,4,8 --try lr=log(1e-3,1e-1) --runs 6 --steps 40 --set embedding=3 --seeds 2 --quiet"
run search names $ask -o one -j 1
expect 0 "valid bits" "hidden"
cp out table
run search names $ask -o four -j 4
expect 0
same table out "one job and four"
same one/search.jsonl four/search.jsonl "one job and four"
same one/model.safetensors four/model.safetensors "one job and four"
[ "$(wc -l <one/search.jsonl)" = 6 ] || fail "no line for each run"
# The first is the best of those that were trained to the end; half of the runs were stopped after a quarter of the steps.
head -n 1 one/search.jsonl | grep -q '"steps":40,"rounds":3' || fail "the first was not trained to its end: $(head -n 1 one/search.jsonl)"
[ "$(grep -c '"steps":10,"rounds":1' one/search.jsonl)" = 3 ] || fail "not half of the runs were stopped"
# A run is what train makes of the same values.
best=$(head -n 1 one/search.jsonl)
number=$(echo "$best" | sed 's/.*"run":\([0-9]*\).*/\1/')
hidden=$(echo "$best" | sed 's/.*"hidden":"\([^"]*\)".*/\1/')
rate=$(echo "$best" | sed 's/.*"lr":"\([^"]*\)".*/\1/')
run train names names.txt -o alone --set embedding=3 --set hidden="$hidden" --lr "$rate" --steps 40 --quiet
expect 0
run log alone "one/run-00$number-1" --json
expect 0
tr '{' '\n' <out | sed -n 's/^"step": 40[,.].*"valid_bits": \([0-9.]*\).*/\1/p' >losses
[ "$(wc -l <losses)" = 2 ] || fail "no validation after 40 steps"
sort -u losses >each && mv each losses
[ "$(wc -l <losses)" = 1 ] || fail "another loss than train: $(cat losses)"

# Stopped: some runs are not there yet, some rounds were not made.
rm -r four/run-001-1 four/run-003-2 four/search.jsonl four/model.safetensors
run search names $ask -o four -j 2 --json
expect 0
same one/search.jsonl four/search.jsonl "after it was stopped"
same one/search.jsonl out "JSON"
run search names ${ask/--runs 6/--runs 5} -o four
expect 2 "search.json: error: this folder has a search of other values"

# Without --steps: as long as train does by itself. The run that tells it is the first of the search.
for jobs in 1 3; do
  run search names names.txt -o "own$jobs" --try hidden=2,3 --set embedding=3 --epochs 1 -q -j $jobs
  expect 0
done
same own1/search.jsonl own3/search.jsonl "as long as train does by itself"
[ "$(find own1 -maxdepth 1 -type d | wc -l)" = 3 ] || fail "more folders than runs: $(ls own1)"

# All combinations; a run that diverges comes last.
run search names names.txt -o grid --grid --try hidden=2,3 --try lr=1e-2,1e29 --try optimizer=sgd --steps 8 --set embedding=3 -q
expect 0
[ "$(sed 1d out | wc -l)" = 4 ] || fail "not all combinations"
run search names names.txt -o bad --try hidden
expect 2 "takes NAME=VALUES"
run search names names.txt -o bad --try 'lr=log(0,1)'
expect 2 "a range goes from"
run search names names.txt -o bad --try lr=1,2 --try lr=3
expect 2 "is there twice for 'lr'"
run search names names.txt -o bad --grid --try 'lr=uniform(0,1)'
expect 2 "--grid is for lists"
run search names names.txt -o bad --try hiden=2
expect 2 "hiden"
run search names names.txt --try hidden=2
expect 2 "-o DIR"
run search names missing.txt -o bad2 --try hidden=2 --steps 3
expect 3 "missing.txt"
run search names - -o bad3 --try hidden=2
expect 2 "standard input"
finish
