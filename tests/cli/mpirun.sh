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
