# shards.sh - a batch in shards: the model's bytes are the same for every number of threads, in windows, in bf16, and after a resume with another
# number of threads.
. "$SOURCE/tests/cli/common.sh"
. "$SOURCE/tests/cli/sixnets.sh"

# trained NAME THREADS OPTIONS...: the model has the bytes of the one that the first call of NAME made
trained() {
  local name=$1 threads=$2
  shift 2
  run train $(six ${name%%_*}) "$@" --threads $threads -o $name.$threads
  expect 0
  [ -f $name.safetensors ] || cp $name.$threads/model.safetensors $name.safetensors
  same $name.safetensors $name.$threads/model.safetensors "$threads threads"
}

for net in $nets; do
  for threads in 1 2 3 4 8; do trained $net $threads; done
done
for net in stream lines ragged; do
  for threads in 1 3; do trained ${net}_bf16 $threads --precision bf16; done
done

# In windows of steps: the same bits as without.
run train $(six stream) --unroll 400 --batch 4 --steps 3 --threads 1 -o long
expect 0
run train $(six stream | sed 's/--quiet//') --unroll 400 --batch 4 --steps 3 --threads 2 --memory 900K -o windows
expect 0 "windows of"
same long/model.safetensors windows/model.safetensors "windows"
run train $(six stream) --unroll 400 --batch 4 --steps 3 --threads 2 --memory 10K -o windows
expect 2 "does not fit into"

# Stopped, and resumed with more threads.
run train $(six lines) --steps 24 --threads 2 -o whole
expect 0
run train $(six lines) --steps 10 --threads 1 -o cut
expect 0
run train --resume cut --steps 24 --threads 4
expect 0
same whole/model.safetensors cut/model.safetensors "resumed with 4 threads"
run train --resume cut --steps 30 --shards 2
expect 2 "cannot be given with --resume"

# Shards are a power of two, and each has a row.
run train $(six lines) --shards 6 -o wrong
expect 2 "a power of two"
run train $(six pictures) --batch 3 --shards 4 -o three
expect 0
run train $(six pictures) --batch 3 --shards 2 -o two
expect 0
same three/model.safetensors two/model.safetensors "3 rows in 4 shards and in 2"
run explain names --shards 4
expect 0 "shards: 4 of up to 8 sequences"
# What ranks would send: 2 (N - 1) / N gradients of 4 bytes a weight; the workers beyond the shards have nothing to do.
weights=$("$UNROLL" explain names --json | sed 's/.*"weights": \([0-9]*\), "equations".*/\1/')
run explain names --batch 256 --shards 8 --workers 4 --link 2.5G --json
expect 0 "\"workers\": 4, \"shards\": 8, \"bytes_sent\": $((weights * 6))"
run explain names --batch 256 --shards 2 --workers 4
expect 0 '4 workers (reckoned; 2 shards)' 'speed-up'
run explain names --workers 4 --link fast
expect 2 '--link is bits a second'
[ ! -s out ] || fail 'explain printed before it refused --link'
run explain names --link 10G
expect 2 '--link goes with --workers'
finish
