# `unroll card`: the page of a model, with YAML on top and a command that makes the same bits.
. "$SOURCE/tests/cli/common.sh"
head -n 200 "$SOURCE/examples/places.txt" >"it's names.txt"
run train names "it's names.txt" -o run --steps 20 --seed 7 --set hidden=6 --set embedding=5 --lr 0.01 --init 'h.U*=orthogonal' --quiet
expect 0
run card run
expect 0 "library_name: unroll" "pipeline_tag: text-generation" "# run" '`token` | chars' "token ~ softmax" "i = sigmoid" "hidden" \
  "bits per symbol, validation" "unroll train names" "--seed 7"
[ "$(head -n 1 out)" = --- ] || fail "no YAML on top"
refuse "--threads"
# What the page says is what was done: the command gives the same model.
sed -n 's/^unroll train/"$UNROLL" train/p' out | sed 's/ -o run / -o again /; s/$/ --quiet/' >command
bash command 2>err || fail "the command of the page does not run: $(cat command err)"
same run/model.safetensors again/model.safetensors "by the command of the page"
run card run -o README.md
expect 0
grep -q "^# run" README.md || fail "no file"
# A model alone; labels.
mkdir alone && mv again/model.safetensors alone
run card alone/model.safetensors
expect 0 "# alone"
refuse "unroll train" "bits per symbol"
printf 'text,label\nso good,yes\nbad,no\ngood,yes\nso bad,no\n' >label.csv
run train sentiment label.csv -o "a \"label\"" --steps 3 --quiet
expect 0
run card "a \"label\""
expect 0 "pipeline_tag: text-classification" "unroll predict"
run card "it's names.txt"
expect 3
finish
