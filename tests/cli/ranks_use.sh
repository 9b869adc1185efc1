# ranks_use.sh - what ranks share beside training, left out where there is no MPI: eval, predict, score and forecasts print the bytes of one
# process; what differs between ranks is named; an error is said once.
. "$SOURCE/tests/cli/common.sh"
if ! command -v mpirun >/dev/null || [ ! -f "$BUILD/libunroll_mpi.so" ] || [ -n "${SANITIZE:-}" ]; then
  echo "note: no MPI, or a sanitizer: left out"
  exit 0
fi
. "$SOURCE/tests/cli/sixnets.sh"
. "$SOURCE/tests/cli/mpirun.sh"

for net in $nets; do
  run train $(six $net) --threads 2 -o $net
  expect 0
done
shared 2 eval stream xml.txt --json
shared 4 eval stream xml.txt --json --batch 5 --hits 1,3
shared 2 score stream xml.txt --json --per-symbol
shared 3 eval lines names.txt --json --confusion
shared 4 predict lines names.txt --json --top 3
shared 2 eval attention pairs.csv --decode --json
shared 4 predict attention pairs.csv --beam 3 --n-best 2
shared 3 predict attention pairs.csv --samples 2
shared 2 eval ragged curves.csv --series id --precision bf16 --json
shared 2 eval series airline.csv --trained --json
shared 4 predict series airline.csv
shared 2 predict pictures pictures.csv --probabilities

# What is wrong everywhere is said once, by rank 0; what is wrong on one rank is said with its number.
ranks 3 eval pictures pairs.csv
expect 3 "there is no column 'picture'"
[ "$(grep -c "there is no column" err)" = 1 ] || fail "said more than once"
sed 1d names.txt >fewer.txt
two "eval lines names.txt" "eval lines fewer.txt"
expect 2 "rank 1 has other data than rank 0"
mkdir other
cp pictures.csv p*.pgm other
cp p1.pgm other/p0.pgm
two "eval pictures pictures.csv" "eval pictures other/pictures.csv"
expect 2 "rank 1 has other data than rank 0"
two "eval lines names.txt" "eval attention pairs.csv"
expect 2 "rank 1 has another model than rank 0"
two "eval lines names.txt" "eval lines nothing.txt"
expect 3 "rank 1: " "nothing.txt"
two "eval lines names.txt" "eval lines names.txt --hits 1"
expect 2 "rank 1 has other options than rank 0"
finish
