# ctc.sh - texts out of rows of numbers: trained, resumed, scored, found; rows too short for their text; what is refused.
. "$SOURCE/tests/cli/common.sh"

# letters N SEED: sounds of 2 to 3 noisy steps for each letter of a text, and a quiet step after it.
letters() {
  awk -v n="$1" -v seed="$2" 'BEGIN {
    srand(seed)
    split("1;0;0 0;1;0 0;0;1 1;1;0 0;1;1", sound, " ")
    print "sound,text"
    for (i = 0; i < n; i++) {
      steps = text = ""
      for (k = 1 + int(rand() * 5); k > 0; k--) {
        letter = 1 + int(rand() * 5)
        text = text substr("abcd ", letter, 1)
        split(sound[letter], x, ";")
        for (r = 2 + int(rand() * 2); r >= 0; r--) {
          loud = r > 0
          steps = steps sprintf("%s%.2f;%.2f;%.2f", steps == "" ? "" : " ", loud * x[1] + 0.3 * (rand() - 0.5),
                                loud * x[2] + 0.3 * (rand() - 0.5), loud * x[3] + 0.3 * (rand() - 0.5))
        }
      }
      gsub(/^ +| +$/, "", text)
      if (text != "") print steps "," text
    }
  }'
}
letters 300 1 >train.csv
letters 60 2 >test.csv
cat >ear.net <<'NET'
data sound : numbers
data text : chars
f = gru(sound, 16)
g = gru(sound, 16, backward)
text ~ ctc(W [f, g] + b)
NET
options="--batch 16 --lr 0.02 --quiet --seed 4"
run train ear.net train.csv -o ear $options --steps 200 --threads 1
expect 0
run train ear.net train.csv -o again $options --steps 200 --threads 3
expect 0
same ear/model.safetensors again/model.safetensors "another number of threads"
run train ear.net train.csv -o halves $options --steps 90
expect 0
run train --resume halves --steps 200 --quiet
expect 0
same ear/model.safetensors halves/model.safetensors "stopped and resumed"

rate() { sed -n "s/.*\"$1\": {\"rate\": \([0-9.e-]*\).*/\1/p" out; }
run eval ear/model.safetensors test.csv --json
expect 0 '"wer": {"rate"' '"hits"' '"substitutions"'
holds "$(rate cer) < 0.1 && $(rate wer) < 0.3"
path=$(rate cer)
run eval ear/model.safetensors test.csv --json --beam 12
expect 0
holds "$(rate cer) <= $path + 0.02"
run eval ear/model.safetensors test.csv
expect 0 "WER " "CER " " substituted, " "nats per symbol"
run eval ear/model.safetensors test.csv --precision bf16
expect 0 "in single precision: "

# A text for each row, also where the column of texts is not there; most of them are right.
cut -d, -f1 test.csv >sounds.csv
run predict ear/model.safetensors sounds.csv
expect 0
cp out texts
tail -n +2 test.csv | cut -d, -f2 >truth
right=$(paste -d'|' texts truth | awk -F'|' '$1 == $2' | wc -l)
holds "$(wc -l <texts) == $(wc -l <truth) && $right > 0.8 * $(wc -l <truth)"
run predict ear/model.safetensors test.csv --batch 3 --threads 2
expect 0
same out texts "other batches"
run predict ear/model.safetensors sounds.csv --beam 8
expect 0
[ "$(wc -l <out)" = "$(wc -l <truth)" ] || fail "predict --beam: not a line for each row"
# What a language model and words say: of a model that counts nothing the same texts; only words that are in a list.
run predict ear/model.safetensors sounds.csv --beam 8
cp out beam
cat >letters.net <<'NET'
data text : chars lines
text ~ softmax(W gru(embed(text[t-1], 4), 8) + b)
NET
tail -n +2 train.csv | cut -d, -f2 >letters.txt
run train letters.net letters.txt -o letters --steps 60 --quiet --seed 2
expect 0
run predict ear/model.safetensors sounds.csv --beam 8 --lm letters/model.safetensors --lm-weight 0
expect 0
same out beam "a language model that counts nothing"
run eval ear/model.safetensors test.csv --lm letters/model.safetensors --lm-weight 0.3 --word-bonus 0.1 --json
expect 0
holds "$(rate cer) <= $path + 0.05"
printf 'a\nab x\nb\nd\nbb\n' >words
run predict ear/model.safetensors sounds.csv --lexicon words
expect 0
! tr ' ' '\n' <out | grep -qvE '^(a|ab|b|d|bb)?$' || fail "predict --lexicon: another word"
run predict ear/model.safetensors sounds.csv --beam 8 --n-best 3
expect 0
cut -f1 out | uniq -c | awk '$1 > 3 || $2 != NR { bad = 1 } END { exit bad }' || fail "predict --n-best: rows"
[ "$(awk -F'\t' '$1 != last { print $2 } { last = $1 }' out)" = "$(cat beam)" ] || fail "predict --n-best: the first is not the best"
run predict ear/model.safetensors sounds.csv --lm ear/model.safetensors
expect 2 "a language model needs a model of texts"
run predict ear/model.safetensors sounds.csv --lm-weight 2
expect 2 "--lm-weight goes with --lm"
run predict ear/model.safetensors sounds.csv --times
expect 2 "--times is for texts of recordings: what 'text' is read from has no seconds"
run eval letters/model.safetensors letters.txt --lexicon words
expect 2 "--lexicon is for texts that ctc predicts"

run predict ear/model.safetensors sounds.csv --json
expect 0 '{"predictions": [{"text": {"value": "'

# A row whose text needs more steps than it has; an empty text is one.
cat >short.csv <<'ROWS'
sound,text
1;0;0 0;1;0,ab
1;0;0 1;0;0 0;1;0,aab
1;0;0 0;0;0 1;0;0 0;1;0,aab
0;0;0,
ROWS
message="row 3: 'text' has 3 symbols and needs 4 steps, but 'sound' has 3"
run train ear.net short.csv -o short --epochs 1 --quiet
expect 3 "short.csv:3" "$message"
run train ear.net short.csv -o short --epochs 1 --skip-bad
expect 0 "$message" "5 symbols to train on"
run eval ear/model.safetensors short.csv
expect 3 "$message"
run eval ear/model.safetensors short.csv --skip-bad
expect 0 "of 5)"

run train ear.net train.csv -o no --epochs 1 --memory 1M
expect 3 "ctc needs all steps at once"
run predict ear/model.safetensors sounds.csv --samples 3
expect 2 "--samples is for nets that generate"
run eval ear/model.safetensors test.csv --length 3
expect 2 "--length goes with --decode"
finish
