"""What data may be: the same rows in every form come to the same bits."""

import numpy as np
import pytest

import unroll
from conftest import FILMS, SUM, sentences


def weights(net, data, **options):
    model = unroll.train(net, data, steps=3, valid=0, threads=1, **options)
    return {k: v.copy() for k, v in model.weights.items()}


def same(a, b):
    return a.keys() == b.keys() and all(np.array_equal(a[k], b[k]) for k in a)


def test_texts_in_every_form(tmp_path):
    file = tmp_path / "films.csv"
    file.write_text("text,label\n" + "".join(f"{t},{c}\n" for t, c in zip(FILMS["text"], FILMS["label"])))
    wanted = weights("bag", FILMS)
    assert same(wanted, weights("bag", {k: np.array(v) for k, v in FILMS.items()}))
    assert same(wanted, weights("bag", {k: np.array(v, object) for k, v in FILMS.items()}))
    assert same(wanted, weights("bag", {"text": [t.split() for t in FILMS["text"]], "label": FILMS["label"]}))
    assert same(wanted, weights("bag", file)) and same(wanted, weights("bag", str(file))) and same(wanted, weights("bag", [file]))


def test_numbers_in_every_form():
    x, y = np.arange(24, dtype=np.float32).reshape(8, 3) / 24, np.arange(8) / 8
    wanted = weights(SUM, {"x": x[:, :, None], "y": y})
    assert same(wanted, weights(SUM, {"x": list(x), "y": y.tolist()}))
    assert same(wanted, weights(SUM, {"x": x.tolist(), "y": list(y)}))
    assert same(wanted, weights(SUM, {"x": list(x[:, :, None]), "y": y.astype(np.float32)}))


def test_vectors():
    net, y = SUM.replace("numbers", "numbers(3)"), [1, 2, 3]
    assert same(weights(net, {"x": np.eye(3), "y": y}), weights(net, {"x": np.eye(3)[:, None], "y": y}))
    rows = {"id": ["a", "a", "b"], "x": np.eye(3), "y": [1, 1, 2]}
    steps = {"x": [np.eye(3)[:2], np.eye(3)[2:]], "y": [1, 2]}
    assert same(weights(net, rows, series="id"), weights(net, steps))


def test_frames():
    pandas = pytest.importorskip("pandas")
    assert same(weights("bag", FILMS), weights("bag", pandas.DataFrame(FILMS)))
    assert same(weights("bag", FILMS), weights("bag", pandas.DataFrame(FILMS).astype({"label": "category"})))
    days = pandas.date_range("2024-01-01", periods=60)
    y = np.arange(60.0)
    options = dict(time="day", horizon=3, context=6, set={"hidden": 4, "layers": 1})
    a = weights("forecast", {"day": [str(d)[:10] for d in days], "y": y}, **options)
    assert same(a, weights("forecast", pandas.DataFrame({"day": days, "y": y}), **options))
    assert same(a, weights("forecast", {"day": days.to_numpy(), "y": y}, **options))


def test_tagged(tagger):
    data = sentences()
    rows = tagger.predict({"text": [t.split() for t in data["text"]], "x": list(data["x"])})
    assert rows["tag"] == tagger.predict(data)["tag"]


def test_hours(tmp_path):
    hours = np.datetime64("2024-01-01T00:00") + np.arange(60) * np.timedelta64(1, "h")
    model = unroll.train("forecast", {"at": hours, "y": np.arange(60.0)}, time="at", horizon=3, context=6, steps=1,
                         set={"hidden": 4, "layers": 1})
    times = model.forecast({"at": hours, "y": np.arange(60.0)}, samples=2)[0].times
    assert times[0].startswith("2024-01-03") and "12:00" in times[0]


@pytest.mark.parametrize("data, message", [
    ({"text": ["a"], "label": ["b", "c"]}, "rows"),
    ({"text": ["a\0b"], "label": ["b"]}, "NUL"),
    ({"text": ["a", "b"], "label": np.zeros((2, 2, 2, 2))}, "4 dimensions"),
    ({"text": [[1.0], [[1.0, 2.0]]], "label": ["a", "b"]}, "one width"),
    ({"text": ["a"], "label": [float("inf")]}, "not finite"),
    ({}, "empty"),
])
def test_bad_data(data, message):
    with pytest.raises(unroll.UsageError, match=message):
        unroll.train("bag", data, steps=1, valid=0)
