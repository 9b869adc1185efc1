"""formulas.py - for formulas.sh: films of windows that slide over pictures of formulas, and how near LaTeX is to LaTeX.

formulas.py tables FORMULAS FOLDER     writes train.tsv, valid.tsv and test.tsv into FOLDER, and the films that they name
formulas.py score TABLE FILE           FILE has a line for each row of TABLE: how many are right, and the errors in symbols
"""
import sys

ROWS, COLUMNS, WINDOW, STEP, LEAST = 48, 160, 16, 4, 24  # LEAST: frames, so that ctc has one for each symbol


def film(pixels, used):
    lines = [bytes(WINDOW // 2) + pixels[r * COLUMNS:(r + 1) * COLUMNS] + bytes(4 * WINDOW) for r in range(ROWS)]
    starts = range(0, max(used, STEP * LEAST), STEP)
    return b"".join(line[k:k + WINDOW] for k in starts for line in lines), len(starts)


def tables(source, folder):
    for part in ("train", "test2014"):
        packed = open("%s/%s.u4" % (source, part), "rb").read()
        lines = open("%s/%s.tsv" % (source, part), encoding="utf-8").read().splitlines()[1:]
        half, first, rows = ROWS * COLUMNS // 2, 0, []
        assert len(lines) * half == len(packed), part
        with open("%s/%s.u8" % (folder, part), "wb") as out:
            for i, line in enumerate(lines):
                _, used, latex = line.split("\t")
                pixels = bytes(17 * (b >> s & 15) for b in packed[i * half:(i + 1) * half] for s in (0, 4))
                frames, n = film(pixels, int(used))
                out.write(frames)
                rows.append("%s.u8#%d-%d\t%s\t%s\n" % (part, first, first + n - 1, latex, latex))
                first += n
        sets = {"train": [r for i, r in enumerate(rows) if i % 10], "valid": rows[::10]} if part == "train" else {"test": rows}
        for name in sets:
            with open("%s/%s.tsv" % (folder, name), "w", encoding="utf-8") as out:
                out.write("slice\tlatex\taligned\n" + "".join(sets[name]))


def distance(a, b):
    row = list(range(len(b) + 1))
    for i, x in enumerate(a):
        before, row[0] = row[0], i + 1
        for j, y in enumerate(b):
            before, row[j + 1] = row[j + 1], min(before + (x != y), row[j] + 1, row[j + 1] + 1)
    return row[-1]


def score(table, file):
    wanted = [line.split("\t")[1].split() for line in open(table, encoding="utf-8").read().splitlines()[1:]]
    said = [line.split() for line in open(file, encoding="utf-8").read().splitlines()]
    assert len(said) == len(wanted), "%d lines for %d rows" % (len(said), len(wanted))
    errors = [distance(a, b) for a, b in zip(wanted, said)]
    n = len(wanted)
    print("  beam 5: %.1f %% of %d right, %.1f %% with at most one error, %.1f %% errors in %d symbols"
          % (100 * errors.count(0) / n, n, 100 * sum(e < 2 for e in errors) / n, 100 * sum(errors) / sum(map(len, wanted)),
             sum(map(len, wanted))))


{"tables": tables, "score": score}[sys.argv[1]](*sys.argv[2:])
