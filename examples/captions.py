"""captions.py - for captions.sh: tables from Flickr8k's files, and how near captions are to those that people wrote.

captions.py tables FLICKR FOLDER        writes the tables into FOLDER, whose features.safetensors is there
captions.py score FOLDER PART NAME=FILE ...  prints BLEU-1 to 4 and CIDEr-D of FILE, a caption a line, beside two baselines

BLEU is that of the whole part (Papineni et al. 2002). CIDEr-D (Vedantam et al. 2015) is without stemming: it weighs runs of 1 to 4
words by how few pictures' captions have them, so that it counts what is said of just this picture.
"""
import array, collections, json, math, os, re, struct, sys

PARTS = (("train", "Flickr_8k.trainImages.txt"), ("dev", "Flickr_8k.devImages.txt"), ("test", "Flickr_8k.testImages.txt"))


def captions_of(flickr):
    captions = collections.OrderedDict()
    for line in open(flickr + "/Flickr8k.token.txt", encoding="utf-8"):
        name, text = line.rstrip("\n").split("\t", 1)
        words = re.findall(r"[a-z0-9']+", text.lower())
        if words:
            captions.setdefault(name.split("#")[0], []).append(" ".join(words))
    return captions


def features(folder):
    data = open(folder + "/features.safetensors", "rb").read()
    size = struct.unpack("<Q", data[:8])[0]
    begin, end = json.loads(data[8:8 + size])["grid"]["data_offsets"]
    numbers = array.array("f", data[8 + size + begin:8 + size + end])
    each = 7 * 7 * 512
    return [numbers[i:i + each] for i in range(0, len(numbers), each)]


def write(path, header, rows):
    with open(path, "w", encoding="utf-8") as out:
        out.write("\t".join(header) + "\n")
        for row in rows:
            out.write("\t".join(row) + "\n")


def tables(flickr, folder):
    captions, names = captions_of(flickr), open(folder + "/names.txt").read().split()
    number = {name: i for i, name in enumerate(names)}
    header = ("grid", "word", "second", "third", "fourth", "fifth")
    seen = {}
    for part, file in PARTS:
        all_names = open(flickr + "/" + file).read().split()
        there = [n for n in all_names if n in number]
        cell = {n: "features.safetensors#%d" % number[n] for n in there}
        write("%s/%s.tsv" % (folder, part), header[:2], [(cell[n], c) for n in there for c in captions[n]])
        write("%s/%s_pictures.tsv" % (folder, part), header, [[cell[n]] + (captions[n] + [""] * 5)[:5] for n in there])
        others = there[1:] + there[:1]  # each caption with another picture
        write("%s/%s_shuffled.tsv" % (folder, part), header,
              [[cell[m]] + (captions[n] + [""] * 5)[:5] for n, m in zip(there, others)])
        seen[part] = there
    json.dump({part: [(number[n], captions[n]) for n in seen[part]] for part in seen}, open(folder + "/parts.json", "w"))
    print(", ".join("%d pictures of %s" % (len(seen[part]), part) for part in seen))


# --- how near ---


def ngrams(words, n):
    return collections.Counter(tuple(words[i:i + n]) for i in range(len(words) - n + 1))


class Truths:
    """True captions of a part, each picture's n-grams counted once."""

    def __init__(self, truths):
        self.lengths = [[len(t) for t in all_true] for all_true in truths]
        self.most = []
        for all_true in truths:
            counts = [collections.Counter() for _ in range(4)]
            for t in all_true:
                for n in range(4):
                    counts[n] |= ngrams(t, n + 1)
            self.most.append(counts)

    def bleu(self, drawn):
        """BLEU-1 to 4, in percent."""
        match, made, length, near, known = [0] * 4, [0] * 4, 0, 0, {}
        for words, lengths, most in zip(drawn, self.lengths, self.most):
            key = tuple(words)
            if key not in known:
                known[key] = [list(ngrams(words, n + 1).items()) for n in range(4)]
            length += len(words)
            near += min((abs(l - len(words)), l) for l in lengths)[1]
            for n, own in enumerate(known[key]):
                match[n] += sum(min(k, most[n][g]) for g, k in own if g in most[n])
                made[n] += max(len(words) - n, 0)
        brief, logs, out = min(0, 1 - near / max(length, 1)), 0, []
        for n in range(4):
            logs += math.log(match[n] / made[n]) if match[n] else -math.inf
            out.append(100 * math.exp(brief + logs / (n + 1)))
        return out


def cider(drawn, truths, sigma=6):
    """CIDEr-D, times 10 as is usual."""
    seen = collections.Counter()
    for all_true in truths:
        seen.update(set(g for t in all_true for n in range(1, 5) for g in ngrams(t, n)))

    def weigh(words, n):
        return {g: k * (math.log(len(truths)) - math.log(max(1, seen[g]))) for g, k in ngrams(words, n).items()}

    def length(v):
        return math.sqrt(sum(x * x for x in v.values()))

    total = 0
    for words, all_true in zip(drawn, truths):
        for n in range(1, 5):
            own = weigh(words, n)
            for t in all_true:
                other = weigh(t, n)
                sizes = length(own) * length(other)
                common = sum(min(x, other[g]) * other[g] for g, x in own.items() if g in other)
                if sizes:
                    total += common / sizes * math.exp(-(len(words) - len(t))**2 / (2 * sigma**2)) / len(all_true) / 4
    return 10 * total / len(drawn)


def nearest(folder, parts, part):
    """For each picture the first caption of the training picture whose features, as means of the grid, point most alike."""
    grids = features(folder)

    def mean(i):
        v = [math.fsum(grids[i][c::512]) for c in range(512)]
        size = math.sqrt(math.fsum(x * x for x in v)) or 1
        return [x / size for x in v]

    known = [(mean(i), c[0]) for i, c in parts["train"]]
    out = []
    for i, _ in parts[part]:
        own = mean(i)
        out.append(max(known, key=lambda k: sum(a * b for a, b in zip(k[0], own)))[1])
    return out


def constant(parts):
    """The training caption with the best BLEU-4 as the caption of every training picture: all are tried on some, the best on all."""
    truths = [[t.split() for t in c] for _, c in parts["train"]]
    candidates = sorted(set(c for _, captions in parts["train"] for c in captions))
    for some in (truths[::8], truths):
        t = Truths(some)
        candidates = sorted(candidates, key=lambda c: -t.bleu([c.split()] * len(some))[3])[:30]
    return candidates[0]


def score(folder, part, files):
    parts = json.load(open(folder + "/parts.json"))
    truths = [[t.split() for t in captions] for _, captions in parts[part]]
    same = constant(parts)
    rows = [("always '%s'" % same, [same] * len(truths)), ("nearest training picture's", nearest(folder, parts, part))]
    for file in files:
        name, path = file.split("=", 1)
        rows.append((name, open(path, encoding="utf-8").read().split("\n")[:len(truths)]))
    whole = Truths(truths)
    print("BLEU-1  BLEU-2  BLEU-3  BLEU-4  CIDEr-D")
    for name, captions in rows:
        drawn = [c.split() for c in captions]
        print("%6.2f  %6.2f  %6.2f  %6.2f  %7.3f  %s" % (*whole.bleu(drawn), cider(drawn, truths), name))


if sys.argv[1] == "tables":
    tables(*sys.argv[2:])
else:
    score(sys.argv[2], sys.argv[3], sys.argv[4:])
