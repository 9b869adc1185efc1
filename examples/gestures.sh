#!/bin/sh
# gestures.sh FOLDER - which sign a film shows, from the points that MediaPipe Holistic found in its frames. FOLDER has features.f32,
# float32 [films][30][258]: 33 points of the body (x, y, z, how visible), 21 of the left hand, 21 of the right (x, y, z; zeros where the
# hand was not seen); and labels.tsv: index, number, label. Two thirds of the films, drawn at random, train; the rest is the test.
# Points of the body count from the middle of the shoulders, in units of their distance; fingers from the wrist, in units of the hand.
# UNROLL=... names the program, where it is not on the path.
set -eu
unroll=${UNROLL:-unroll}
here=$(dirname "$0")
folder=$(mktemp -d)
python3 - "$1" "$folder" <<'END'
import array, math, random, sys
numbers = array.array("f", open(sys.argv[1] + "/features.f32", "rb").read())
labels = [line.rstrip("\n").split("\t")[2] for line in open(sys.argv[1] + "/labels.tsv").readlines()[1:]]
WIDTH, FRAMES, BODY = 258, 30, (0, 13, 14, 15, 16)  # nose, elbows, wrists

def place(frame):
    body = [frame[4 * k:4 * k + 3] for k in range(33)]
    x, y = ((body[11][k] + body[12][k]) / 2 for k in (0, 1))
    size = math.hypot(body[11][0] - body[12][0], body[11][1] - body[12][1]) or 1
    out = []
    for k in BODY:
        out += [(body[k][0] - x) / size, (body[k][1] - y) / size]
    for first in (132, 195):
        hand = [frame[first + 3 * k:first + 3 * k + 3] for k in range(21)]
        if not any(any(p) for p in hand):
            out += [0] * 43
            continue
        wrist = hand[0]
        reach = max(max(math.hypot(p[0] - wrist[0], p[1] - wrist[1]) for p in hand), 1e-6)
        out += [1, (wrist[0] - x) / size, (wrist[1] - y) / size]
        for p in hand[1:]:
            out += [(p[0] - wrist[0]) / reach, (p[1] - wrist[1]) / reach]
    return ";".join("%.4f" % v for v in out)

order = list(range(len(labels)))
random.Random(1).shuffle(order)
cut = len(order) * 2 // 3
for name, part in (("train", order[:cut]), ("test", order[cut:])):
    with open(sys.argv[2] + "/" + name + ".tsv", "w") as out:
        out.write("points\tlabel\n")
        for i in part:
            films = (numbers[(i * FRAMES + t) * WIDTH:(i * FRAMES + t + 1) * WIDTH] for t in range(FRAMES))
            out.write(" ".join(place(f) for f in films) + "\t" + labels[i] + "\n")
END
"$unroll" train "$here/gestures.net" "$folder/train.tsv" --epochs 30 --batch 8 --lr 0.003 --valid 0.2 --quiet -o "$folder" \
  --seed "${SEED:-1}"
"$unroll" eval "$folder/model.safetensors" "$folder/test.tsv"
rm -r "$folder"
