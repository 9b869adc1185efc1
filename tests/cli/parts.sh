# parts.sh - endings, beginnings and shapes of words as further variables of a tagger.
. "$(dirname "$0")/common.sh"

cat >tag.net <<'END'
data word : words lower
data ending : suffix(word, 2)
data beginning : prefix(word, 1)
data form : shape(word)
data tag : category
e = [embed(ending, 4), embed(beginning, 4), embed(form, 4)]
tag ~ softmax(W e + U embed(word, 2) + b)
END
printf 'Dogs P\nbarking V\n7 N\n\nCats P\nsleeping V\n12 N\n\nBirds P\nsinging V\n4.5 N\n\n\303\211t\303\251s P\nrunning V\n99 N\n' >train.txt
run train tag.net train.txt --tagged word,tag -o tag --epochs 200 --lr 0.02 --quiet --valid 0
expect 0
# words that were never seen, but for their parts
printf 'Boats P\nswimming V\n1234 N\n' >new.txt
run eval tag/model.safetensors new.txt --tagged word,tag
expect 0 "accuracy 100.00 %"
grep -qa '"form\\":{\\"symbols\\":\[\\"<unk>\\",\\"Xx\\",\\"x\\",\\"d\\"\]' tag/model.safetensors || fail "shapes"
grep -qa '"ending\\":{\\"symbols\\":\[\\"<unk>\\",\\"ng\\"\]' tag/model.safetensors || fail "endings"
printf 'word,tag\n"Dogs barking 12","P V N"\n' >one.csv
run eval tag/model.safetensors one.csv
expect 0 "accuracy 100.00 %" "1 example"

bad() { # bad LINE MESSAGE...
  sed "s/^data form .*/$1/" tag.net >bad.net
  run train bad.net train.txt --tagged word,tag -o bad
  shift
  expect 3 "$@"
}
bad 'data form : shape(tag)' "'form' is a part of the words of 'tag', which is no variable of words"
bad 'data form : shape(ending)' "'form' is a part of the words of 'ending'"
bad 'data form : shape' "bad.net:4:13: error: 'shape' needs the name of a variable of words, as in shape(text)"
bad 'data form : suffix(word)' "'suffix' needs a number of letters, from 1 to 16, as in suffix(text, 3)"
bad 'data form : suffix(word, 17)' "from 1 to 16"
bad 'data form : prefix(word, 3) lower' "no word may follow 'prefix', and 'lower' does"
run check bad.net
expect 3 "unexpected 'lower'"
sed 's/^data form .*/data form : shape(tag)/' tag.net >bad.net
run check bad.net
expect 3 "bad.net:4:19: error: 'shape' is of a variable of words"
run check tag.net
expect 0
finish
