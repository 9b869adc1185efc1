# mpirun.sh - sourced by tests of ranks: how they are started, and what they must have in common with one process.
export OMPI_MCA_btl_vader_single_copy_mechanism=none OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_mpi_yield_when_idle=1
mpirun=${MPIRUN:-mpirun}
root=
! $mpirun --version 2>/dev/null | grep -q 'Open MPI' || root="--allow-run-as-root --oversubscribe"

# ranks N ARGUMENTS...: as `run`, on N ranks
ranks() {
  local n=$1
  shift
  command_line="mpirun -n $n unroll $*"
  timeout 120 $mpirun $root -n $n "$UNROLL" "$@" </dev/null >out 2>err
  status=$?
}

# two "ARGUMENTS" "ARGUMENTS": rank 0 and rank 1
two() {
  command_line="mpirun -n 1 unroll $1 : -n 1 unroll $2"
  timeout 120 $mpirun $root -n 1 "$UNROLL" $1 --threads 1 : -n 1 "$UNROLL" $2 --threads 1 </dev/null >out 2>err
  status=$?
}

# shared N COMMAND...: N ranks print what one process prints
shared() {
  local n=$1
  shift
  run "$@" --threads 1
  expect 0
  cp out one
  ranks "$n" "$@" --threads 1
  expect 0
  same one out "$n ranks"
}

# trained "NET..." "N...": each net of sixnets.sh has the same weights by one process and by N ranks; the folders are NET.one and NET.N
trained() {
  local net n
  for net in $1; do
    run train $(six $net) --threads 2 -o $net.one
    expect 0
    for n in $2; do
      ranks $n train $(six $net) --threads 1 -o $net.$n
      expect 0
      same $net.one/model.safetensors $net.$n/model.safetensors "$n ranks"
    done
  done
}

# lost SIGNAL FOLDER ARGUMENTS...: training by two ranks into FOLDER. Rank 1 gets the signal once there is a checkpoint; nothing else ends the run.
lost() {
  local signal=$1 folder=$2
  shift 2
  command_line="mpirun -n 2 unroll train $* -o $folder"
  rm -rf "$folder"
  timeout 120 $mpirun $root -n 2 bash -c 'signal=$1 folder=$2
    shift 2
    [ "${OMPI_COMM_WORLD_RANK:-$PMI_RANK}" != 1 ] ||
      { (for i in $(seq 1200); do [ ! -s "$folder/checkpoint.safetensors" ] || break; sleep 0.05; done; kill -$signal $$) & }
    exec "$@"' - "$signal" "$folder" "$UNROLL" train "$@" --steps 1000000 --epochs 1000000 --patience 0 --threads 1 --checkpoint-seconds 0.2 \
    -o "$folder" </dev/null >out 2>err
  status=$?
  [ $status != 0 ] && [ $status != 124 ] || fail "a rank gets $signal: the job ended with $status"
  [ -s "$folder/checkpoint.safetensors" ] || fail "a rank gets $signal: no checkpoint"
}
