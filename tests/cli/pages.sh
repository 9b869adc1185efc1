# pages.sh - the page of each kind of model in a browser: it is filled in, asked, and looked at in both colours, wide and narrow.
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/served.sh"
command -v python3 >/dev/null || { echo "skipped: no python3"; finish; }
for chromium in chromium chromium-browser google-chrome none; do command -v "$chromium" >/dev/null && break; done
[ "$chromium" != none ] || { echo "skipped: no Chromium"; finish; }

learns() { # learns NAME DATA ARGUMENTS...: the net NAME.net, a few steps
  local name=$1 data=$2
  shift 2
  run train "$name.net" "$data" -o "$name" --steps 20 --lr 0.02 --quiet --valid 0 --threads 1 "$@"
  expect 0
}

small
printf 'the cat sat on the mat\n%.0s' 1 2 3 4 5 6 7 8 >text.txt
printf 'data text : words\nh = gru(embed(text[t-1], 6), 8)\ntext ~ softmax(W h + b)\n' >wordy.net
learns wordy text.txt
{ printf 'text\ttag\n'; for _ in 1 2 3 4; do printf 'the cat sat\tD N V\na dog ran\tD N V\n'; done; } >tags.tsv
printf 'data text : words\ndata tag : category\nh = lstm(embed(text, 6), 8)\ntag ~ softmax(W h + b)\n' >tagger.net
learns tagger tags.tsv
{ printf 'source\ttarget\n'; for _ in 1 2 3 4; do printf 'the cat\tdie Katze\na dog\tein Hund\n'; done; } >pairs.tsv
printf '%s\n' 'data source : words' 'data target : words' 's = gru(embed(source, 6), 8)' 'd = gru(embed(target[t-1], 6), 8, start = s)' \
  'a = attend(d, s)' 'target ~ softmax(W [d, a] + b)' >pairs.net
learns pairs pairs.tsv --steps 60
awk 'BEGIN { print "x,y,kind"; for (i = 0; i < 40; i++) print i % 20 "," 100 + i % 20 "," (i % 2 ? "odd" : "even") }' >levels.csv
printf '%s\n' 'data x : number' 'data y : number' 'data kind : category' 'y ~ gaussian(mean = M x + b, scale = 0.5)' 'kind ~ softmax(W x)' >levels.net
learns levels levels.csv --standardise
awk 'BEGIN { print "month,y"; for (i = 0; i < 60; i++) printf "%d-%02d-01,%g\n", 1990 + i / 12, i % 12 + 1, 100 + i + i % 12 }' >air.csv
printf 'data y : number\nh = gru(y[t-1], 4)\ny ~ gaussian(mean = M h + bm, scale = softplus(S h + bs))\n' >air.net
learns air air.csv --time month --horizon 6 --context 12
for i in 1 2 3; do printf '0,0,0 %d,-3,0 %d,-2,0 1,-4,1\n0,0,0 %d,3,0 %d,2,0 1,4,1\n' $i $i $i $i >>lines.txt; done
{ printf 'pen\tlabel\n'; for i in 0 1 2 3 4 5; do printf 'lines.txt#%d\t%s\n' $i "$([ $((i % 2)) = 0 ] && echo up || echo down)"; done; } >pen.tsv
printf 'data pen : pen\ndata label : category\nlabel ~ softmax(W last(gru(pen, 6)) + b)\n' >pen.net
learns pen pen.tsv
cut -f 1 pen.tsv >pens.tsv
printf 'data pen : pen\nh = gru(pen[t-1], 6)\npen ~ mixture(2, W h + b)\n' >hand.net
learns hand pens.tsv --standardise
piece() { # piece KEY KEY: two notes after each other
  local events
  events=$(printf '\\0\\220\\%03o\\100\\4\\%03o\\0\\0\\%03o\\100\\4\\%03o\\0' "$1" "$1" "$2" "$2")
  printf "MThd\\0\\0\\0\\6\\0\\0\\0\\1\\0\\4MTrk\\0\\0\\0\\21$events\\0\\377\\57\\0"
}
printf 'notes\tlabel\n' >notes.tsv
for i in 60 62; do
  piece $i $((i + 3)) >up$i.mid
  piece $i $((i - 3)) >down$i.mid
  printf 'up%d.mid\tup\ndown%d.mid\tdown\n' $i $i >>notes.tsv
done
printf 'data notes : notes\ndata label : category\nlabel ~ softmax(W last(gru(notes, 6)) + b)\n' >notes.net
learns notes notes.tsv
cut -f 1 notes.tsv >tunes.tsv
printf 'data notes : notes\nh = gru(notes[t-1], 6)\nnotes ~ bernoulli(W h + b)\n' >tune.net
learns tune tunes.tsv
printf 'P2 2 2 9 9 9 0 1' >a.pgm
printf 'P2 2 2 9 0 1 9 9' >b.pgm
printf 'picture,word\na.pgm,light above\nb.pgm,light below\n' >caption.csv
printf '%s\n' 'data picture : image(1, 4, 4) whole' 'data word : words' 'u = pool(relu(conv(picture, 3, 3)), 2)' 'width look = 3' \
  'look = blend(softmax(match(Q h[t-1], u)), u)' 'h = gru([embed(word[t-1], 4), look], 8)' 'word ~ softmax(W h + b)' >caption.net
learns caption caption.csv
printf '\020\200\377\377\200\020' >block
printf 'film\tlabel\nblock#0-2\tbright\nblock#3-5\tdark\n' >film.tsv
printf 'data film : video(1, 1, 1)\ndata label : category\nlabel ~ softmax(W last(gru(film, 4)) + b)\n' >film.net
learns film film.tsv
python3 - <<'P'
import math, struct, wave
for name, pitch in ("low", 220), ("high", 880):
    w = wave.open(name + ".wav", "w")
    w.setparams((1, 2, 8000, 0, "NONE", ""))
    w.writeframes(b"".join(struct.pack("<h", int(9000 * math.sin(2 * math.pi * pitch * i / 8000))) for i in range(2400)))
P
printf 'sound,text\nlow.wav,low\nhigh.wav,high\n' >speech.csv
printf 'data sound : audio(8000, mel = 10)\ndata text : chars\nh = gru(sound, 8)\ntext ~ ctc(W h + b)\n' >speech.net
learns speech speech.csv
printf '%s\n' 'data sound : audio(8000, mel = 10)' 'data text : chars' 's = gru(sound, 8)' 'h = gru(embed(text[t-1], 4), 8)' 'a = attend(h, s)' \
  'text ~ softmax(W h + V a + b)' >hears.net
learns hears speech.csv
[ "$failures" = 0 ] || finish

start small --api-key secret
locked=$base locked_server=$server
start small wordy tagger pairs levels air pen hand notes tune caption film speech hears
mkdir browser
timeout 600 python3 "$SOURCE/tests/cli/devtools.py" "$chromium" browser "$SOURCE/tests/cli/pages.py" "$base" "$locked" "${PICTURES:-}" >out 2>&1 ||
  fail "pages: $(cat out; tail -n 5 browser/chromium.log)"
stop
server=$locked_server
stop
finish
