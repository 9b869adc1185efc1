# crop.sh - pieces of examples: what they vote for is the mean of their log-probabilities; training on pieces and transposed music goes on
# after a checkpoint as if it had not stopped; and what is refused.
. "$SOURCE/tests/cli/common.sh"
cat >votes.net <<'END'
data x : numbers(1)
data label : category
label ~ softmax(W last(gru(x, 4)) + b)
END
awk 'BEGIN { srand(3); print "x,label"; for (n = 0; n < 40; n++) { s = ""; for (t = 0; t < 3 + n % 11; t++) s = s (t ? " " : "") rand() + n % 2
  print s "," (n % 2 ? "high" : n % 4 ? "low" : "other") } }' >votes.csv
run train votes.net votes.csv -o votes --crop 4 --epochs 60 --lr 0.02 --quiet --valid 0.2
expect 0
run predict votes/model.safetensors votes.csv --crop 4 --probabilities
expect 0
cp out voted
# The pieces as rows of their own: those of a row of n steps begin at most 2 apart, and the last one ends with it.
awk -F, 'NR == 1 { print; next } { n = split($1, v, " "); pieces = n > 4 ? 1 + int((n - 3) / 2) : 1; count = n < 4 ? n : 4
  for (j = 0; j < pieces; j++) { from = pieces > 1 ? int(j * (n - 4) / (pieces - 1)) : 0; s = ""
    for (t = 1; t <= count; t++) s = s (t > 1 ? " " : "") v[from + t]; print s "," $2; print NR - 2 >"of" } }' votes.csv >pieces.csv
run predict votes/model.safetensors pieces.csv --probabilities
expect 0
paste of out | awk -F '\t' '
  { n = NF; rows[$1]++; for (i = 5; i <= NF; i += 2) sum[$1, i] += log($i) }
  END { for (r = 0; r in rows; r++) { all = 0
    for (i = 5; i <= n; i += 2) { all += exp(sum[r, i] / rows[r]); }
    s = ""; for (i = 5; i <= n; i += 2) s = s " " exp(sum[r, i] / rows[r]) / all; print s } }' >true
cut -f 4,6,8 voted | paste -d ' ' true - | awk '{ for (i = 1; i <= 3; i++) { d = $i - $(3 + i); if (d > 2e-3 || d < -2e-3) bad++ } }
  END { exit bad > 0 || NR != 40 || NF != 6 }' || fail "votes are not the mean of log-probabilities"
run eval votes/model.safetensors votes.csv --crop 4
expect 0 "40 examples"
right=$(sed 1d votes.csv | cut -d , -f 2 | paste - voted | awk '$1 == $2 { n++ } END { printf "accuracy %.2f %%", 100 * n / NR }')
grep -q "$right" out || fail "eval --crop: not $right"
run eval votes/model.safetensors votes.csv --crop 1000
mv out whole
run eval votes/model.safetensors votes.csv
same out whole "pieces longer than all examples"

# music, up to five half tones higher and lower
printf 'notes\n' >tunes.tsv
for i in 60 62 64 66; do
  events=$(printf '\\0\\220\\%03o\\100\\4\\%03o\\0\\0\\%03o\\100\\4\\%03o\\0' $i $i $((i + 3)) $((i + 3)))
  printf "MThd\\0\\0\\0\\6\\0\\0\\0\\1\\0\\4MTrk\\0\\0\\0\\21$events\\0\\377\\57\\0" >$i.mid
  echo $i.mid >>tunes.tsv
done
printf 'data notes : notes\nnotes ~ bernoulli(W gru(notes[t-1], 6) + b)\n' >tune.net
how="tune.net tunes.tsv --quiet --valid 0 --batch 2 --crop 3"
run train $how --transpose 5 --steps 12 -o one
expect 0
run train $how --transpose 5 --steps 5 -o two
run train --resume two --steps 12
expect 0
same one/model.safetensors two/model.safetensors "resumed"
run train $how --steps 12 -o plain
cmp -s one/model.safetensors plain/model.safetensors && fail "transposed or not is the same"

# gestures and sounds, up to a third longer and shorter
how="votes.net votes.csv --stretch 0.3 --batch 8 --seed 2 --quiet --valid 0.2"
run train $how --steps 12 --threads 1 -o slow.one
expect 0
run train $how --steps 5 --threads 2 -o slow.two
run train --resume slow.two --steps 12
expect 0
same slow.one/model.safetensors slow.two/model.safetensors "resumed"
run train ${how/--stretch 0.3/} --steps 12 -o slow.plain
cmp -s slow.one/model.safetensors slow.plain/model.safetensors && fail "stretched or not is the same"
run train $how --crop 4 -o no
expect 2 "--stretch is not for windows or pieces of examples"
run train names "$SOURCE/examples/places.txt" --stretch 0.1 -o no
expect 2 "--stretch is for sequences of numbers that are only read, as sound is, and this net has none"

# pictures, moved and slanted
cat >see.net <<'END'
data p : image(1, 6, 6)
data label : category
label ~ softmax(W relu(conv(p, 3, 3)) + b)
END
awk 'BEGIN { srand(5); print "p,label"; for (n = 0; n < 30; n++) { s = ""; for (k = 0; k < 36; k++) s = s (k ? ";" : "") (k % 6 == 2 + n % 2)
  print s "," (n % 2 ? "right" : "left") } }' >see.csv
how="see.net see.csv --warp 0.3 --batch 8 --seed 2 --quiet --valid 0"
run train $how --steps 12 --threads 1 -o warp.one
expect 0
run train $how --steps 5 --threads 2 -o warp.two
run train --resume warp.two --steps 12
expect 0
same warp.one/model.safetensors warp.two/model.safetensors "resumed"
run train ${how/--warp 0.3/} --steps 12 -o warp.plain
cmp -s warp.one/model.safetensors warp.plain/model.safetensors && fail "moved or not is the same"
run train votes.net votes.csv -o no --warp 0.1
expect 2 "--warp is for pictures that are only read, and this net reads none"

run train votes.net votes.csv -o no --transpose 2
expect 2 "--transpose is for music of kind 'notes', and this net reads none"
run eval one/model.safetensors tunes.tsv --crop 3
expect 2 "--crop is for labels of whole examples, and this net predicts something else"
run predict one/model.safetensors tunes.tsv --crop 3
expect 2 "--crop is for labels of whole examples, and this net generates"
printf 'at,y\n2020-01-01,1\n2020-01-02,2\n2020-01-03,1\n2020-01-04,2\n2020-01-05,1\n2020-01-06,2\n' >days.csv
printf 'data y : number\ny ~ gaussian(mean = W gru(y[t-1], 3) + b, scale = 1)\n' >days.net
run train days.net days.csv -o no --time at --horizon 1 --context 2 --crop 2 --valid 0
expect 2 "--crop is for nets of examples with steps, and this one is for series with dates"
finish
