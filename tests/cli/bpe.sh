# bpe.sh - parts of words: in texts, lines and tables, through train, sample, score, eval and predict; composed characters.
. "$(dirname "$0")/common.sh"

awk 'BEGIN { for (i = 0; i < 300; i++) print (i % 3 ? "the dog runs, the dog sleeps." : "a  caf\303\251 is open!") }' >text.txt
cat >stream.net <<'END'
data token : bpe(300)
token ~ softmax(W gru(embed(token[t-1], 16), 32) + b)
END
sed 's/bpe(300)/bpe(300) lines lower/' stream.net >lines.net
run train stream.net text.txt -o stream --epochs 30 --lr 0.01 --batch 4 --unroll 20 --quiet
expect 0
run sample stream/model.safetensors --length 24 --temperature 0 --prime "a  caf"
expect 0 "a  café is open!" "the dog runs, the dog sleeps."
run score stream/model.safetensors text.txt --per-symbol
expect 0 "	▁the	" "	▁dog	" "	,	" "	\\n	"
printf 'Unseen \360\237\230\200 text\n' >new.txt
run score stream/model.safetensors new.txt
expect 0 "Unseen 😀 text"
run train lines.net text.txt -o lines --epochs 30 --lr 0.01 --quiet
expect 0
run sample lines/model.safetensors -n 3 --temperature 0
expect 0 "the dog runs, the dog sleeps."
printf 'THE DOG RUNS, THE DOG SLEEPS.\n' | cat >in
run eval lines/model.safetensors -
expect 0 "1 sequence"
rm in

# a model file whose merges are no merges
printf 'aaaa aaaa aaaa\n' >a.txt
sed 's/300/260/' stream.net >a.net
run train a.net a.txt -o a --steps 1 --quiet
expect 0
sed 's/\[97,97,/[999,9,/' a/model.safetensors >bad.safetensors
run score bad.safetensors a.txt
expect 3 "bad.safetensors: error: merge 0 is of symbols that are not there yet"
sed 's/\[97,97,/[-7,97,/' a/model.safetensors >bad.safetensors
run score bad.safetensors a.txt
expect 3 "merge 0 of a vocabulary is no pair of numbers"

cat >both.net <<'END'
data from : bpe(280)
data to : bpe(280)
data label : category
h = gru(embed(from, 8), 24)
to ~ softmax(W gru(embed(to[t-1], 8), 24, start = h) + b)
label ~ softmax(V last(h) + bv)
END
printf 'from,to,label\nein Hund,a dog,animal\nein Haus,a house,thing\neine Katze,"a  cat, she",animal\n' >pairs.csv
run train both.net pairs.csv -o both --epochs 400 --lr 0.02 --quiet
expect 0
run eval both/model.safetensors pairs.csv
expect 0 "to: accuracy 100.00 %, 100.00 % of 3 sequences exact" "label: accuracy 100.00 %"
run predict both/model.safetensors pairs.csv
expect 0 "a dog" "a  cat, she"
sed 's/,"a  cat, she",/,"a\ncat",/' pairs.csv >newline.csv
run eval both/model.safetensors newline.csv
expect 3 "row 4, column 'to': a newline in a text that ends with an end symbol"
printf 'data text : bpe(280)\ndata tag : category\ntag ~ softmax(W embed(text, 4) + b)\n' >tag.net
printf 'text,tag\na b,X Y\n' >tag.csv
run train tag.net tag.csv -o tag
expect 2 "'text' is bpe, whose steps are its own"
sed 's/300/200/' stream.net >few.net
run train few.net text.txt -o few
expect 3 "bpe(200): there are at least 256 symbols"
sed 's/(300)//' stream.net >none.net
run train none.net text.txt -o none
expect 3 "'bpe' takes 1 to 1 numbers"

sed 's/bpe(300)/chars nfc/' stream.net >nfc.net
printf 'cafe\314\201 caf\303\251 cafe\314\201\n' >apart.txt
run train nfc.net apart.txt -o nfc --steps 5 --quiet
if [ "$status" = 2 ]; then
  expect 2 "built without libutf8proc"
else
  expect 0
  run score nfc/model.safetensors apart.txt
  cp out one
  printf 'caf\303\251 caf\303\251 caf\303\251\n' >together.txt
  run score nfc/model.safetensors together.txt
  same one out "composed and decomposed"
  expect 0 "15 symbols"
fi
sed 's/bpe(300)/bytes nfc/' stream.net >bytes.net
run train bytes.net apart.txt -o bytes
expect 3 "unknown word 'nfc' after 'data token : bytes'"
finish
