# ranks_search.sh - `unroll search` on several ranks, left out where there is no MPI: table, lines and model of one process, also where another
# number of ranks goes on; errors of one rank end all.
. "$SOURCE/tests/cli/common.sh"
if ! command -v mpirun >/dev/null || [ ! -f "$BUILD/libunroll_mpi.so" ] || [ -n "${SANITIZE:-}" ]; then
  echo "note: no MPI, or a sanitizer: left out"
  exit 0
fi
. "$SOURCE/tests/cli/mpirun.sh"
awk 'NR % 16 == 1' "$SOURCE/examples/places.txt" >names.txt
ask="names.txt --try hidden=2,4,8 --try lr=log(1e-3,1e-1) --runs 5 --steps 24 --set embedding=3 --seeds 2 --quiet"
run search names $ask -o one -j 1
expect 0
cp out table
ranks 3 search names $ask -o three
expect 0
same table out "3 ranks"
same one/search.jsonl three/search.jsonl "3 ranks"
same one/model.safetensors three/model.safetensors "3 ranks"
ls one | grep -v '^search\|^model' >folders
for folder in $(cat folders); do same one/$folder/model.safetensors three/$folder/model.safetensors "run $folder of 3 ranks"; done
# Some runs are not there yet: another number of ranks, of two jobs each, goes on.
rm -r three/run-001-1 three/run-003-2 three/search.jsonl three/model.safetensors
ranks 2 search names $ask -o three -j 2 --json
expect 0
same one/search.jsonl out "gone on by 2 ranks, JSON"
same one/model.safetensors three/model.safetensors "gone on by 2 ranks"
# Steps that nobody gave are found by rank 0.
short="names.txt --try hidden=2,3 --grid --set embedding=3 --epochs 1 --quiet"
run search names $short -o found -j 1
expect 0
cp out table
ranks 2 search names $short -o found2
expect 0
same table out "steps found by rank 0"

sed 1d names.txt >fewer.txt
two "search names $short -o other" "search names ${short/names.txt/fewer.txt} -o other"
expect 2 "rank 1 has other data than rank 0"
mkdir -p elsewhere
cp names.txt elsewhere
command_line="mpirun of ranks that see different folders"
timeout 120 $mpirun $root -n 1 "$UNROLL" search names $short -o local : -wdir "$PWD/elsewhere" -n 1 "$UNROLL" search names $short -o local </dev/null >out 2>err
status=$?
expect 2 "a search needs a folder that all ranks see"
ranks 2 search names ${short/hidden/hiden} -o wrong
expect 2 "hiden"
finish
