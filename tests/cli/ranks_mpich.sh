# ranks_mpich.sh - the same with MPICH, a second MPI beside the first, left out where it is not there: training, a resumed run, eval and search
# have the bytes of one process; a killed rank ends the job.
. "$SOURCE/tests/cli/common.sh"
if ! command -v mpirun.mpich >/dev/null || [ ! -f "$BUILD/libunroll_mpich.so" ] || [ -n "${SANITIZE:-}" ]; then
  echo "note: no MPICH, or a sanitizer: left out"
  exit 0
fi
. "$SOURCE/tests/cli/sixnets.sh"
MPIRUN=mpirun.mpich
. "$SOURCE/tests/cli/mpirun.sh"

trained "stream attention" "2 4"
ranks 3 train $(six stream) --steps 7 --threads 1 -o cut
expect 0
run train --resume cut --steps 12 --threads 2
expect 0
same stream.one/model.safetensors cut/model.safetensors "3 ranks, then one"
shared 3 eval attention.one pairs.csv --decode --json
ranks 3 train $(six lines) --threads 1 -o three
expect 0
two "train $(six lines) -o other" "train $(six lines) --lr 0.5 -o other"
[ $status != 0 ] || fail "ranks with other options: no error"
grep -q "rank 1 has other options than rank 0" err || fail "ranks with other options: not said"

lost KILL killed $(six stream)
finish
