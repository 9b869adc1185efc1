# held.sh - what is not trained on changes nothing: not the words, not the weights, not the scales.
. "$(dirname "$0")/common.sh"

# A stream of words whose last tenth, the test part, is other words.
awk 'BEGIN { for (i = 0; i < 900; i++) printf "%s%s", substr("abcdefgh", 1 + i * i % 7, 2), i % 9 == 8 ? "\n" : " " }' >head.txt
{ cat head.txt; awk 'BEGIN { for (i = 0; i < 100; i++) printf "%s%s", "xy" i % 3, i % 9 == 8 ? "\n" : " " }'; } >one.txt
{ cat head.txt; awk 'BEGIN { for (i = 0; i < 100; i++) printf "%s%s", "ab", i % 9 == 8 ? "\n" : " " }'; } >two.txt
printf 'data word : words(30)\nh = gru(embed(word[t-1], 4), 6)\nword ~ softmax(W h + b)\n' >words.net
for n in one two; do
  run train words.net $n.txt -o $n --steps 5 --valid 0.1 --test 0.1 --seed 3 --quiet
  expect 0
  run score $n/model.safetensors head.txt
  mv out $n.score
done
same one.score two.score "words of the test part"
grep -q 'xy0' one/model.safetensors && fail "a word that only the test part has is in the vocabulary"

finish
