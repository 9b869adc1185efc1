"""Small models that the tests share. UNROLL_PROGRAM is the program to compare with; tests that need it are skipped without it."""

import json
import os
import signal
import subprocess

import numpy as np
import pytest

import unroll

# A shell that starts a job in the background has it ignore interrupts, and Python then keeps it so.
signal.signal(signal.SIGINT, signal.default_int_handler)

NAMES = ["Ripoll", "Vic", "Olot", "Besalú", "Girona", "Figueres", "Roses", "Berga"] * 6
FILMS = {"text": ["a good film", "a bad film", "good and good", "bad and bad"] * 10, "label": ["good", "bad"] * 20}
TAGGER = """data text : words
data tag : category
data x : numbers(2)
h = lstm([embed(text, 6), x], 8)
tag ~ softmax(W h + b)
"""
SUM = "data x : numbers\ndata y : number\nh = rnn(x, 8)\ny ~ gaussian(mean = W last(h) + b, scale = 0.1)\n"


def sentences():
    n = 24
    return {
        "text": ["the cat sat", "a dog ran", "the dog sat", "a cat ran"] * (n // 4),
        "tag": ["D N V"] * n,
        "x": np.array([[[(i + k) % 5 / 4, (i + k + 1) % 5 / 4] for k in range(3)] for i in range(n)], np.float32),
    }


@pytest.fixture(scope="session")
def names():
    return unroll.train("names", NAMES, set={"hidden": 16}, steps=60, lr=0.02, valid=0, threads=1)


@pytest.fixture(scope="session")
def films():
    return unroll.train("bag", FILMS, set={"embedding": 8}, steps=60, lr=0.05, valid=0, threads=1)


@pytest.fixture(scope="session")
def tagger():
    return unroll.train(TAGGER, sentences(), steps=60, lr=0.02, batch=8, valid=0, threads=1)


@pytest.fixture(scope="session")
def sums():
    x = [np.arange(1 + i % 4) / 4 for i in range(40)]
    return unroll.train(SUM, {"x": x, "y": [float(v.sum()) for v in x]}, steps=200, lr=0.02, batch=8, valid=0, threads=1)


@pytest.fixture(scope="session")
def program():
    path = os.environ.get("UNROLL_PROGRAM")
    if not path:
        pytest.skip("UNROLL_PROGRAM is not set")

    def run(*arguments):
        done = subprocess.run([path, *map(str, arguments)], check=True, capture_output=True)
        return json.loads(done.stdout) if "--json" in arguments else done.stdout.decode()

    return run
