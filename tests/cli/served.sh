# served.sh - sourced by the tests of `unroll serve`, which end here in a build without it.
if ! "$UNROLL" --version | sed 's/; without.*//' | grep -q microhttpd; then
  run serve nothing
  expect 2 "made without libmicrohttpd"
  echo "skipped: built without libmicrohttpd"
  finish
fi
# start ARGUMENTS...: a server at a port that is free; $base is its address, $server its process.
start() {
  : >log
  "$UNROLL" serve "$@" --port 0 >out 2>log &
  server=$!
  for _ in $(seq 1000); do
    base=$(sed -n 's/.*listening at \(http:.*\)\/$/\1/p' log)
    [ -n "$base" ] && break
    kill -0 "$server" 2>/dev/null || break
    sleep 0.05
  done
  port=${base##*:}
  [ -n "$base" ] || { fail "no server: $(cat log)"; finish; }
}
# stop: with SIGTERM; it ends well.
stop() {
  kill -TERM "$server"
  wait "$server"
  local code=$?
  [ "$code" = 0 ] || fail "the server ended with $code: $(cat log)"
}
