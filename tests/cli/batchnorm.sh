# batchnorm.sh - running statistics: the same bits with any number of threads and after a pause, and none of a batch when the model is used.
. "$SOURCE/tests/cli/common.sh"

cat >net.net <<'END'
data frame : image(1, 6, 6)
data label : category
u = pool(relu(batchnorm(conv(frame, 18, 3, stride = 2))), 2, stride = 1)
h = gru(u, 7)
label ~ softmax(W dropout(h, 0.1) + b)
END
# Frames whose brightness says the label, two to four of them.
awk 'BEGIN {
  srand(3); print "frame\tlabel" >"films.tsv"
  for (i = 0; i < 120; i++) {
    cells = labels = ""
    for (t = 0; t < 2 + i % 3; t++) {
      bright = rand() < 0.5
      for (p = 0; p < 36; p++) printf "%c", 40 + 60 * bright + int(40 * rand()) >"frames.u8"
      cells = cells (t ? " " : "") "frames.u8#" n++
      labels = labels (t ? " " : "") (bright ? "bright" : "dark")
    }
    print cells "\t" labels >"films.tsv"
  }
}'
options="--steps 60 --batch 8 --quiet --seed 2 --valid 0.2"
run train net.net films.tsv -o one $options --threads 1
expect 0
run train net.net films.tsv -o three $options --threads 3
expect 0
same one/model.safetensors three/model.safetensors "three threads"
run train net.net films.tsv -o cut --steps 30 --batch 8 --quiet --seed 2 --valid 0.2 --checkpoint-seconds 0
expect 0
run train --resume cut --steps 60 --quiet
expect 0
same one/model.safetensors cut/model.safetensors "paused"
run eval one/model.safetensors films.tsv
expect 0 "accuracy"
# The first film alone gets the labels that it gets among others.
run predict one/model.safetensors films.tsv
expect 0
head -n 1 out >among
head -n 2 films.tsv >alone.tsv
run predict one/model.safetensors alone.tsv
expect 0
head -n 1 out >alone
same among alone "a film alone"
run check net.net
expect 0 "right"
# Drawn step by step, where a step has no batch.
printf 'abcabcabc\nabcabc\nbcabca\n' >words.txt
printf 'data token : chars lines\nh = gru(batchnorm(embed(token[t-1], 5)), 6)\ntoken ~ softmax(W h + b)\n' >drawn.net
run train drawn.net words.txt -o drawn --steps 40 --batch 3 --quiet --seed 1
expect 0
run sample drawn/model.safetensors -n 5 --seed 3
expect 0
[ -s out ] || fail "nothing was drawn"
run score drawn/model.safetensors words.txt
expect 0
finish
