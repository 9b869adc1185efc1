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
finish
