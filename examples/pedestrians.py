"""pedestrians.py - for pedestrians.sh: identities of several people from boxes that a detector found, and how right they are.

pedestrians.py train OUT SEQUENCE...                    moves of all true boxes, a table for pedestrians.net
pedestrians.py follow UNROLL MODEL|still|speed DETECTIONS  prints tracks: frame, number, left, top, width, height
pedestrians.py score TRUTH TRACKS                       MOTA, IDF1, misses, false boxes, switches; a box counts from IoU 0.5 on

A detection belongs to the track whose next box it meets best: pairs with the greatest sum of IoU, none below 0.3 (as SORT, Bewley et al.
2016). `still`, `speed` and a model differ in what they take for the next box. A track ends after 3 frames without a detection.
"""
import collections, os, subprocess, sys, tempfile

LEAST, PATIENCE, SURE = 0.3, 3, 2  # a track is told from its SURE-th detection on


def read(path):
    frames = collections.OrderedDict()
    for line in open(path):
        f = line.split(",")
        frames.setdefault(int(f[0]), []).append((int(f[1]), tuple(float(x) for x in f[2:6]), float(f[6])))
    return frames


def iou(a, b):
    w = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    h = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    return w * h / (a[2] * a[3] + b[2] * b[3] - w * h) if w > 0 and h > 0 else 0


def assign(gain):
    """Pairs (row, column) with the greatest sum of gains, each row and column once: the Hungarian method."""
    rows, columns = len(gain), len(gain[0]) if gain else 0
    n = max(rows, columns)
    if not n:
        return []
    cost = [[-gain[i][j] if i < rows and j < columns else 0 for j in range(n)] for i in range(n)]
    u, v, match, way = [0] * (n + 1), [0] * (n + 1), [0] * (n + 1), [0] * (n + 1)
    for i in range(1, n + 1):
        match[0], j0, least, used = i, 0, [float("inf")] * (n + 1), [False] * (n + 1)
        while True:
            used[j0] = True
            i0, delta, j1 = match[j0], float("inf"), 0
            for j in range(1, n + 1):
                if used[j]:
                    continue
                c = cost[i0 - 1][j - 1] - u[i0] - v[j]
                if c < least[j]:
                    least[j], way[j] = c, j0
                if least[j] < delta:
                    delta, j1 = least[j], j
            for j in range(n + 1):
                if used[j]:
                    u[match[j]] += delta
                    v[j] -= delta
                else:
                    least[j] -= delta
            j0 = j1
            if not match[j0]:
                break
        while j0:
            match[j0] = match[way[j0]]
            j0 = way[j0]
    return [(match[j] - 1, j - 1) for j in range(1, n + 1) if match[j] - 1 < rows and j - 1 < columns]


def moves(boxes):
    w, h = boxes[0][2], boxes[0][3]
    return [tuple((b[k] - a[k]) / (w if k % 2 == 0 else h) for k in range(4)) for a, b in zip(boxes, boxes[1:])]


def cell(list_of_moves):
    return " ".join(";".join("%.5f" % x for x in m) for m in list_of_moves)


def train(out, sequences):
    rows = ["move"]
    for path in sequences:
        people = collections.OrderedDict()
        for frame, boxes in read(path).items():
            for number, box, _ in boxes:
                people.setdefault(number, []).append((frame, box))
        for steps in people.values():
            run = [steps[0]]
            for a in steps[1:] + [(None, None)]:
                if a[0] == run[-1][0] + 1 if a[0] is not None else False:
                    run.append(a)
                    continue
                boxes = [b for _, b in run]
                for turned in (False, True):  # a person who walks the other way
                    m = moves(boxes)
                    if turned:
                        m = [(-x - w, y, w, h) for x, y, w, h in m]
                    if len(m) > 3:
                        rows.append(cell(m))
                run = [a]
    open(out, "w").write("\n".join(rows) + "\n")


class Motion:
    def __init__(self, unroll, model):
        self.unroll, self.model, self.folder = unroll, model, tempfile.mkdtemp()

    def next(self, tracks):
        """The next box of each."""
        if self.model == "still" or not tracks:
            return [t[-1] for t in tracks]
        if self.model == "speed":  # the mean of the last five moves
            out = []
            for t in tracks:
                n = min(5, len(t) - 1)
                out.append(tuple(t[-1][k] + ((t[-1][k] - t[-1 - n][k]) / n if n and k < 2 else 0) for k in range(4)))
            return out
        path = self.folder + "/x.tsv"
        with open(path, "w") as f:  # a step more than there are: what is predicted there follows from those before
            f.write("move\n" + "".join(cell(moves(t) + [(0, 0, 0, 0)]) + "\n" for t in tracks))
        lines = subprocess.run([self.unroll, "predict", self.model, path, "--threads", "1"], capture_output=True, text=True,
                               check=True).stdout.splitlines()
        out = []
        for t, line in zip(tracks, lines):
            m = [float(x) for x in line.split("\t")[0].split(" ")[-1].split(";")]
            out.append(tuple(t[-1][k] + m[k] * t[0][2 + k % 2] for k in range(4)))
        return out


def follow(unroll, model, detections, least_sure):
    motion, tracks, number = Motion(unroll, model), [], 0
    frames = read(detections)
    for frame in range(min(frames), max(frames) + 1):
        found = [b for _, b, sure in frames.get(frame, []) if sure >= least_sure]
        places = motion.next([t["boxes"] for t in tracks])
        pairs = [(i, j) for i, j in assign([[iou(p, b) for b in found] for p in places]) if iou(places[i], found[j]) >= LEAST]
        seen = dict(pairs)
        for i, t in enumerate(tracks):
            t["boxes"].append(found[seen[i]] if i in seen else places[i])
            t["lost"] = 0 if i in seen else t["lost"] + 1
            t["hits"] += i in seen
        tracks = [t for t in tracks if t["lost"] <= PATIENCE]
        for j, b in enumerate(found):
            if j not in seen.values():
                number += 1
                tracks.append({"number": number, "boxes": [b], "lost": 0, "hits": 1})
        for t in tracks:
            if not t["lost"] and t["hits"] >= SURE:
                print("%d,%d,%s,-1" % (frame, t["number"], ",".join("%.2f" % x for x in t["boxes"][-1])))


def score(truth, tracks):
    truth, tracks = read(truth), read(tracks)
    kept, misses, false, switches, all_true, all_told = {}, 0, 0, 0, 0, 0
    together = collections.Counter()
    for frame in sorted(set(truth) | set(tracks)):
        real, told = truth.get(frame, []), tracks.get(frame, [])
        all_true, all_told = all_true + len(real), all_told + len(told)
        near = [[iou(a[1], b[1]) for b in told] for a in real]
        for i, a in enumerate(real):
            for j, b in enumerate(told):
                together[a[0], b[0]] += near[i][j] >= 0.5
        taken_i, taken_j, pairs = set(), set(), []
        for i, a in enumerate(real):  # who was matched stays so while they overlap
            for j, b in enumerate(told):
                if kept.get(a[0]) == b[0] and near[i][j] >= 0.5 and j not in taken_j:
                    pairs.append((i, j))
                    taken_i.add(i)
                    taken_j.add(j)
        rest_i = [i for i in range(len(real)) if i not in taken_i]
        rest_j = [j for j in range(len(told)) if j not in taken_j]
        gain = [[1 + near[i][j] if near[i][j] >= 0.5 else 0 for j in rest_j] for i in rest_i]
        for k, l in assign(gain) if rest_j else []:
            if gain[k][l]:
                i, j = rest_i[k], rest_j[l]
                pairs.append((i, j))
                switches += kept.get(real[i][0], told[j][0]) != told[j][0]
        for i, j in pairs:
            kept[real[i][0]] = told[j][0]
        misses += len(real) - len(pairs)
        false += len(told) - len(pairs)
    people, numbers = sorted(set(a for a, _ in together)), sorted(set(b for _, b in together))
    right = sum(together[people[i], numbers[j]]
                for i, j in assign([[together[a, b] for b in numbers] for a in people])) if people else 0
    print("MOTA %.1f %%, IDF1 %.1f %%, %d missed and %d false of %d boxes, %d switches" %
          (100 * (1 - (misses + false + switches) / all_true), 100 * 2 * right / (all_true + all_told), misses, false, all_true,
           switches))


if sys.argv[1] == "train":
    train(sys.argv[2], sys.argv[3:])
elif sys.argv[1] == "follow":
    follow(sys.argv[2], sys.argv[3], sys.argv[4], float(sys.argv[5]))
else:
    score(sys.argv[2], sys.argv[3])
