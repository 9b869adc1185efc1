# cache.sh - features of recordings kept on disk: the same results with and without, entries that are damaged, recordings of several
# files.
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/tone.sh"

printf 'sound\tpitch\n' >train.tsv
for i in 1 2 3 4; do
  tone low$i.wav 8000 $((300 + 20 * i)) $((800 + 100 * i))
  tone high$i.wav 8000 $((1500 + 50 * i)) $((800 + 100 * i))
  printf 'low%d.wav\tlow\nhigh%d.wav\thigh\nlow%d.wav + high%d.wav\tboth\n' $i $i $i $i >>train.tsv
done
cat >pitch.net <<'END'
data sound : audio(8000, mel = 20) level
data pitch : category
pitch ~ softmax(W max(gru(sound, 8)) + b)
END
options="--epochs 20 --lr 0.02 --quiet --valid 0"
entries() { find "$1" -type f | wc -l; }
run train pitch.net train.tsv -o plain $options
expect 0
run train pitch.net train.tsv -o first $options --cache kept/features
expect 0
[ "$(entries kept)" = 12 ] || fail "$(entries kept) entries instead of 12"
find kept -type f -printf '%i %p\n' | sort >files
find kept -type f -exec cksum {} + | sort >before
run train pitch.net train.tsv -o second $options --cache kept/features
expect 0
same plain/model.safetensors first/model.safetensors "with a new folder"
same plain/model.safetensors second/model.safetensors "with features from the folder"
run predict plain/model.safetensors train.tsv
expect 0
cp out plain.out
run predict plain/model.safetensors train.tsv --cache kept/features
expect 0
same out plain.out "predict"
find kept -type f -printf '%i %p\n' | sort >after
same files after "entries that were found are not written again"

# they are read: without the right hash an entry is none, and with it what it holds counts
for f in kept/features/*; do
  printf 'x' | dd of="$f" bs=1 seek=$(($(wc -c <"$f") - 3)) conv=notrunc 2>/dev/null
done
run predict plain/model.safetensors train.tsv --cache kept/features
expect 0
same out plain.out "damaged entries"
find kept -type f -exec cksum {} + | sort >after
same before after "damaged entries are made anew"
for f in kept/features/*; do : >"$f"; done
run eval plain/model.safetensors train.tsv --cache kept/features
expect 0
find kept -type f -exec cksum {} + | sort >after
same before after "empty entries are made anew"

# another recipe, another part and a changed file have entries of their own; a file of another name has not
sed 's/level/even/' pitch.net >even.net
run train even.net train.tsv -o even $options --cache kept/features
expect 0
[ "$(entries kept)" = 24 ] || fail "another recipe: $(entries kept) entries"
cp low1.wav copy.wav
printf 'sound\ncopy.wav\nlow1.wav#0-0.05\n' >some.tsv
run predict plain/model.safetensors some.tsv --cache kept/features
expect 0
[ "$(entries kept)" = 25 ] || fail "a copy and a part: $(entries kept) entries"
cp high1.wav copy.wav
run predict plain/model.safetensors some.tsv --cache kept/features
expect 0
cp out changed.out
run predict plain/model.safetensors some.tsv
same out changed.out "a changed file"

# several files in a cell
printf 'sound\nlow1.wav + none.wav\n' >none.tsv
run predict plain/model.safetensors none.tsv
expect 3 "none.tsv:2:1: error: row 2, column 'sound': 'low1.wav + none.wav': 'none.wav': cannot open: No such file or directory"

# what is refused
: >file
run predict plain/model.safetensors train.tsv --cache file
expect 1 "file: error: file is a file, not a folder"
printf 'x,y\n1,2\n2,3\n' >numbers.csv
run train regress numbers.csv -o no --cache kept
expect 2 "--cache keeps the features of recordings, and this net hears none"
finish
