"""load.py - BASE SECONDS: eight clients, each with a list of requests that it repeats. The same request has the same answer each time."""
import http.client
import json
import socket
import sys
import threading
import time
import urllib.parse

base, seconds = urllib.parse.urlsplit(sys.argv[1]), float(sys.argv[2])
failures, answers, counts = [], {}, [0] * 8
lock = threading.Lock()


def text(**more):
    return "/v1/completions", dict({"model": "small", "prompt": "Vi", "max_tokens": 30}, **more)


REQUESTS = [
    text(seed=1, n=3), text(seed=2, stream=True), text(seed=3, logprobs=2), text(seed=4, stop="a", n=8), text(seed=5, prompt=["", "Vila"]),
    ("/v1/predict", {"model": "small", "rows": [{"token": "Vila"}, {"token": "Mont"}], "top": 3}),
    ("/v1/trace", {"model": "small", "rows": [{"token": "Vila"}], "of": ["h", "h.f", "token"]}),
    ("/v1/embeddings", {"model": "small", "input": ["Vila", "Mont"]}),
    ("/v1/generate", {"model": "hand", "options": {"length": 20, "seed": 3}}),
    ("/v1/models/small", None), ("/metrics", None), ("/m/small", None), ("/v1/completions", {"model": "small", "n": 0}),
]


def ask(connection, path, body):
    if body is None:
        connection.request("GET", path)
    else:
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
    reply = connection.getresponse()
    return reply.status, reply.read()


def same(path, body, status, data):
    """Without what is new each time."""
    if path == "/metrics":
        return True
    if path == "/v1/completions" and status == 200:
        parts = [json.loads(x[6:]) for x in data.decode().split("\n\n") if x.startswith("data: {")] or [json.loads(data)]
        data = json.dumps([p["choices"] for p in parts])
        if body.get("stream"):  # pieces may be cut elsewhere
            data = "".join(c["text"] for p in parts for c in p["choices"])
    with lock:
        return answers.setdefault((path, json.dumps(body)), (status, data)) == (status, data)


def client(number, until):
    connection = http.client.HTTPConnection(base.hostname, base.port, timeout=100)
    try:
        while time.time() < until:
            path, body = REQUESTS[(number * 5 + counts[number]) % len(REQUESTS)]
            status, data = ask(connection, path, body)
            counts[number] += 1
            if status not in (200, 400) or not same(path, body, status, data):
                failures.append("%s %s: status %d, another answer than before: %r" % (path, body, status, data[:200]))
            if counts[number] % 4 == number % 4:  # one that goes away in the middle
                rude = socket.create_connection((base.hostname, base.port), timeout=100)
                body = json.dumps(text(seed=9, stream=True, n=4, max_tokens=5000)[1])
                rude.sendall(("POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)).encode())
                rude.recv(100)
                rude.close()
    except Exception as e:  # noqa: BLE001: whatever it is, it is a failure
        failures.append("client %d: %r" % (number, e))


until = time.time() + seconds
threads = [threading.Thread(target=client, args=(i, until)) for i in range(8)]
for t in threads:
    t.start()
for t in threads:
    t.join()
print("%d requests of 8 clients" % sum(counts))
print("\n".join(failures))
sys.exit(bool(failures) or not all(counts))
