# openapi.sh - the description of the server in OpenAPI says what it does, and the other way: openapi.py asks.
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/served.sh"
command -v python3 >/dev/null || { echo "skipped: no python3"; finish; }

small
awk 'BEGIN { print "x,y,kind"; for (i = 0; i < 40; i++) print i % 20 "," 100 + i % 20 "," (i % 2 ? "odd" : "even") }' >levels.csv
printf '%s\n' 'data x : number' 'data y : number' 'data kind : category' 'y ~ gaussian(mean = M x + b, scale = 0.5)' 'kind ~ softmax(W x)' >levels.net
run train levels.net levels.csv -o levels --standardise --steps 20 --quiet --valid 0
expect 0
awk 'BEGIN { print "who,month,y"; for (i = 0; i < 60; i++) printf "a,%d-%02d-01,%g\n", 1990 + i / 12, i % 12 + 1, 100 + i + i % 12 }' >air.csv
printf 'data y : number\nh = gru(y[t-1], 4)\ny ~ gaussian(mean = M h + bm, scale = softplus(S h + bs))\n' >air.net
run train air.net air.csv -o air --time month --series who --horizon 6 --context 12 --steps 5 --quiet --valid 0
expect 0
for i in 1 2 3; do printf '0,0,0 %d,-3,0 %d,-2,0 1,-4,1\n0,0,0 %d,3,0 %d,2,0 1,4,1\n' $i $i $i $i >>lines.txt; done
{ printf 'pen\tlabel\n'; for i in 0 1 2 3 4 5; do printf 'lines.txt#%d\t%s\n' $i "$([ $((i % 2)) = 0 ] && echo up || echo down)"; done; } >pen.tsv
printf 'data pen : pen\ndata label : category\nlabel ~ softmax(W last(gru(pen, 6)) + b)\n' >pen.net
run train pen.net pen.tsv -o pen --steps 20 --quiet --valid 0
expect 0
cut -f 1 pen.tsv >pens.tsv
printf 'data pen : pen\nh = gru(pen[t-1], 6)\npen ~ mixture(2, W h + b)\n' >hand.net
run train hand.net pens.tsv -o hand --standardise --steps 20 --quiet --valid 0
expect 0

printf 'source\ttarget\nthe cat\tdie Katze\na dog\tein Hund\n' >pairs.tsv
printf '%s\n' 'data source : words' 'data target : words' 's = gru(embed(source, 6), 8)' 'd = gru(embed(target[t-1], 6), 8, start = s)' \
  'a = attend(d, s)' 'target ~ softmax(W [d, a] + b)' >pairs.net
run train pairs.net pairs.tsv -o pairs --steps 5 --quiet --valid 0
expect 0

head -c 8000 /dev/urandom >noise.raw
python3 -c 'import wave; w = wave.open("noise.wav", "w"); w.setparams((1, 2, 8000, 0, "NONE", "")); w.writeframes(open("noise.raw", "rb").read())'
printf 'sound,text\nnoise.wav,sh\n' >speech.csv
printf 'data sound : audio(8000, mel = 10)\ndata text : chars\nh = gru(sound, 4)\ntext ~ ctc(W h + b)\n' >speech.net
run train speech.net speech.csv -o speech --steps 2 --quiet --valid 0
expect 0

printf 'P2 2 2 9 9 9 0 1' >a.pgm
printf 'picture,word\na.pgm,light above\na.pgm,light\n' >look.csv
printf '%s\n' 'data picture : image(1, 4, 4) whole' 'data word : words' 'look = blend(softmax(match(Q h[t-1], picture)), picture)' 'width look = 1' \
  'h = gru([embed(word[t-1], 4), look], 8)' 'word ~ softmax(W h + b)' >look.net
run train look.net look.csv -o look --steps 2 --quiet --valid 0
expect 0

start small levels air pen hand pairs speech look
timeout 300 python3 "$SOURCE/tests/cli/openapi.py" "$base" "$SOURCE" >out 2>&1 || fail "$(cat out)"
cat out
stop
finish
