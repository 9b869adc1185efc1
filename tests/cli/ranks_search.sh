# ranks_search.sh - `unroll search` on several ranks, left out where there is no MPI: table, lines and model of one process, also where another
# number of ranks goes on; errors of one rank end all.
. "$SOURCE/tests/cli/common.sh"
if ! command -v mpirun >/dev/null || [ ! -f "$BUILD/libunroll_mpi.so" ] || [ -n "${SANITIZE:-}" ]; then
  echo "note: no MPI, or a sanitizer: left out"
  exit 0
fi
. "$SOURCE/tests/cli/mpirun.sh"
awk 'NR % 16 == 1' "$SOURCE/examples/places.txt" >names.txt

# searched N OPTIONS: N ranks print the table of one process; the folders are `one` and `many`
searched() {
  run search names $2 -o one -j 1
  expect 0
  cp out table
  ranks $1 search names $2 -o many
  expect 0
  same table out "$1 ranks"
}

ask="names.txt --try hidden=2,4,8 --try lr=log(1e-3,1e-1) --runs 5 --steps 24 --set embedding=3 --seeds 2 --quiet"
searched 3 "$ask"
same one/search.jsonl many/search.jsonl "3 ranks"
same one/model.safetensors many/model.safetensors "3 ranks"
ls one | grep -v '^search\|^model' >folders
for folder in $(cat folders); do same one/$folder/model.safetensors many/$folder/model.safetensors "run $folder of 3 ranks"; done
# Some runs are not there yet: another number of ranks, of two jobs each, goes on.
rm -r many/run-001-1 many/run-003-2 many/search.jsonl many/model.safetensors
ranks 2 search names $ask -o many -j 2 --json
expect 0
same one/search.jsonl out "gone on by 2 ranks, JSON"
same one/model.safetensors many/model.safetensors "gone on by 2 ranks"
# Steps that nobody gave are found by rank 0.
short="names.txt --try hidden=2,3 --grid --set embedding=3 --epochs 1 --quiet"
rm -r one many
searched 2 "$short"

sed 1d names.txt >fewer.txt
two "search names $short -o other" "search names ${short/names.txt/fewer.txt} -o other"
expect 2 "rank 1 has other data than rank 0"
[ -z "$(ls many | grep taken)" ] || fail "runs are still taken"
# Other ranks have taken runs and were killed.
rm -r many/run-001-1
mkdir many/taken-0 many/taken-1
ranks 2 search names $short -o many
expect 0
[ -f many/run-001-1/model.safetensors ] || fail "a run that was taken before is left out"
# Files of a folder count too.
mkdir -p here there elsewhere
cp names.txt here
cp fewer.txt there/names.txt
two "search names $short -o other" "search names ${short/names.txt/there} -o other"
expect 2 "rank 1 has other data than rank 0"
two "search names ${short/names.txt/here} -o other" "search names ${short/names.txt/there} -o other"
expect 2 "rank 1 has other data than rank 0"
cp names.txt elsewhere
command_line="mpirun of ranks that see different folders"
timeout 120 $mpirun $root -n 1 "$UNROLL" search names $short -o local : -wdir "$PWD/elsewhere" -n 1 "$UNROLL" search names $short -o local </dev/null >out 2>err
status=$?
expect 2 "a search needs a folder that all ranks see"
ranks 2 search names ${short/hidden/hiden} -o wrong
expect 2 "hiden"
finish
