#!/bin/sh
# pedestrians.sh FOLDER - who is who in the boxes that a detector found, frame by frame? FOLDER has TUD-Campus, TUD-Stadtmitte and
# PETS-S3-MF1, each with gt.txt, in the form of MOTChallenge. A small recurrent net learns how boxes move on from the true boxes of the
# other two. It says where each person of TUD-Campus is next; detections go to who they meet. Beside it stand a box that stays and one
# that goes on at its speed. LEAST=0.6, the least confidence of a detection, was chosen on TUD-Stadtmitte. TEST=TUD-Stadtmitte and
# DETECTIONS=det.txt follow others. The score of another tracker's output checks the measure. UNROLL=... names the program.
set -eu
unroll=${UNROLL:-unroll}
here=$(dirname "$0")
data=$1
test=${TEST:-TUD-Campus}
folder=$(mktemp -d)
others=
for name in TUD-Campus TUD-Stadtmitte PETS-S3-MF1; do
  [ "$name" = "$test" ] || others="$others $data/$name/gt.txt"
done
# shellcheck disable=SC2086
python3 "$here/pedestrians.py" train "$folder/moves.tsv" $others
"$unroll" train "$here/pedestrians.net" "$folder/moves.tsv" --valid 0.2 --epochs 60 --lr 0.005 --quiet -o "$folder/net" --seed "${SEED:-1}"
for way in still speed "$folder/net"; do
  python3 "$here/pedestrians.py" follow "$unroll" "$way" "$data/$test/${DETECTIONS:-det_faster_rcnn.txt}" "${LEAST:-0.6}" >"$folder/tracks.txt"
  case $way in
  still) name="a box that stays" ;;
  speed) name="a box that goes on at its speed" ;;
  *) name="recurrent motion" ;;
  esac
  printf '%s, %s: ' "$test" "$name"
  python3 "$here/pedestrians.py" score "$data/$test/gt.txt" "$folder/tracks.txt"
done
printf '%s, the tracker of example_tracker_output: ' "$test"
python3 "$here/pedestrians.py" score "$data/$test/gt.txt" "$data/$test/example_tracker_output.txt"
rm -r "$folder"
