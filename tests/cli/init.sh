# init.sh - --init: how parameters start, remembered by the model, and without effect on resuming.
. "$SOURCE/tests/cli/common.sh"

awk 'NR % 16 == 1' "$SOURCE/examples/places.txt" >names.txt
options="--set hidden=16 --set embedding=8 --batch 16 --quiet --steps 12"
run train names names.txt -o plain $options
expect 0
run train names names.txt -o whole $options --init 'uniform(0.1)' --init 'h.U*=identity'
expect 0
! cmp -s plain/model.safetensors whole/model.safetensors || fail "--init changed nothing"
grep -aqF '"init":"[\"uniform(0.1)\",\"h.U*=identity\"]"' whole/model.safetensors || fail "the model does not say how it started"
! grep -aqF '"init":' plain/model.safetensors || fail "a model that says what nobody asked for"
run train names names.txt -o other $options --init 'h.U*=identity' --init 'uniform(0.1)'
expect 0
! cmp -s other/model.safetensors whole/model.safetensors || fail "the order of --init does not count"

# Cut and resumed: the same bits.
run train names names.txt -o cut $options --init 'uniform(0.1)' --init 'h.U*=identity' --steps 5
expect 0
run train --resume cut --steps 12 --quiet
expect 0
same whole/model.safetensors cut/model.safetensors "resumed"
run score whole/model.safetensors names.txt
expect 0

# Weights of zero are zero from the beginning.
run train names names.txt -o zero $options --steps 1 --lr 1e-30 --init 'matrices=0' --init 'vectors=0'
expect 0
run eval zero/model.safetensors names.txt --json
expect 0
symbols=$(($(grep -o . names.txt | LC_ALL=C sort -u | wc -l) + 1))
bits=$(sed 's/.*"bits_per_symbol": *\([0-9.]*\).*/\1/' out | grep -m 1 '^[0-9]')
holds "($bits - log($symbols) / log(2))^2 < 1e-9"

run train names names.txt -o bad $options --init 'h.Uq=orthogonal'
expect 2 "--init h.Uq=orthogonal: there is no parameter 'h.Uq'; did you mean 'h.U"
run train names names.txt -o bad $options --init 'W=uniform'
expect 2 "'uniform' takes a number above 0"
[ ! -e bad/model.safetensors ] || fail "a model after an error"
run train --resume cut --init xavier
expect 2 "--init cannot be given with --resume"
finish
