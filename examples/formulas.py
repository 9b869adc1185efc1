"""formulas.py FORMULAS FOLDER - for formulas.sh: the pictures as bytes, one after the other, and tables of them.

FORMULAS has {train,test2014}.u4, 48 rows of 160 pixels of 4 bits a picture, and tables of the same names with the LaTeX of each. Of the
training pictures every tenth is set aside as valid.
"""
import sys

HALF = 48 * 160 // 2


def main(source, folder):
    for part in ("train", "test2014"):
        packed = open("%s/%s.u4" % (source, part), "rb").read()
        wide = bytes(17 * (b >> s & 15) for b in packed for s in (0, 4))
        open("%s/%s.u8" % (folder, part), "wb").write(wide)
        lines = open("%s/%s.tsv" % (source, part), encoding="utf-8").read().splitlines()[1:]
        assert len(lines) * HALF == len(packed), part
        rows = ["%s.u8#%d\t%s" % (part, i, line.split("\t")[2]) for i, line in enumerate(lines)]
        sets = {"train": [r for i, r in enumerate(rows) if i % 10], "valid": rows[::10]} if part == "train" else {"test": rows}
        for name in sets:
            with open("%s/%s.tsv" % (folder, name), "w", encoding="utf-8") as out:
                out.write("picture\tlatex\n" + "".join(r + "\n" for r in sets[name]))


main(*sys.argv[1:])
