"""Each method of a model, on small made data."""

import datetime
import gc
import math
import pickle

import numpy as np
import pytest

import unroll
from conftest import FILMS, NAMES, SUM, TAGGER, sentences


def test_names_of_what_is_built_in():
    assert "lstm" in unroll.cells() and "language" in unroll.nets()
    assert unroll.__version__ == "0.1.0" and "png" in unroll.parts


def test_a_text_model(names):
    assert names.sample(3, seed=1) == names.sample(3, seed=1) != names.sample(3, seed=2)
    assert all(s.startswith("Ol") for s in names.sample(4, prime="Ol", seed=1))
    assert names.sample(2, temperature=0, seed=1) == names.sample(2, temperature=0, seed=2)
    rows = names.score(["Besalú", "úlaseB"])
    assert rows.log2_p.shape == (2,) and rows.log2_p[0] > rows.log2_p[1]
    assert rows[0]["token"].log2_p.sum() == pytest.approx(rows[0].log2_p, rel=1e-12)
    assert rows.figures["sequences"] == 2
    assert names.equations.startswith("# Names") and names.figures["steps"] == 60
    assert names.variables[0].kind == "chars" and names.variables[0].predicted
    assert "\\begin" in names.typeset() and "<math" in names.typeset("mathml") and "digraph" in names.typeset("dot")
    with pytest.raises(unroll.UsageError):
        names.typeset("word")


def test_the_next_symbol(names):
    value = names.predict(["Besal"])[0]["token"]
    assert value.text == "ú" and value.p.shape == (1,)


def test_drawn_rows(names):
    rows = names.generate(5, seed=3)
    assert len(rows) == 5 and [r["token"].text for r in rows] == names.sample(5, seed=3)
    for row in rows:
        if row.ended:
            assert names.score([row["token"].text]).log2_p[0] == pytest.approx(row.log2_p, rel=1e-5)


def test_labels(films):
    rows = films.predict(["a good film", "bad"])
    assert rows["label"] == ["good", "bad"]
    p = films.probabilities({"text": ["a good film", "bad", "and"]})
    assert p.shape == (3, 2) and np.allclose(p.sum(1), 1) and p[0, films.labels().index("good")] > 0.5
    value = films.predict(["a good film"], probabilities=True)[0]["label"]
    assert value.probabilities.shape == (1, 2) and value.p[0] == value.probabilities.max() and value.text == "good"
    top = films.predict(["a good film"], top=2)[0]["label"]
    assert [films.label("label", i) for i in top.top[0]] == ["good", "bad"] and top.top_p[0, 0] == value.p[0]
    figures = films.evaluate(FILMS, confusion=True)
    assert figures["variables"]["label"]["accuracy"] == 1
    assert figures["variables"]["label"]["labels"]["good"]["f1"] == 1
    labels, counts = figures.confusions["label"]
    assert sorted(labels) == ["bad", "good"] and counts.trace() == 40 and counts.sum() == 40


def test_labels_at_each_step(tagger):
    rows = tagger.predict({k: v for k, v in sentences().items() if k != "tag"})
    assert rows["tag"][0] == ["D", "N", "V"]
    assert tagger.probabilities(sentences()).shape == (24, 3, 3)


def test_numbers(sums):
    y = sums.predict({"x": [[0.5], [0.25, 0.75]]})["y"]
    assert y.shape == (2,) and y.dtype == np.float64
    rows = sums.predict({"x": [[0.5]]}, quantiles=[0.1, 0.5, 0.9])
    q = rows[0]["y"]
    assert q.quantiles.shape == (1, 3, 1) and q.levels.tolist() == [0.1, 0.5, 0.9] and np.all(np.diff(q.quantiles[0, :, 0]) > 0)


def test_one_given_variable_alone(sums):
    x = np.zeros((3, 2, 1), np.float32)
    assert np.array_equal(sums.predict(x)["y"], sums.predict({"x": x})["y"])


def test_weights_are_the_models_own_memory():
    model = unroll.train(TAGGER, sentences(), steps=1, valid=0)
    w = model.weights
    assert w["h.Wi"].shape == (8, 8) and w["b"].shape == (3,) and w["h.Wi"].dtype == np.float32
    again = model.weights["h.Wi"]
    assert again.ctypes.data == w["h.Wi"].ctypes.data
    with pytest.raises(ValueError):
        again[0, 0] = 1
    with pytest.raises(ValueError):
        again.flags.writeable = True
    assert sum(x.size for x in w.values()) == model.n_weights
    before = again.copy()
    del model, w
    gc.collect()
    assert np.array_equal(again, before)


def test_results_outlive_their_model():
    rows = unroll.train(TAGGER, sentences(), steps=1, valid=0).predict(sentences(), probabilities=True)
    p = rows[3]["tag"].probabilities
    before = p.copy()
    del rows
    gc.collect()
    assert np.array_equal(p, before)


def test_trace(tagger):
    assert {"h", "h.i", "h.c"} <= set(tagger.values)
    traced = tagger.trace(sentences(), ["h", "h.i"])
    assert len(traced["h"]) == 24 and traced["h"][0].shape == (3, 8)
    assert np.all((traced["h.i"][5] > 0) & (traced["h.i"][5] < 1))
    assert set(tagger.trace(sentences())) == set(tagger.values)


def test_flow(names):
    flow = names.flow(NAMES, lags=3)
    assert flow.norms["h"].shape == (4,) and flow.figures["matrices"]["h.Ui"]["largest"] > 0
    assert names.flow(lags=2).norms["h.c"].shape == (3,)


def test_forecast():
    days = np.datetime64("2024-01-01") + np.arange(120)
    y = 10 + np.sin(np.arange(120) * 2 * math.pi / 7)
    options = dict(set={"hidden": 4, "layers": 1}, steps=5, threads=1, horizon=7, context=14)
    model = unroll.train("forecast", {"day": days, "y": y}, time="day", **options)
    assert model.series.time == "day" and model.series.horizon == 7
    rows = model.forecast({"day": days, "y": y}, quantiles=[0.1, 0.9], samples=20)
    assert len(rows) == 1 and rows[0].times[0] == "2024-04-30" and len(rows[0].times) == 7
    assert rows[0]["y"].quantiles.shape == (7, 2, 1) and rows[0]["y"].numbers.shape == (7, 1)
    assert len(model.forecast({"day": days, "y": y}, horizon=3, samples=5)[0].times) == 3
    python = [datetime.date(2024, 1, 1) + datetime.timedelta(i) for i in range(120)]
    same = model.forecast({"day": python, "y": y.tolist()}, quantiles=[0.1, 0.9], samples=20)
    assert np.array_equal(same[0]["y"].quantiles, rows[0]["y"].quantiles)


def test_no_forecast_without_dates(films):
    with pytest.raises(unroll.UsageError, match="dates"):
        films.forecast({"text": ["x"]})


def test_load(names, tmp_path):
    model = unroll.train("names", NAMES, set={"hidden": 8}, steps=3, valid=0, output=tmp_path / "m")
    for path in [tmp_path / "m", tmp_path / "m" / "model.safetensors", str(tmp_path / "m")]:
        assert unroll.load(path).score(["Vic"]).log2_p[0] == model.score(["Vic"]).log2_p[0]
    raw = (tmp_path / "m" / "model.safetensors").read_bytes()
    assert unroll.load(raw).sample(2, seed=5) == model.sample(2, seed=5)


def test_resume_is_the_same_run(tmp_path):
    options = dict(set={"hidden": 8}, valid=0, threads=1, lr=0.01)
    whole = unroll.train("names", NAMES, steps=6, output=tmp_path / "a", **options)
    unroll.train("names", NAMES, steps=3, output=tmp_path / "b", **options)
    model = unroll.train(None, NAMES, resume=tmp_path / "b", steps=6)
    assert np.array_equal(model.weights["h.Ui"], whole.weights["h.Ui"])


def test_untrained():
    model = unroll.untrained("names", NAMES, set={"hidden": 8})
    assert model.weights["h.Ui"].shape == (8, 8)


def test_progress_and_stop():
    seen = []
    unroll.train("names", NAMES, set={"hidden": 8}, steps=4, valid=0, progress=seen.append)
    assert [p.step for p in seen] == [1, 2, 3, 4] and seen[-1].steps == 4 and all(2 < p.loss < 4 for p in seen)
    with pytest.raises(unroll.Interrupted):
        unroll.train("names", NAMES, set={"hidden": 8}, steps=1000, valid=0, progress=lambda p: p.step == 3)


def test_bar(capsys):
    unroll.train("names", NAMES, set={"hidden": 8}, steps=4, valid=0, progress=True)
    assert "4/4" in capsys.readouterr().err
    unroll.train("names", NAMES, set={"hidden": 8}, steps=4, valid=0)
    assert capsys.readouterr().err == ""


def test_session_of_a_text(names):
    text, total = "Vic", 0.0
    s = names.session()
    for c in text:
        assert np.exp(s.log_p.astype(float)).sum() == pytest.approx(1, abs=1e-5)
        total += s.log_p[names.labels().index(c)]
        place = s.save()
        s.feed(c)
    total += s.log_p[names.labels().index("")]
    assert total / math.log(2) == pytest.approx(names.score([text]).log2_p[0], rel=1e-5)
    other = s.clone()
    assert np.array_equal(other.log_p, s.log_p)
    s.restore(place)
    s.feed("c")
    assert np.array_equal(other.log_p, s.log_p)
    s.reset()
    assert np.array_equal(s.log_p, names.session().log_p)
    with pytest.raises(unroll.UsageError):
        s.feed("Vi")


def test_session_of_a_table(tagger):
    data = sentences()
    p = tagger.probabilities(data)
    s = tagger.session(rows=2)
    for t, word in enumerate("the cat sat".split()):
        for row in range(2):
            s.set("text", word, row)
            s.set("x", data["x"][0, t], row)
        s.step()
        value = s.value("tag", row=1)
        assert np.allclose(value.probabilities[0], p[0, t], atol=1e-6)
        assert value.text == "DNV"[t]
    assert s.value("tag").symbols.shape == (1,)


def test_session_draws(names):
    s = names.session()
    drawn = s.draw(seed=7)
    assert drawn.symbols.shape == (1,) and s.argument(0).shape == (len(names.labels()),)


def test_explain_check_typeset():
    net = unroll.explain("lstm", set={"hidden": 12})
    assert net.parameters["Ui"] == (12, 12) and net.settings["hidden"] == 12 and "Ui" in str(net)
    assert "d.Ui" in net.gradient or "dUi" in net.gradient
    assert net.operations > 0 and net.bytes > 0
    assert unroll.explain(SUM).parameters["b"] == (1,)
    figures = unroll.check("gru", seed=2)
    assert figures["passed"] is True
    assert unroll.check(SUM)["passed"] is True
    assert "\\begin" in unroll.typeset("gru") and "<math" in unroll.typeset("gru", "mathml")


def test_precision(films):
    model = unroll.train("names", NAMES, set={"hidden": 8}, steps=3, valid=0)
    before = model.score(["Vic"]).log2_p[0]
    model.set_precision("bf16")
    assert model.score(["Vic"]).log2_p[0] == pytest.approx(before, rel=0.1)
    with pytest.raises(unroll.UsageError):
        model.set_precision("fp7")


def test_figures_can_be_pickled(films):
    assert pickle.loads(pickle.dumps(films.evaluate(FILMS))) == films.evaluate(FILMS)
