# senses.sh - drawings, pieces of music and films named in a table: nets are trained on them, parts of files are named, and what is wrong
# with a file is told with its row.
. "$(dirname "$0")/common.sh"

learns() { # learns NAME: the net learns its table by heart
  run train "$1.net" "data/$1.tsv" -o "$1" --epochs 40 --lr 0.03 --quiet --valid 0
  expect 0
  run eval "$1/model.safetensors" "data/$1.tsv"
  expect 0 "accuracy 100.00 %"
}
bad() { # bad NAME CELL MESSAGE
  printf '%s\tlabel\n%s\tx\n' "$1" "$2" >data/bad.tsv
  run train "$1.net" data/bad.tsv -o bad
  expect 3 "bad.tsv:2:1: error: row 2, column '$1': '$2': $3"
}
mkdir data

# drawings: lines that go up or down, one a line of a file; an SVG is read where expat is
for i in 1 2 3 4; do
  printf '0,0,0 %d,-3,0 %d,-2,0 1,-4,1\n0,0,0 %d,3,0 %d,2,0 1,4,1\n' $i $((i % 2)) $i $((i % 2)) >>data/lines.txt
done
{ printf 'pen\tlabel\n'; for i in 0 1 2 3 4 5 6 7; do printf 'lines.txt#%d\t%s\n' $i "$([ $((i % 2)) = 0 ] && echo up || echo down)"; done; } >data/pen.tsv
printf 'data pen : pen\ndata label : category\nlabel ~ softmax(W last(gru(pen, 6)) + b)\n' >pen.net
learns pen
printf '<svg><path d="M0 0L2 3L2 5L3 9"/></svg>' >data/down.svg
printf 'pen\ndown.svg\n0;0;0 1;-3;0 0;-2;0 1;-4;1\n' >data/other.tsv
run predict pen/model.safetensors data/other.tsv
if [ "$status" = 0 ]; then
  [ "$(cut -f 1 out | tr '\n' ' ')" = "down up " ] || fail "an SVG and numbers"
else
  expect 3 "built without expat"
fi
bad pen none.svg "cannot open: No such file or directory"
bad pen lines.txt "a file with many drawings, one a line: say which one, as in FILE#0"
bad pen lines.txt#8 "there is no drawing 8: the file has 8 (0 is the first)"
bad pen lines.txt#1-2 "of a file of drawings one is named, as in FILE#0"
printf '1,2,0 3,4,0\n1,2,0 3,x,1\n' >data/broken.txt
bad pen broken.txt#1 "line 2, column 9: a point is dx,dy,end: no number is here"
sed 's/: pen/: pen(2)/' pen.net >merged.net
run train merged.net data/pen.tsv -o merged --steps 1 --quiet --valid 0
expect 0

# music: two notes after each other, up or down
piece() { # piece KEY KEY
  local events
  events=$(printf '\\0\\220\\%03o\\100\\4\\%03o\\0\\0\\%03o\\100\\4\\%03o\\0' "$1" "$1" "$2" "$2")
  printf "MThd\\0\\0\\0\\6\\0\\0\\0\\1\\0\\4MTrk\\0\\0\\0\\21$events\\0\\377\\57\\0"
}
printf 'notes\tlabel\n' >data/notes.tsv
for i in 60 62 64 66; do
  piece $i $((i + 3)) >"data/up $i.mid"
  piece $i $((i - 3)) >"data/down $i.mid"
  printf 'up %d.mid\tup\ndown %d.mid\tdown\n' $i $i >>data/notes.tsv
done
printf 'data notes : notes\ndata label : category\nlabel ~ softmax(W last(gru(notes, 6)) + b)\n' >notes.net
learns notes
bad notes pen.tsv "this is no MIDI file: it does not begin with MThd"
head -c 30 "data/up 60.mid" >data/cut.mid
bad notes cut.mid "track 1, byte 22: the file is cut off: 8 of 17 bytes"
mkfifo data/pipe.mid
bad notes pipe.mid "is no regular file"
sed 's/: notes/: notes(12) struck pedal/' notes.net >struck.net
run explain struck.net
expect 0 "176"
# up or down is the way from the highest key to the next: the same for all pieces, which one number tells
printf 'data notes : notes intervals\ndata label : category\nlabel ~ softmax(W mean(notes) + b)\n' >intervals.net
run train intervals.net data/notes.tsv -o intervals --steps 200 --lr 0.05 --quiet --valid 0
expect 0
run eval intervals/model.safetensors data/notes.tsv
expect 0 "accuracy 100.00 %"
sed 's/: notes/: notes(100)/' notes.net >fine.net
run train fine.net data/notes.tsv -o fine
expect 3 "'notes': a quarter note has at most 96 steps, not 100"

# films: a block of bytes, frames of it, and a folder; brighter or darker
printf 'film\tlabel\nblock#0-2\tbright\nblock#3-5\tdark\nblock#6-8\tbright\nframes\tdark\n' >data/film.tsv
printf '\020\200\377\377\200\020\040\140\220' >data/block
mkdir data/frames
for i in 1 2 10; do printf 'P2 1 1 10 %d' $((10 - i)) >data/frames/f$i.pgm; done
printf 'data film : video(1, 1, 1)\ndata label : category\nlabel ~ softmax(W last(gru(film, 6)) + b)\n' >film.net
learns film
bad film block#8-9 "there are no frames 8 to 9: it has 9 (0 is the first)"
bad film none "cannot open: No such file or directory"
printf 'GIF89a\1\0\1\0' >data/cut.gif
bad film cut.gif "the GIF is cut off"
sed 's/1, 1, 1/1, 2, 5/' film.net >wide.net
run train wide.net data/film.tsv -o wide
expect 3 "'block#0-2': this is no GIF or film, and 9 bytes are not a number of frames of 2 x 5 x 1 bytes"
# what is generated as a file: a sheet of drawings, a piece of music; and what begins with a file
{ echo pen; sed 1d data/pen.tsv | cut -f 1; } >data/pens.tsv
sed 's/hidden = 400/hidden = 8/; s/layers = 3/layers = 1/; s/mixture(20/mixture(2/' "$SOURCE/nets/handwriting.net" >hand.net
run train hand.net data/pens.tsv -o hand --standardise --steps 30 --quiet --valid 0
expect 0
run sample hand/model.safetensors -n 3 --length 7 --output sheet.svg
expect 0
[ "$(grep -c '<path' sheet.svg)" = 3 ] || fail "three drawings"
run predict pen/model.safetensors <(printf 'pen\n%s/sheet.svg\n' "$PWD")
[ "$status" = 0 ] || expect 3 "built without expat"
run sample hand/model.safetensors --length 1 -o prime.svg --prime 'data/lines.txt#1'
expect 0
grep -q 'd="M100 100L[0-9]* [0-9]*L' prime.svg || fail "what it begins with"
run sample hand/model.safetensors --length 1 -o prime.svg --prime none.svg
expect 3 "'none.svg': cannot open: No such file or directory"
run sample hand/model.safetensors --prime 'a;b'
expect 3 "the prime:2" "'a' is no number"
run sample hand/model.safetensors --prime '0;0;0 9;9;1' --length 1
expect 0
run sample hand/model.safetensors --text a
expect 2 "--text is for models that are given something, and this one generates from nothing"
run sample hand/model.safetensors -o missing/sheet.svg
expect 1 "missing/sheet.svg"
{ echo notes; sed 1d data/notes.tsv | cut -f 1; } >data/tunes.tsv
sed 's/128/8/' "$SOURCE/nets/music.net" >tune.net
run train tune.net data/tunes.tsv -o tune --steps 20 --quiet --valid 0
expect 0
run sample tune/model.safetensors -n 2 --length 8 -o tune.mid --prime 'data/up 60.mid'
expect 0
printf 'notes\tlabel\n%s/tune.mid\tup\n' "$PWD" >data/back.tsv
run eval notes/model.safetensors data/back.tsv
expect 0
run sample small/model.safetensors -o text.svg
expect 3 "cannot open"
small
run sample small/model.safetensors -o text.svg
expect 2 "--output is for models of 'pen', 'notes' or 'audio' with 'raw'"
finish
