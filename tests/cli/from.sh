# from.sh - train --from, --vectors and --freeze, as they are typed and as they are told.
. "$SOURCE/tests/cli/common.sh"

awk 'NR % 64 == 1' "$SOURCE/examples/places.txt" >a.txt
awk 'NR % 64 == 2' "$SOURCE/examples/places.txt" >b.txt
echo 'Zzy+%' >>b.txt
run train names a.txt -o A --set hidden=12 --set embedding=6 --steps 6 --quiet
expect 0

# Settings of the same net are the model's.
run train names b.txt -o B --from A --freeze 'h.*' --freeze embeddings --steps 6
expect 0 "from A: " "taken: token.embed, h.Wi" "frozen: token.embed, h.Wi" "of them the model lacks"
run explain B/model.safetensors
expect 0 "hidden = 12"
run train names b.txt -o cut --from A/model.safetensors --freeze 'h.*' --freeze embeddings --steps 3 --quiet
expect 0
run train --resume cut --steps 6
expect 0 "frozen: token.embed, h.Wi"
same B/model.safetensors cut/model.safetensors "resumed"
run score B/model.safetensors a.txt
expect 0

run train names b.txt -o C --from A --set hidden=10 --steps 2
expect 0 "not taken: h.Wi is 10 x 6 here and 12 x 6 in the model"
run train names b.txt -o C --from a.txt
expect 3 "a.txt"
run train names b.txt -o C --from nowhere
expect 3 "nowhere"
run train names b.txt -o C --freeze h.Ux
expect 2 "--freeze: there is no parameter 'h.Ux'; did you mean 'h.U"
run train names b.txt -o C --freeze all
expect 2 "leaves nothing to train"
run train --resume cut --from A
expect 2 "--from cannot be given with --resume"

printf 'text,label\nred cat,good\nblue dog,bad\nred dog,good\n' >w.csv
printf 'red 1 2 3\ndog 4 5 6\n' >v.txt
run train sentiment w.csv -o S --vectors v.txt --set embedding=3 --set hidden=4 --freeze E --steps 2
expect 0 "v.txt: 2 of 5 symbols of 'text' have a vector" "frozen: E"
run train sentiment w.csv -o S --vectors v.txt --steps 2
expect 3 "v.txt:1: error: a word has 3 numbers, and a row of E has 100"
run train sentiment w.csv -o S --vectors label=v.txt --steps 2
expect 2 "no variable 'label' has an embedding; 'text' has one"
gzip -c v.txt >v.gz
run train sentiment w.csv -o S --vectors v.gz --steps 2
expect 3 "v.gz: error: this is "

# word2vec in binary form: 0.5, 1, 2 for red, 4, 8, -1 for dog, with an end of line behind.
{
  printf '2 3\nred \0\0\0\x3f\0\0\x80\x3f\0\0\0\x40\n'
  printf 'dog \0\0\x80\x40\0\0\0\x41\0\0\x80\xbf\n'
} >v.bin
printf 'red 0.5 1 2\ndog 4 8 -1\n' >same.txt
for file in v.bin same.txt; do
  run train sentiment w.csv -o S --vectors $file --set embedding=3 --set hidden=4 --freeze E --steps 2 --seed 3
  expect 0 "2 of 5 symbols of 'text' have a vector"
  run predict S w.csv
  expect 0
  cp out $file.said
done
cmp -s v.bin.said same.txt.said || fail "the vectors of v.bin are others"
# Text of which the second word has letters beyond ASCII.
printf '3 3\nred 0.5 1 2\nf\303\274r 1 1 1\ndog 4 8 -1\n' >letters.txt
run train sentiment w.csv -o S --vectors letters.txt --set embedding=3 --set hidden=4 --freeze E --steps 2 --seed 3
expect 0 "2 of 5 symbols of 'text' have a vector"
run predict S w.csv
cmp -s out same.txt.said || fail "the vectors of letters.txt are others"
head -c 30 v.bin >cut.bin
run train sentiment w.csv -o S --vectors cut.bin --set embedding=3 --set hidden=4 --steps 2
expect 3 "cut.bin: error: the file of vectors is cut off"

# fastText's: words, and parts of words, of which cows has some. words.vec is what fastText's own program says of these words.
printf 'text,label\nred cat,good\nblue dog,bad\nred cows,good\n' >f.csv
for file in "$SOURCE/tests/train/words.bin" "$SOURCE/tests/train/words.vec"; do
  run train sentiment f.csv -o S --vectors "$file" --set embedding=4 --set hidden=4 --freeze E --steps 2 --seed 3
  expect 0 "5 of 6 symbols of 'text' have a vector"
  run predict S f.csv
  expect 0
  cp out "$(basename "$file").said"
done
cmp -s words.bin.said words.vec.said || fail "the vectors of words.bin are others"
head -c 400 "$SOURCE/tests/train/words.bin" >cut.bin
run train sentiment f.csv -o S --vectors cut.bin --set embedding=4 --set hidden=4 --steps 2
expect 3 "cut off"
finish
