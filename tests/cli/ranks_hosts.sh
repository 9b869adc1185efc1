# ranks_hosts.sh - two machines, as two network namespaces with names of their own that a virtual cable joins: training and eval have the bytes of
# one process, and a rank that is killed on the other machine ends the job. Left out where such namespaces may not be made.
. "$SOURCE/tests/cli/common.sh"
open="$(mpirun --version 2>/dev/null | grep -c 'Open MPI')"
if [ "$open" = 0 ] || [ ! -f "$BUILD/libunroll_mpi.so" ] || [ -n "${SANITIZE:-}" ]; then
  echo "note: no Open MPI, or a sanitizer: left out"
  exit 0
fi
one=unroll-one-$$ two=unroll-two-$$
if ! ip netns add $one 2>/dev/null || ! ip netns exec $one unshare --uts true 2>/dev/null; then
  ip netns del $one 2>/dev/null
  echo "note: network namespaces cannot be made here: left out"
  exit 0
fi
trap 'ip netns del $one; ip netns del $two 2>/dev/null' EXIT
ip netns add $two
if ! ip link add u1-$$ netns $one type veth peer name u2-$$ netns $two 2>/dev/null; then
  echo "note: no virtual cable: left out"
  exit 0
fi
ip -n $one addr add 10.77.0.1/24 dev u1-$$
ip -n $two addr add 10.77.0.2/24 dev u2-$$
for end in "$one u1-$$" "$two u2-$$"; do
  ip -n ${end% *} link set ${end#* } up
  ip -n ${end% *} link set lo up
done
. "$SOURCE/tests/cli/sixnets.sh"
. "$SOURCE/tests/cli/mpirun.sh"

# As ssh does it: HOST COMMAND...
cat >agent <<END
#!/bin/sh
shift
exec ip netns exec $two unshare --uts sh -c 'hostname two; exec sh -c "\$0"' "\$*"
END
chmod +x agent
cat >start <<END
#!/bin/sh
hostname one
exec mpirun $root --host 10.77.0.1:4,10.77.0.2:4 --map-by node --mca plm_rsh_agent "$PWD/agent" --mca btl tcp,self \\
  --mca btl_tcp_if_include 10.77.0.0/24 --mca oob_tcp_if_include 10.77.0.0/24 "\$@"
END
chmod +x start
mpirun="ip netns exec $one unshare --uts ./start"
root=

sent() { ip -n $one -s link show u1-$$ | awk '/TX:/ { getline; print $1 }'; }
run train $(six stream) --threads 2 -o stream.one
before=$(sent)
ranks 4 train $(six stream | sed 's/--quiet//') --threads 1 -o stream.4
expect 0 "4 ranks on 2 hosts"
same stream.one/model.safetensors stream.4/model.safetensors "2 hosts"
weights=$("$UNROLL" explain language $tiny --set layers=2 --set vocabulary=40 --json | sed 's/.*"weights": \([0-9]*\), "equations".*/\1/')
# Half of the ranks are there: in 12 steps at least so many gradients cross.
[ $(($(sent) - before)) -gt $((weights * 4 * 12 / 2)) ] || fail "nothing has gone through the cable"
shared 2 eval stream.one xml.txt --json

lost KILL cut $(six stream)
finish
