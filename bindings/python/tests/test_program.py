"""The numbers are those of the program."""

import numpy as np
import pytest

import unroll
from conftest import FILMS, NAMES


@pytest.fixture(scope="module")
def both(program, tmp_path_factory):
    """A model of names by the program and by Python, and the folder."""
    folder = tmp_path_factory.mktemp("both")
    (folder / "names.txt").write_text("".join(n + "\n" for n in NAMES))
    program("train", "names", folder / "names.txt", "-o", folder / "program", "--set", "hidden=12", "--steps", 20, "--quiet")
    model = unroll.train("names", folder / "names.txt", output=folder / "python", set={"hidden": 12}, steps=20)
    return model, folder


def test_training(both):
    model, folder = both
    a, b = unroll.load(folder / "program").weights, model.weights
    assert a.keys() == b.keys() and all(np.array_equal(a[k], b[k]) for k in a)


def test_sample(both, program):
    model, folder = both
    said = program("sample", folder / "program", "-n", 5, "--seed", 4)
    assert said.splitlines() == model.sample(5, seed=4)


def test_score_and_eval(both, program):
    model, folder = both
    said = program("score", folder / "program", folder / "names.txt", "--json")
    rows = model.score(folder / "names.txt")
    assert said["bits_per_symbol"] == pytest.approx(rows.figures["bits_per_symbol"], rel=1e-11)
    lines = program("score", folder / "program", folder / "names.txt").splitlines()
    assert float(lines[0].split("\t")[0]) == pytest.approx(rows.log2_p[0], abs=0.01)
    figures = program("eval", folder / "program", folder / "names.txt", "--json")
    compare(figures, model.evaluate(folder / "names.txt"))


def compare(said, figures):
    assert said.keys() == figures.keys()
    for k, v in said.items():
        if isinstance(v, dict):
            compare(v, figures[k])
        else:
            assert (figures[k] != figures[k] and v is None) or figures[k] == pytest.approx(v, rel=1e-11), k


def plain(x):
    """Lists of parts by their labels, as Figures has them."""
    if isinstance(x, list):
        return {next(iter(e.values())): plain({k: v for k, v in list(e.items())[1:]}) for e in x}
    return {k: plain(v) for k, v in x.items()} if isinstance(x, dict) else x


def test_labels(films, program, tmp_path):
    file = tmp_path / "films.csv"
    file.write_text("text,label\n" + "".join(f"{t},{c}\n" for t, c in zip(FILMS["text"], FILMS["label"])))
    films = unroll.train("bag", file, output=tmp_path / "m", set={"embedding": 8}, steps=20, valid=0)
    said = program("predict", tmp_path / "m", file, "--json")["predictions"]
    rows = films.predict(file)
    assert [x["label"]["value"] for x in said] == rows["label"]
    assert [x["label"]["probability"][0] for x in said] == pytest.approx([float(r["label"].p[0]) for r in rows], rel=1e-11)
    compare(plain(program("eval", tmp_path / "m", file, "--json")), films.evaluate(file))


def test_explain(program):
    assert program("explain", "gru", "--set", "hidden=9") == str(unroll.explain("gru", set={"hidden": 9}))
