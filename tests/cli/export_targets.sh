# `unroll export c` on small processors: the self-tests run on a Cortex-M4 and a Cortex-M55 in qemu, and as WebAssembly in Node. What is
# not installed is passed over with a word.
. "$SOURCE/tests/cli/common.sh"

awk 'NR % 60 == 1' "$SOURCE/examples/places.txt" >names.txt
cat >both.net <<'end'
data text : chars lines
data vowels : category
e = embed(text, 16)
vowels ~ softmax(W [last(gru(e, 16)), first(lstm(e, 16, backward))] + b)
end
awk 'BEGIN { print "text,vowels" } { n = gsub(/[aeiou]/, "&"); print $0 "," (n > 3 ? "many" : "few") }' names.txt >vowels.csv
run train names names.txt -o one --set hidden=20 --set embedding=16 --epochs 1 --quiet --threads 1
expect 0
run train both.net vowels.csv -o both --epochs 1 --quiet --threads 1
expect 0
for kind in plain own bytes; do
  case $kind in plain) flags= ;; own) flags=--no-libm ;; bytes) flags="--no-libm --precision int8" ;; esac
  for net in one both; do
    # shellcheck disable=SC2086
    run export c $net -o ${net}_$kind.c --name ${net}_$kind $flags
    expect 0
  done
done
[ "$(wc -c <one_bytes.c)" -lt "$(wc -c <one_own.c)" ] || fail "bytes take more room than floats"
sed 's/^  return failed;$/  return failed + 1;/' one_own.c >wrong.c
cp one_own.h wrong.h

# board NAME MACHINE FLAGS: all files on it, and one that says no.
board() {
  local name=$1 machine=$2 file wanted
  shift 2
  for file in one_own one_bytes both_plain both_bytes wrong; do
    wanted=0
    [ $file = wrong ] && wanted=1
    arm-none-eabi-gcc "$@" -mthumb -mfloat-abi=hard -O2 -std=c99 -Wall -Wextra -DSELFTEST -nostartfiles -T "$SOURCE/tests/port/bare.ld" \
      $file.c "$SOURCE/tests/port/bare.c" -lm -o board.elf 2>errors || fail "$file for $name: $(head -n 3 errors)"
    timeout 300 qemu-system-arm -M "$machine" -nographic -semihosting-config enable=on,target=native -kernel board.elf </dev/null >said 2>&1
    [ $? = $wanted ] || fail "$file on $name: the self-test does not say $wanted: $(head -n 3 said)"
  done
}
if command -v arm-none-eabi-gcc >/dev/null && command -v qemu-system-arm >/dev/null; then
  board "a Cortex-M4" mps2-an386 -mcpu=cortex-m4 -mfpu=fpv4-sp-d16
  board "a Cortex-M55" mps3-an547 -mcpu=cortex-m55
else
  echo "no arm-none-eabi-gcc or no qemu-system-arm: not run on Cortex-M"
fi

if command -v clang >/dev/null && command -v wasm-ld >/dev/null && command -v node >/dev/null; then
  cat >run.js <<'end'
const bytes = require('fs').readFileSync(process.argv[2]);
WebAssembly.instantiate(bytes, {}).then(m => process.exit((m.instance.exports.main || m.instance.exports.__original_main)()));
end
  for file in one_own both_own both_bytes wrong; do
    wanted=0
    [ $file = wrong ] && wanted=1
    clang --target=wasm32 -std=c99 -O2 -Wall -Wextra -ffreestanding -nostdlib -DSELFTEST -Wl,--no-entry -Wl,--export=main $file.c -o file.wasm \
      2>errors || fail "$file as WebAssembly: $(head -n 3 errors)"
    node run.js file.wasm
    [ $? = $wanted ] || fail "$file as WebAssembly: the self-test does not say $wanted"
  done
else
  echo "no clang, wasm-ld or node: not run as WebAssembly"
fi
finish
