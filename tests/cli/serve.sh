# serve.sh - `unroll serve`: what clients get, and that hostile ones leave it working. A test needs curl.
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/served.sh"
command -v curl >/dev/null || { echo "skipped: no curl"; finish; }

# ask PATH CURL-OPTIONS...: leaves the status in $code, the body in body.
ask() {
  local path=$1
  shift
  code=$(curl -s -m 60 -o body -w '%{http_code}' "$@" "$base$path")
  asked="$path $*"
}
# gets STATUS [TEXT...]: each text must be in the body.
gets() {
  local t
  [ "$code" = "$1" ] || fail "$asked: status $code instead of $1: $(head -c 300 body)"
  shift
  for t in "$@"; do grep -qF -e "$t" body || fail "$asked: '$t' is not in $(head -c 400 body)"; done
}
alive() {
  ask /health
  gets 200 '"status": "ok"'
}
member() { python3 -c 'import json, sys; print(eval("x" + sys.argv[1], {"x": json.load(open("body"))}), end="")' "$1"; }

small
cp -r small other
awk 'BEGIN { print "x,y,kind"; for (i = 0; i < 40; i++) print i % 20 "," 100 + i % 20 "," (i % 2 ? "odd" : "even, or so") }' |
  sed 's/even, or so/"even, or so"/' >levels.csv
printf '%s\n' 'data x : number' 'data y : number' 'data kind : category' 'y ~ gaussian(mean = M x + b, scale = 0.01)' \
  'kind ~ softmax(W x)' >levels.net
run train levels.net levels.csv -o levels --standardise --steps 40 --lr 0.05 --valid 0 --quiet
expect 0
printf '%s\n' 'data token : chars' 'e = embed(token[t-1], 1100)' 'h = rnn(e, 3)' 'token ~ softmax(W h + b)' >wide.net
printf 'Vila\nMont\n' >wide.txt
run train wide.net wide.txt -o wide --steps 1 --valid 0 --quiet
expect 0
printf 'data token : chars stream\nh = rnn(embed(token[t-1], 2), 3)\ntoken ~ softmax(W h + b)\n' >stream.net
run train stream.net wide.txt -o stream --steps 1 --valid 0 --quiet --batch 1 --unroll 2
expect 0
run serve small small/model.safetensors --port 0
expect 2 "have the same name, 'small'"
run serve nothing --port 0
expect 3 nothing
run serve small --address 0.0.0.0 --port 0
expect 2 "--api-key says who may ask"
run serve small --address here --port 0
expect 2 "--address takes an address as 127.0.0.1"

start small wide stream
# How much a trace would be is known before it is made.
long=$(head -c 4000 /dev/zero | tr '\0' V)
ask /v1/trace -d '{"model": "wide", "rows": [{"token": "'"$long"'"}], "of": ["e"]}'
gets 400 "these are 440" "numbers, and at most 4000000 are computed"
ask /v1/trace -d '{"model": "wide", "rows": [{"token": "'"$long"'"}], "of": ["h", "token"]}'
gets 200 '"width": 3'
# The equations of the page are those of the model that is served, whatever became of its file.
mv wide wide.gone
ask /v1/models/wide
gets 200 '<math'
mv wide.gone wide
if command -v python3 >/dev/null; then
  # Several inputs are one pass: the same numbers as of each alone.
  ask /v1/embeddings -d '{"model": "small", "input": ["Vila", "Mo", "Vila"]}'
  gets 200
  cp body all
  ask /v1/embeddings -d '{"model": "small", "input": "Mo"}'
  gets 200
  python3 - <<'P' || fail "embeddings of several inputs differ from each alone"
import json
a, b = json.load(open("all")), json.load(open("body"))
x, y = [e["embedding"] for e in a["data"]], b["data"][0]["embedding"]
assert [e["index"] for e in a["data"]] == [0, 1, 2] and a["usage"]["total_tokens"] == 10
assert len(y) == 24 and x[0] == x[2] != x[1] and max(abs(p - q) for p, q in zip(x[1], y)) < 1e-6
P
  ask /v1/embeddings -d '{"model": "stream", "input": ["Vila", "Mo", "Vila"]}'
  gets 200
  member '["data"][0]["embedding"] == x["data"][2]["embedding"] != x["data"][1]["embedding"]' >got
  [ "$(cat got)" = True ] || fail "a model of one long text reads several inputs as one"
fi
stop

start small levels --time-limit 3 --body-limit 1M --connections 40
alive
ask /v1/models
gets 200 '"id": "small"' '"id": "levels"' '"completes": true' '"distribution": "gaussian"'
ask /metrics
gets 200 'unroll_requests_total{path="/health",status="200"}' "# TYPE unroll_connections gauge"

# Texts: the bits of the command line.
run sample small --prime Vila -n 3 --seed 7
expect 0
if command -v python3 >/dev/null; then
  ask /v1/completions -d '{"model": "small", "prompt": "Vila", "max_tokens": 1000, "n": 3, "seed": 7, "echo": true}'
  gets 200 '"object": "text_completion"' '"finish_reason": "stop"'
  member '["choices"][0]["text"] + "\n" + x["choices"][1]["text"] + "\n" + x["choices"][2]["text"] + "\n"' >got
  same got out "completions and sample"
  run sample small --prime Vila --seed 3 --temperature 0.5 --top-p 0.8 --length 9
  ask /v1/completions -d '{"model": "small", "prompt": "Vila", "max_tokens": 9, "seed": 3, "echo": true, "temperature": 0.5, "top_p": 0.8}'
  { member '["choices"][0]["text"]'; echo; } >got
  same got out "completions with temperature and top_p"
  curl -sN "$base/v1/completions" -d '{"model": "small", "prompt": "Vila", "max_tokens": 1000, "seed": 7, "stream": true, "n": 3}' >events
  grep -q '^data: \[DONE\]$' events || fail "a stream without its end"
  python3 - <<'P' >got
import json
texts = ["Vila"] * 3
for line in open("events"):
    if line.startswith("data: {"):
        for c in json.loads(line[6:])["choices"]: texts[c["index"]] += c["text"]
print("\n".join(texts))
P
  run sample small --prime Vila -n 3 --seed 7
  same got out "a stream and sample"
  letter=$(head -c 6 out | tail -c 1)
  ask /v1/completions -d '{"model": "small", "prompt": "Vila", "max_tokens": 1000, "seed": 7, "stop": "'"$letter"'", "logprobs": 2}'
  gets 200 '"finish_reason": "stop"' '"top_logprobs"'
  [ "$(member '["choices"][0]["text"]')" = "$(head -c 5 out | tail -c 1)" ] || fail "stop does not cut before '$letter'"
  [ "$(member '["choices"][0]["logprobs"]["text_offset"]')" = "[4]" ] || fail "logprobs of what is cut off"
  # Many at a time go on together, and each text is as alone.
  for i in $(seq 24); do
    curl -s -m 60 "$base/v1/completions" -d '{"model": "small", "prompt": "Vi", "max_tokens": 60, "n": '$((1 + i % 4))', "seed": '"$i"'}' >"at$i" &
    at[$i]=$!
  done
  wait "${at[@]}"
  for i in 1 6 15 24; do
    run sample small --prime Vi -n $((1 + i % 4)) --seed "$i" --length 60
    python3 -c 'import json, sys; print("\n".join("Vi" + c["text"] for c in json.load(open(sys.argv[1]))["choices"]))' "at$i" >got
    same got out "completions of several clients, seed $i"
  done
  run predict levels levels.csv --json
  cp out wanted
  ask "/v1/predict?model=levels" -H "Content-Type: text/csv" --data-binary @levels.csv
  gets 200 '"predictions"'
  python3 - <<'P' || fail "/v1/predict and predict differ"
import json
a, b = json.load(open("wanted"))["predictions"], json.load(open("body"))["predictions"]
assert len(a) == len(b) == 40
for x, y in zip(a, b):
    assert x["y"] == y["y"]["mean"], (x, y)
    assert x["kind"]["value"] == y["kind"]["value"] and x["kind"]["probability"] == y["kind"]["probability"], (x, y)
P
  ask /v1/predict -H "Content-Type: application/json" -d '{"model": "levels", "rows": [{"x": 3}, {"x": 4}], "top": 2}'
  gets 200 '"label": "even, or so"'
  [ "$(member '["predictions"][1]["y"]["mean"]')" = "$(python3 -c 'import json; print(json.load(open("wanted"))["predictions"][4]["y"])')" ] ||
    fail "JSON rows and CSV differ"
fi
for bad in '{"prompt": 5}' '{"model": "smal"}' '{"model": "levels"}' '{"model": "small", "n": 0}' '{"model": "small", "prompt": "\u4e00"}' \
  '{"model": "small", "temperature": -1}' '{"model": "small", "suffix": "x"}' '{"model": "small", "stream": 1}' '[1]' '{"model"' ''; do
  ask /v1/completions -d "$bad"
  case $code in 400 | 404) gets "$code" '"error"' '"message"' ;; *) fail "$bad: status $code" ;; esac
done
ask /v1/completions -d '{"model": "smal"}'
gets 404 "did you mean 'small'?" model_not_found
for bad in '{"model": "levels", "rows": []}' '{"model": "levels", "rows": [5]}' '{"model": "levels", "rows": [{"x": "a"}]}' \
  '{"model": "levels", "rows": [{"z": 1}]}' '{"model": "levels", "rows": [{"x": {"a": 1}}]}' '{"model": "levels", "rows": 5}' \
  '{"model": "levels", "rows": [{"x": 1}], "options": {"output": "/tmp/x"}}' '{"model": "levels", "rows": [{"x": 1}], "options": {"threads": 9}}' \
  '{"model": "levels", "rows": [{"x": 1}], "options": {"samples": 1000000}}' '{"model": "levels", "rows": [{"x": 1}], "options": 5}' \
  '{"model": "levels", "rows": [{"x": 1}], "options": [["seed", 1]]}' '{"model": "levels", "data": "/etc/passwd"}'; do
  ask /v1/predict -H "Content-Type: application/json" -d "$bad"
  gets 400 '"error"'
done
ask "/v1/predict?model=levels" -H "Content-Type: text/csv" -d 'x
"3'
gets 400 "a quotation does not end"
ask "/v1/predict?model=levels" -H "Content-Type: text/plain" -d 'x'
gets 415
ask /v1/predict
gets 405 "takes POST"
ask /etc/passwd
gets 404
ask /../../etc/passwd --path-as-is
gets 404

# Who may ask.
ask /health -H "Host: elsewhere.example"
gets 421
ask /health -H "Host: localhost:$port"
gets 200
ask /v1/completions -H "Origin: http://elsewhere.example" -d '{}'
gets 403

# Hostile clients.
raw() { # raw SECONDS: sends what it is given, waits, and prints what comes
  timeout "$1" bash -c 'exec 3<>/dev/tcp/127.0.0.1/'"$port"'; cat >&3; cat <&3' 2>/dev/null
}
ask /v1/predict -H "Content-Length: 1000000000" -d '{}'
gets 413
head -c 3000000 /dev/zero | curl -s -m 20 -o body -H "Transfer-Encoding: chunked" --data-binary @- "$base/v1/predict"
alive
printf 'POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n{}\r\n' | raw 10 | head -n 1 | grep -q '200 OK' && fail "bad chunks are taken"
alive
printf 'POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"model"' | raw 1
printf 'nonsense\r\n\r\n' | raw 1 >/dev/null
printf 'GET /health HTTP/1.1\r\n\r\n' | raw 10 | head -n 1 | grep -q ' 4[0-9][0-9] ' || fail "a request without a host is answered"
head -c 100000 /dev/urandom | raw 2 >/dev/null
printf 'GET /%s HTTP/1.1\r\nHost: localhost\r\n\r\n' "$(head -c 60000 /dev/zero | tr '\0' a)" | raw 3 | head -n 1 | grep -q ' [45][0-9][0-9] ' || fail "a long path is taken"
alive
printf '{"model": "small", "prompt": "\xff\xfe"}' >bad.json
ask /v1/completions --data-binary @bad.json
gets 400 "no JSON"
printf 'x\n\xff\xfe\n' >bad.csv
ask "/v1/predict?model=levels" -H "Content-Type: text/csv" --data-binary @bad.csv
gets 400 UTF-8
awk 'BEGIN { for (i = 0; i < 100000; i++) printf "[" }' >deep.json
ask /v1/completions --data-binary @deep.json
gets 400 "no JSON"
alive
# A byte now and then keeps a connection only as long as the time limit.
begun=$SECONDS
(exec 3<>"/dev/tcp/127.0.0.1/$port"; for _ in $(seq 60); do printf G >&3 || exit; sleep 0.25; done; echo kept >slow) 2>/dev/null
[ ! -f slow ] && [ $((SECONDS - begun)) -lt 12 ] || fail "a slow client is never cut"
# Too many connections are closed; those that go make room.
holders=
for _ in $(seq 60); do
  (exec 3<>"/dev/tcp/127.0.0.1/$port"; exec sleep 2) 2>/dev/null &
  holders="$holders $!"
done
sleep 0.5
kill $holders 2>/dev/null
wait $holders 2>/dev/null
for _ in $(seq 50); do # until the server has seen that they are gone
  ask /health
  [ "$code" = 200 ] && break
  sleep 0.2
done
alive
# Those that go away in the middle of a stream.
curl -sN -m 0.05 -o body "$base/v1/completions" -d '{"model": "small", "max_tokens": 90000, "n": 32, "stream": true}'
alive
ask /metrics
gets 200 'status="413"' 'status="421"'
stop

# A key. What runs when the signal comes is finished.
start other --api-key secret
alive
ask /v1/models
gets 401
ask /v1/models -H "Authorization: Bearer secret"
gets 200
ask /v1/models -H "Authorization: Bearer secrets"
gets 401
curl -sN "$base/v1/completions" -H "Authorization: Bearer secret" -d '{"max_tokens": 3000, "n": 32, "stream": true, "temperature": 0}' >events &
client=$!
sleep 0.1
stop
wait "$client" || fail "a stream is cut by SIGTERM: curl ends with $?"
grep -q '^data: \[DONE\]$' events || fail "a stream under way is not finished"

if python3 -c 'import openai' 2>/dev/null; then
  start other small --api-key secret
  timeout 100 python3 - "$base" <<'P' || fail "the openai client"
import sys, openai
c = openai.OpenAI(base_url=sys.argv[1] + "/v1", api_key="secret", max_retries=0)
assert {m.id for m in c.models.list()} == {"other", "small"}
r = c.completions.create(model="small", prompt="Vila", max_tokens=20, seed=7, n=2, logprobs=1)
assert len(r.choices) == 2 and r.usage.prompt_tokens == 4 and r.choices[0].logprobs.tokens
text, last = "", None
for e in c.completions.create(model="small", prompt="Vila", max_tokens=20, seed=7, stream=True):
    text += e.choices[0].text
    last = e.choices[0].finish_reason
assert text == r.choices[0].text and last in ("stop", "length"), (text, r)
numbers = c.embeddings.create(model="small", input=["Vila", "Mont"])  # as bytes
same = c.embeddings.create(model="small", input="Mont", encoding_format="float")
assert len(numbers.data) == 2 and len(numbers.data[0].embedding) == 24
assert all(abs(x - y) < 1e-6 for x, y in zip(numbers.data[1].embedding, same.data[0].embedding)), same
assert numbers.data[0].embedding != numbers.data[1].embedding
try:
    c.completions.create(model="none", prompt="x")
    raise SystemExit("no error")
except openai.NotFoundError as e:
    assert e.code == "model_not_found"
P
  stop
else
  echo "skipped: the Python package openai is not installed"
fi
finish
