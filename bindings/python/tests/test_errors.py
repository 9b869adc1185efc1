"""Failures are exceptions with the place; what was noticed is a warning; Ctrl-C ends a call; threads share a model."""

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import warnings

import numpy as np
import pytest

import unroll
from conftest import FILMS, NAMES


def test_place_in_a_net():
    with pytest.raises(unroll.BadInput) as e:
        unroll.train("data x : chars\nh = lstm(embed(x[t-1], 4), 8)\nx ~ softmax(W hh + b)\n", NAMES)
    assert (e.value.line, e.value.column) == (3, 15) and e.value.source == "x ~ softmax(W hh + b)" and e.value.status == 3
    assert str(e.value).endswith("\n  x ~ softmax(W hh + b)\n                ^") and e.value.file.endswith("given.net")
    assert str(pickle.loads(pickle.dumps(e.value))) == str(e.value)


def test_place_in_data(tmp_path):
    file = tmp_path / "bad.csv"
    file.write_text("text,label\na,b\na\n")
    with pytest.raises(unroll.BadInput) as e:
        unroll.train("bag", file)
    assert e.value.file == str(file) and e.value.line == 3


def test_names_that_are_wrong(films):
    with pytest.raises(unroll.UsageError, match="did you mean 'epochs'"):
        unroll.train("names", NAMES, epoch=3)
    with pytest.raises(unroll.Error, match="did you mean 'lstm'"):
        unroll.explain("lsm")
    with pytest.raises(unroll.UsageError):
        films.trace(FILMS, "nothing")
    with pytest.raises(unroll.BadInput):
        unroll.load("/nowhere/model.safetensors")
    with pytest.raises(unroll.BadInput):
        unroll.load(b"no model")
    with pytest.raises(KeyError):
        films.predict(["good"])["nothing"]
    with pytest.raises(IndexError):
        films.predict(["good"])[1]
    with pytest.raises(ValueError):  # a UsageError is one
        unroll.train("names", NAMES, lr=-1)


def test_left_out_rows_are_warnings(films, tmp_path):
    file = tmp_path / "some.csv"
    file.write_text("text,label\na good film,good\nonly\nbad,bad\n")
    with pytest.warns(unroll.UnrollWarning, match="some.csv:3"):
        figures = films.evaluate(file, skip_bad=True)
    assert figures["bad_rows"] == 1
    with pytest.warns(unroll.UnrollWarning):
        unroll.train("bag", file, skip_bad=True, steps=1, valid=0)


def test_exceptions_in_progress_come_through():
    def fail(p):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        unroll.train("names", NAMES, set={"hidden": 8}, steps=100, valid=0, progress=fail)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        unroll.train("names", NAMES, set={"hidden": 8}, steps=1, valid=0)


INTERRUPTED = """
import sys, threading, os, signal, unroll
threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
try:
    unroll.train("names", ["Ripoll", "Vic", "Olot"] * 50, steps=10000000, valid=0, threads=1, output=sys.argv[1])
except KeyboardInterrupt:
    print("stopped", os.path.exists(sys.argv[1] + "/checkpoint.safetensors"))
"""


def test_interrupt(tmp_path):
    done = subprocess.run([sys.executable, "-c", INTERRUPTED, str(tmp_path / "m")], capture_output=True, text=True, timeout=60)
    assert done.stdout == "stopped True\n", done.stderr


def test_interrupt_of_a_prediction(names):
    before = signal.getsignal(signal.SIGINT)
    threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        names.sample(100000000, seed=1, threads=1, not_in=os.devnull)
    assert time.monotonic() - start < 30 and signal.getsignal(signal.SIGINT) is before


def test_python_goes_on_meanwhile():
    turns, done = 0, threading.Event()

    def work():
        unroll.train("names", NAMES, set={"hidden": 32}, steps=300, valid=0, threads=1)
        done.set()

    t = threading.Thread(target=work)
    t.start()
    while not done.is_set():
        turns += 1
        time.sleep(0.001)
    t.join()
    assert turns > 5


def test_threads_share_a_model(films):
    wanted = films.probabilities(FILMS, threads=1)
    got, threads = [], []
    for _ in range(4):
        threads.append(threading.Thread(target=lambda: got.append(films.probabilities(FILMS, threads=1))))
        threads[-1].start()
    for t in threads:
        t.join()
    assert len(got) == 4 and all(np.array_equal(x, wanted) for x in got)
