# mpirun.sh - sourced by tests of ranks: how they are started.
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
