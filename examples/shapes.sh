#!/bin/sh
# shapes.sh [PAGE.html] - sentences for made-up pictures, and where the net looks before each word. 600 pictures of 64 x 64 pixels have
# two shapes each, as "a red square beside a blue circle". The built-in net caption_attend learns 560 of them, and describes the other
# 40. With PAGE.html a report goes there, in which the pictures are light where attention looked. python3 makes the pictures. It takes
# about a minute. UNROLL=... names the program; SEED, EPOCHS and OPTIONS go to `train`.
set -eu
unroll=${UNROLL:-unroll}
folder=$(mktemp -d)
python3 - "$folder" <<'P'
import random, sys
random.seed(3)
colours = {"red": (210, 40, 40), "blue": (40, 70, 210), "green": (30, 160, 60), "yellow": (230, 200, 30)}
rows = []
for i in range(600):
    ground = [random.randint(150, 255) for _ in range(3)]
    pixels = [ground for _ in range(64 * 64)]
    words = []
    for cell in sorted(random.sample(range(9), 2)):  # from the top left to the bottom right
        colour, shape = random.choice(list(colours)), random.choice(("square", "circle"))
        left, top = cell % 3 * 21 + random.randint(1, 5), cell // 3 * 21 + random.randint(1, 5)
        for y in range(15):
            for x in range(15):
                if shape == "square" or (x - 7) ** 2 + (y - 7) ** 2 <= 50:
                    pixels[(top + y) * 64 + left + x] = colours[colour]
        words.append("a %s %s" % (colour, shape))
    with open("%s/%d.ppm" % (sys.argv[1], i), "wb") as f:
        f.write(b"P6 64 64 255\n" + bytes(v for p in pixels for v in p))
    rows.append("%d.ppm,%s\n" % (i, " beside ".join(words)))
for name, part in ("train", rows[:560]), ("test", rows[560:]):
    with open("%s/%s.csv" % (sys.argv[1], name), "w") as f:
        f.write("picture,word\n" + "".join(part))
P
# shellcheck disable=SC2086
"$unroll" train caption_attend "$folder/train.csv" -o "$folder/model" --set hidden=64 --set embedding=16 --set seen=32 --batch 16 \
  --epochs "${EPOCHS:-50}" --lr 0.003 --schedule cosine --valid 0.1 --threads 1 --quiet --seed "${SEED:-1}" ${OPTIONS:-}
"$unroll" eval "$folder/model" "$folder/test.csv"
"$unroll" predict "$folder/model" "$folder/test.csv" | head -n 4
[ $# = 0 ] || "$unroll" report "$folder/model" "$folder/test.csv" -o "$1"
rm -r "$folder"
