"""Writes tests/train/words.bin, a file of fastText with words and parts of words, and words.vec, what its own program says of some words.
Started by hand. Made with fasttext-wheel 0.9.2 and numpy 2.4.6. The numbers are drawn here: so small a text teaches it nothing."""
import struct
import sys
import fasttext
import numpy as np

folder = sys.argv[1] if len(sys.argv) > 1 else "tests/train"
with open("words.txt", "w") as f:
    f.write("red cat\nblue dog\nred dog\nblue cat\nthe red cow\n" * 20)
m = fasttext.train_unsupervised("words.txt", dim=4, minCount=1, bucket=40, minn=2, maxn=4, epoch=5, thread=1, ws=2)
path = f"{folder}/words.bin"
m.save_model(path)
data = bytearray(open(path, "rb").read())
rows = len(m.words) + 40
at = data.index(struct.pack("<qq", rows, 4)) + 16
data[at:at + rows * 16] = np.random.default_rng(3).standard_normal(rows * 4).astype("<f4").tobytes()
open(path, "wb").write(data)
m = fasttext.load_model(path)
with open(f"{folder}/words.vec", "w") as f:
    for w in ["red", "cat", "blue", "dog", "cows"]:
        f.write(w + " " + " ".join(f"{x:.9g}" for x in m.get_word_vector(w)) + "\n")
