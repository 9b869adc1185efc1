"""openapi.py - holds /openapi.json against the server: openapi.py BASE SOURCE. Every path is a route and the other way, every member of
every request is sent, what is not described is refused, and replies have what is described and nothing else."""
import base64
import json
import re
import sys
import urllib.error
import urllib.request

base, source = sys.argv[1:]
spec = json.load(urllib.request.urlopen(base + "/openapi.json", timeout=60))
seen = set()  # members of schemas that occurred in replies
try:
    from openapi_spec_validator import validate
    validate(spec)
except ImportError:
    print("not checked by openapi-spec-validator, which is not installed")


def resolve(schema):
    while schema and "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        schema = dict(spec["components"]["schemas"][name], title=name)
    return schema


TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}


def is_type(x, name):
    if name in ("number", "integer"):
        return isinstance(x, int if name == "integer" else (int, float)) and not isinstance(x, bool)
    return isinstance(x, TYPES[name])


def wrong(x, schema, at):
    """What is wrong with a value, or None."""
    schema = resolve(schema)
    if not schema:
        return None
    if "oneOf" in schema:
        fits = [s for s in schema["oneOf"] if wrong(x, s, at) is None]
        return None if len(fits) >= 1 else "%s: %r is none of what it may be" % (at, x)
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    if types and not any(is_type(x, t) for t in types):
        return "%s: %r is no %s" % (at, x, types)
    if "enum" in schema and x not in schema["enum"]:
        return "%s: %r is none of %s" % (at, x, schema["enum"])
    if isinstance(x, list):
        return next(filter(None, (wrong(y, schema.get("items"), at + "[]") for y in x)), None)
    if isinstance(x, dict) and schema.get("type") == "object":
        for name in schema.get("required", []):
            if name not in x:
                return "%s has no '%s'" % (at, name)
        for name, y in x.items():
            if name in schema.get("properties", {}):
                seen.add((schema.get("title", at), name))
                bad = wrong(y, schema["properties"][name], at + "." + name)
            elif schema.get("additionalProperties", True) is False:
                return "%s has '%s', which is not described" % (at, name)
            else:
                more = schema.get("additionalProperties", True)
                bad = wrong(y, None if more is True else more, at + "." + name)
            if bad:
                return bad
    return None


def ask(path, method="GET", body=None, kind="application/json"):
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(base + path, data, {"Content-Type": kind} if data is not None else {}, method=method)
    try:
        reply = urllib.request.urlopen(request, timeout=60)
    except urllib.error.HTTPError as e:
        reply = e
    return reply.status, reply.headers.get_content_type(), reply.read()


failures = []


def check(path, method, body=None, wanted=200, kind="application/json"):
    status, content, data = ask(path, method, body, kind)
    key = next(p for p in spec["paths"] if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", p), path.split("?")[0]))
    replies = spec["paths"][key][method.lower()]["responses"]
    described = replies.get(str(status), replies["default"])["content"]
    where = "%s %s %s" % (method, path, json.dumps(body) if not isinstance(body, bytes) else body)
    if status != wanted:
        failures.append("%s: status %d: %s" % (where, status, data[:300]))
    elif content not in described:
        failures.append("%s: %s is not described" % (where, content))
    elif content == "application/json":
        bad = wrong(json.loads(data), described[content].get("schema"), key)
        if bad:
            failures.append("%s: %s" % (where, bad))


# Paths are routes.
routes = set(re.findall(r'\{"(GET|POST)", "([^"]+)", (?:true|false), route_', open(source + "/src/serve/server.c").read()))
described = {(m.upper(), re.sub(r"\{\w+\}$", "*", p)) for p, x in spec["paths"].items() for m in x if m in ("get", "post")}
if routes != described:
    failures.append("routes and paths differ: %s" % (routes ^ described))
for path in ("/", "/m/small", "/page/page.css", "/page/model.js", "/openapi.json", "/health", "/metrics", "/v1/models", "/v1/models/small",
             "/v1/models/levels", "/v1/models/air", "/v1/models/hand", "/v1/models/pairs", "/v1/models/look"):
    check(path, "GET")
check("/v1/models/none", "GET", wanted=404)
check("/page/none", "GET", wanted=404)
check("/m/none", "GET", wanted=404)

# Members of requests: with each alone the server answers; with one that is not described it refuses.
pgm = {"base64": base64.b64encode(b"0,0,0 1,-3,0 0,-2,1\n").decode()}
BASE = {"/v1/completions": {"model": "small"}, "/v1/predict": {"model": "levels", "rows": [{"x": 3}]},
        "/v1/generate": {"model": "hand", "options": {"length": 3}}, "/v1/trace": {"model": "small", "rows": [{"token": "Vila"}]},
        "/v1/embeddings": {"model": "small", "input": "Vila"}}
VALUES = {"prompt": ["Vila", ["Vi", "a"]], "max_tokens": [3], "temperature": [0.5], "top_p": [0.9], "top_k": [3], "n": [2], "seed": [7],
          "stop": ["a", ["a", "b"], None], "echo": [True], "logprobs": [0, 3, None], "stream": [False, True], "stream_options": [None, {"include_usage": True}],
          "user": ["me"], "suffix": [None], "best_of": [1, None], "frequency_penalty": [0, None], "presence_penalty": [0], "logit_bias": [{}, None],
          "rows": None, "model": None, "top": [2], "options": [{}], "of": [["h"], ["h.c", "token"]], "input": ["Vila", ["Vi", "a"]],
          "encoding_format": ["float", "base64"], "dimensions": [None]}
for path, item in spec["paths"].items():
    if "post" not in item:
        continue
    schema = item["post"]["requestBody"]["content"].get("application/json", {}).get("schema")
    if not schema:
        continue  # its body is no JSON
    for name in schema["properties"]:
        if name not in VALUES:
            failures.append("%s: no value to send for '%s'" % (path, name))
        for value in VALUES.get(name) or []:
            check(path, "POST", dict(BASE[path], **{name: value}))
            bad = wrong(value, schema["properties"][name], name)
            if bad:
                failures.append(path + ": " + bad)
    check(path, "POST", dict(BASE[path], unheard=1), wanted=400)
    check(path, "POST", dict(BASE[path], model="none"), wanted=404)
    check(path, "POST", [], wanted=400)
    for name in schema["required"]:
        check(path, "POST", {k: v for k, v in BASE[path].items() if k != name}, wanted=400)
OPTIONS = {"beam": 2, "n-best": 1, "samples": 2, "length": 5, "temperature": 0.5, "bias": 0, "top": 2, "top-k": 3, "top-p": 0.9, "seed": 3, "horizon": 2,
           "length-penalty": 0.5, "quantiles": "0.1,0.9", "decimal": ".", "dates": "iso", "series": "name", "skip-bad": True, "time": "month", "number": 2}
REFUSED = {"series", "horizon", "time", "dates", "samples", "temperature", "beam", "n-best", "length", "bias", "top-k", "top-p", "length-penalty", "seed"}
for path in ("/v1/predict", "/v1/generate"):
    known = spec["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]["properties"]["options"]["properties"]
    for name in known:
        status, _, data = ask(path, "POST", dict(BASE[path], options=dict(BASE[path].get("options", {}), **{name: OPTIONS[name]})))
        if b"a request cannot set" in data or (status != 200 and not (status == 400 and name in REFUSED)):
            failures.append("%s: option %s: %s" % (path, name, data[:200]))
    check(path, "POST", dict(BASE[path], options={"output": "x"}), wanted=400)
known = {p["name"] for p in spec["paths"]["/v1/predict"]["post"]["parameters"]}
if known != set(spec["paths"]["/v1/predict"]["post"]["requestBody"]["content"]["application/json"]["schema"]["properties"]["options"]["properties"]) | {"model"}:
    failures.append("the options behind the path and in the body differ")

# Replies that have the rest of what is described.
csv = b"who,month,y\n" + b"".join(b"a,%d-%02d-01,%d\n" % (1990 + i // 12, i % 12 + 1, 100 + i) for i in range(40))
check("/v1/predict?model=air&quantiles=0.1,0.5,0.9&horizon=4", "POST", csv, kind="text/csv")
check("/v1/predict?model=air&series=who", "POST", csv.replace(b",", b"\t"), kind="text/tab-separated-values")
check("/v1/predict?model=levels&top=2", "POST", b"x\n1\n2\n", kind="text/csv")
check("/v1/predict", "POST", {"model": "levels", "rows": [{"x": "no number"}, {"x": 1}], "options": {"skip-bad": True}})
check("/v1/predict", "POST", {"model": "pen", "rows": [{"pen": pgm}], "top": 2})
for name in ("/etc/passwd", "lines.txt#0", "0;0;0 1;1;1"):
    check("/v1/predict", "POST", {"model": "pen", "rows": [{"pen": name}]}, wanted=400)
    check("/v1/trace", "POST", {"model": "pen", "rows": [{"pen": name}]}, wanted=400)
    check("/v1/predict?model=pen", "POST", b"pen\n" + name.encode() + b"\n", wanted=400, kind="text/csv")
check("/v1/trace", "POST", {"model": "pen", "rows": [{"pen": pgm}]})
check("/v1/trace", "POST", {"model": "small", "rows": [{"token": "a" * 5000}]}, wanted=400)
check("/v1/trace", "POST", {"model": "pen", "rows": [{"pen": {"base64": "A" * 11500000}}]}, wanted=400)
check("/v1/trace", "POST", {"model": "small", "rows": [{"token": "Vila"}], "of": ["hh"]}, wanted=400)
check("/v1/trace", "POST", {"model": "levels", "rows": [{"x": 1}]}, wanted=400)
check("/v1/embeddings", "POST", {"model": "pen", "input": "a"}, wanted=400)
check("/v1/embeddings", "POST", {"model": "small", "input": ["Vi", ""]}, wanted=400)
check("/v1/embeddings", "POST", {"model": "small", "input": "Vi", "encoding_format": "hex"}, wanted=400)
check("/v1/embeddings", "POST", {"model": "small", "input": "Vi", "dimensions": 3}, wanted=400)
check("/v1/embeddings", "POST", {"model": "pairs", "input": ["the cat", "a dog"]})
check("/v1/generate", "POST", {"model": "levels"}, wanted=400)
check("/v1/listen?model=speech&last=1", "POST", bytes(8000), kind="application/octet-stream")
check("/v1/listen?model=small", "POST", bytes(8), wanted=400, kind="application/octet-stream")
check("/v1/generate", "POST", {"model": "small", "options": {"seed": 3}})
for name, schema in spec["components"]["schemas"].items():
    for member in schema.get("properties", {}):
        if (name, member) not in seen:
            failures.append("no reply had %s of %s" % (member, name))
print("\n".join(failures))
sys.exit(bool(failures))
