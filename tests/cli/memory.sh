# memory.sh - train --memory: bounds the peak of the process, changes no bit, says what it does, refuses what is no size.
. "$SOURCE/tests/cli/common.sh"

awk 'BEGIN { for (i = 0; i < 12000; i++) { x = (x * 75 + 74) % 65537; printf "%c", 97 + x % 9 } }' >long.txt
options="--set cell=lstm --set hidden=64 --unroll 10000 --batch 1 --steps 2 --valid 0.1 --threads 1"
run train language long.txt -o whole $options
expect 0
refuse "memory:"
run train language long.txt -o room $options --memory 2G
expect 0 "5,400 steps of a pass at once"
same whole/model.safetensors room/model.safetensors "memory that is not needed"
run train language long.txt -o narrow $options --memory 8M
expect 0 "windows of"
same whole/model.safetensors narrow/model.safetensors "8M"
run train language long.txt -o narrow $options --memory 8388608 --threads 2 --quiet
expect 0
refuse "memory:"
same whole/model.safetensors narrow/model.safetensors "8388608 bytes"
run train --resume narrow --memory 2G
expect 0
run train language long.txt -o bad $options --memory 100K
expect 2 "does not fit into 102400 bytes" "the least that would do is --memory"
# Many pictures lie in a file, from which the system reads what is used. No bit changes.
printf 'data p : image(1, 40, 40)\ndata label : category\nlabel ~ softmax(W p + b)\n' >see.net
for i in $(seq 400); do
  head -c $((1600 + i)) long.txt | tail -c 1600 >b$i.u8
  printf 'b%d.u8#0\t%d\n' $i $((i % 3))
done | sed '1i p\tlabel' >apart.tsv
options="--epochs 2 --batch 50 --valid 0.1 --threads 1 --quiet"
run train see.net apart.tsv -o seen $options
expect 0
run train see.net apart.tsv -o apart $options --max-memory 8M
expect 0
same seen/model.safetensors apart/model.safetensors "pictures in a file"
TMPDIR=$PWD/nowhere run train see.net apart.tsv -o bad $options --max-memory 8M
expect 1 "are kept in a file, and" "has no room for them: No such file or directory (TMPDIR names another folder)"
for size in 5MB -1 0 x 1e30G ""; do
  run train language long.txt -o bad $options --memory "$size"
  expect 2 "--memory"
done
finish
