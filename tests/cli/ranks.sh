# ranks.sh - training by several processes of MPI, which is left out where there is none: the model's bytes are those of one process, with threads,
# in bf16, and after a rank was killed and another number of ranks went on; what differs between ranks is found before the first step.
. "$SOURCE/tests/cli/common.sh"
if ! command -v mpirun >/dev/null || [ ! -f "$BUILD/libunroll_mpi.so" ] || [ -n "${SANITIZE:-}" ]; then
  echo "note: no MPI, or a sanitizer: left out"
  exit 0
fi
. "$SOURCE/tests/cli/sixnets.sh"
. "$SOURCE/tests/cli/mpirun.sh"

trained "$nets" "2 3"
ranks 4 train $(six stream | sed 's/--quiet//') --threads 2 -o stream.4
expect 0 "4 ranks on 1 host"
[ "$(grep -c 'ranks on' err)" = 1 ] || fail "not only rank 0 speaks"
same stream.one/model.safetensors stream.4/model.safetensors "4 ranks of 2 threads"
run train $(six lines) --precision bf16 --threads 1 -o bf16.one
ranks 2 train $(six lines) --precision bf16 --threads 1 -o bf16.2
same bf16.one/model.safetensors bf16.2/model.safetensors "2 ranks, bf16"
ranks 3 train $(six lines | sed 's/--quiet//') --shards 1 --threads 1 -o idle.3
expect 0 "has 1 shard"
run train $(six lines) --shards 1 --threads 1 -o idle.one
same idle.one/model.safetensors idle.3/model.safetensors "ranks without a shard"

# A checkpoint has the states of all ranks: other numbers of ranks and threads go on with it.
ranks 2 train $(six stream) --steps 7 --threads 1 -o cut
expect 0
ranks 3 train --resume cut --steps 10 --threads 1
expect 0
run train --resume cut --steps 12 --threads 3
expect 0
same stream.one/model.safetensors cut/model.safetensors "resumed by 3 ranks, then by one"

# A rank that is killed ends the job, and the last checkpoint goes on.
lost KILL cut $(six stream)

# What differs is named before the first step. differ WHAT OPTION-OF-RANK-1...
differ() {
  local what=$1
  shift
  two "train $(six lines) -o differs" "train $* -o differs"
  [ $status != 0 ] || fail "$what: no error"
  grep -qF "$what" err || { fail "'$what' is not said"; sed 's/^/    /' err; }
  [ ! -e differs/model.safetensors ] || fail "$what: a model"
}
differ "rank 1 has other options than rank 0" $(six lines) --lr 0.5
sed 1d names.txt >fewer.txt
differ "rank 1 has other data than rank 0" $(six lines | sed 's/names.txt/fewer.txt/')
# Two tables are the same, and a picture that they name is not.
mkdir other
cp pictures.csv p*.pgm other
sed "s/^9$/10/" p0.pgm >other/p0.pgm
! cmp -s p0.pgm other/p0.pgm || fail "the pictures should differ"
two "train $(six pictures) -o differs" "train $(six pictures | sed 's,pictures.csv,other/&,') -o differs"
expect 2 "rank 1 has other data than rank 0"
differ "rank 1: " $(six lines | sed 's/names.txt/nothing.txt/')

# One of several that is alone is refused; other commands are rank 0's.
SLURM_NTASKS=4 SLURM_PROCID=0 "$UNROLL" train $(six lines) --threads 1 -o alone </dev/null >out 2>err
status=$?
expect 2 "which MPI does not connect"
SLURM_NTASKS=4 SLURM_PROCID=0 UNROLL_RANKS=1 "$UNROLL" train $(six lines) --threads 1 -o alone </dev/null >out 2>err
status=$?
expect 0
shared 2 score alone/model.safetensors fewer.txt
finish
