#!/usr/bin/env python3
"""Unroll beside PyTorch and onnxruntime, the same cases in one run, in turns; medians and ratios go to a page. See ../README.md."""
import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import time


def case(name, kind, hidden, batch, steps, layers=1, embedding=64, symbols=65, cell="lstm", net="language"):
    return dict(name=name, kind=kind, hidden=hidden, batch=batch, steps=steps, layers=layers, embedding=embedding, symbols=symbols,
                cell=cell, net=net)


CASES = [
    case("LSTM 256, batch 32, 64 steps", "train", 256, 32, 64),
    case("LSTM 2 x 128, batch 50, 50 steps", "train", 128, 50, 50, layers=2),
    case("LSTM 64, batch 16, 100 steps", "train", 64, 16, 100),
    case("LSTM 512, batch 64, 64 steps", "train", 512, 64, 64),
    case("words 2 x 200, batch 20, 20 steps", "train", 200, 20, 20, layers=2, embedding=200, symbols=10000, net="words"),
    case("words 2 x 650, batch 20, 35 steps", "train", 650, 20, 35, layers=2, embedding=650, symbols=10000, net="words"),
    case("peephole LSTM 256, batch 32, 64 steps", "custom", 256, 32, 64, cell="lstm_peephole"),
    case("layer-norm LSTM 256, batch 32, 64 steps", "custom", 256, 32, 64, cell="lstm_layernorm"),
    case("forward LSTM 512, batch 64, 64 steps", "forward", 512, 64, 64),
    case("forward LSTM 512, batch 1, 100 steps", "forward", 512, 1, 100),
    case("one step of LSTM 16, batch 1", "session", 16, 1, 1, embedding=16, symbols=64),
    case("one step of LSTM 64, batch 1", "session", 64, 1, 1, embedding=64, symbols=64),
    case("one step of LSTM 512, batch 1", "session", 512, 1, 1, symbols=64),
]


def median_time(step, seconds, least=3):
    """Seconds of one step: the median of turns that take a millisecond or more."""
    step()
    start = time.perf_counter()
    step()
    calls = max(1, int(1e-3 / max(time.perf_counter() - start, 1e-7)))
    times, begin = [], time.perf_counter()
    while len(times) < least or time.perf_counter() - begin < seconds:
        start = time.perf_counter()
        for _ in range(calls):
            step()
        times.append((time.perf_counter() - start) / calls)
    return statistics.median(times)


class Unroll:
    def __init__(self, program):
        self.program = program
        self.sessions = {}

    def run(self, *arguments):
        out = subprocess.run([self.program, "bench", "--json", "--quiet", *arguments], check=True, stdout=subprocess.PIPE)
        return json.loads(out.stdout)

    def measure(self, c, threads, seconds, precision=None):
        if c["kind"] == "session":
            return self.session(c, seconds, precision)
        arguments = [c["net"], "--seconds", str(seconds), "--threads", str(threads), "--batch", str(c["batch"]), "--unroll",
                     str(c["steps"]), "--cell", c["cell"], "--set", f"hidden={c['hidden']}", "--set",
                     f"embedding={c['embedding']}", "--set", f"layers={c['layers']}"]
        if c["kind"] == "forward":
            arguments.append("--forward")
        if precision:
            arguments += ["--precision", precision]
        return self.run(*arguments)["seconds_per_step"]

    def session(self, c, seconds, precision):
        found = self.run("--sessions", "--seconds", str(seconds), "--threads", "1", "--precision", precision or "fp32")
        for s in found["cases"]:
            if s["name"] == f"session {c['hidden']}":
                return s["seconds_with_log_p"]
        raise KeyError(c["name"])


def contenders(c, unroll, seconds, threads):
    """(name, threads, function that measures once) of a case. What a peer cannot do is left out."""
    import torch
    import onnx_peer
    import torch_peer

    def ours(n, precision=None):
        return lambda: unroll.measure(c, n, seconds, precision)

    def theirs(n, make):
        made = []

        def measure():
            torch.set_num_threads(n)
            if not made:
                made.append(make())
            return median_time(made[0], seconds)

        return measure

    counts = [1] if c["kind"] == "session" else sorted({1, threads})
    for n in counts:
        yield "Unroll", n, ours(n)
        if c["kind"] == "train":
            yield "Unroll bf16", n, ours(n, "bf16")
            yield "PyTorch", n, theirs(n, lambda: torch_peer.trainer(c))
            yield "PyTorch bf16", n, theirs(n, lambda: torch_peer.trainer(c, bf16=True))
        elif c["kind"] == "custom":
            for how in ("eager", "script", "compile"):
                if how != "compile" or n == counts[-1]:
                    yield f"PyTorch {how}", n, theirs(n, lambda how=how: torch_peer.trainer(c, how))
        else:
            yield "Unroll bf16", n, ours(n, "bf16")
            yield "Unroll int8", n, ours(n, "int8")
            yield "PyTorch", n, theirs(n, lambda: torch_peer.forward(c))
            yield "PyTorch bf16", n, theirs(n, lambda: torch_peer.forward(c, True))
            yield "onnxruntime", n, theirs(n, lambda n=n: onnx_peer.forward(c, n))
    if c["name"].startswith("LSTM 256"):
        yield "PyTorch compile", counts[-1], theirs(counts[-1], lambda: torch_peer.trainer(c, "compile"))


def measure_case(c, unroll, o):
    """{(name, threads): [seconds of each round]}; all contenders take turns in each round."""
    entries, results = list(contenders(c, unroll, o.seconds, o.threads)), {}
    for number in range(o.rounds):
        for name, n, measure in entries:
            if (name, n) in results and not results[name, n]:
                continue
            try:
                results.setdefault((name, n), []).append(measure())
            except Exception as error:  # a peer that cannot do a case is reported, not hidden
                print(f"{c['name']}: {name}, {n} threads: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}",
                      file=sys.stderr)
                results[name, n] = []
        print(f"{c['name']}: round {number + 1} of {o.rounds}", file=sys.stderr)
    return results


def time_text(seconds):
    return f"{seconds * 1e3:.3g} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.3g} µs"


def ratio_of(results, name, n):
    """Their time over ours with as many threads, round by round: the median, the least and the most."""
    ours, theirs = results.get(("Unroll", n), []), results[name, n]
    ratios = [b / a for a, b in zip(ours, theirs)]
    return (statistics.median(ratios), min(ratios), max(ratios)) if ratios else None


def page(found, machine, o):
    import onnxruntime
    import torch

    lines = ["# Beside peers", "",
             f"Made by `bench/peers/compare.py` on {datetime.date.today().isoformat()}: {machine['processor']} ({machine['isa']}), "
             f"{os.cpu_count()} processors, {platform.system()}; PyTorch {torch.__version__}, onnxruntime "
             f"{onnxruntime.__version__}, Python {platform.python_version()}.", "",
             f"Medians of {o.rounds} rounds in which all contenders take turns, {o.seconds:g} s each. Time is that of a training "
             "step (forward, backward, clipping, Adam), a forward pass, or one step that hands on its state. The ratio is theirs to "
             "Unroll's in single precision with as many threads, round by round, with the least and the most.", "",
             "The load of the machine before and after the run, of all its programs: "
             f"{machine['load'][0]:.1f} and {machine['load'][1]:.1f}.", "",
             "| case | | threads | time | against Unroll |", "|---|---|---:|---:|---:|"]
    for c, results in found:
        for (name, n), times in results.items():
            ratio = ratio_of(results, name, n)
            text = "" if name == "Unroll" or not ratio else f"{ratio[0]:.2f} ({ratio[1]:.2f} to {ratio[2]:.2f})"
            time_of = time_text(statistics.median(times)) if times else "not possible"
            lines.append(f"| {c['name']} | {name} | {n} | {time_of} | {text} |")
    return "\n".join(lines) + "\n"


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("unroll", help="the program to measure")
    p.add_argument("-o", "--output", help="the page to write; standard output if not given")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--seconds", type=float, default=0.4, help="of each measurement")
    p.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1), help="measured besides 1")
    p.add_argument("--only", help="cases whose name contains this")
    o = p.parse_args()
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    unroll = Unroll(o.unroll)
    load = os.getloadavg()[0]
    machine = unroll.run("--shape", "4,16,4", "--seconds", "0.2")["machine"]
    found = [(c, measure_case(c, unroll, o)) for c in CASES if not o.only or o.only in c["name"]]
    machine["load"] = (load, os.getloadavg()[0])
    text = page(found, machine, o)
    if o.output:
        with open(o.output, "w", encoding="utf-8") as f:
            f.write(text)
    else:
        print(text, end="")


if __name__ == "__main__":
    main()
