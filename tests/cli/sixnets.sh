# sixnets.sh - sourced by shards.sh and ranks.sh: data and options of six small nets that between them have a stream, lines, attention, rows of
# several lengths, a series and pictures. six NAME: what `train` is given. All have four shards.
cp "$SOURCE"/examples/{airline.csv,airline.net} .
awk 'NR % 16 == 1' "$SOURCE/examples/places.txt" >names.txt
"$UNROLL" task xml --count 60 --seed 3 >xml.txt
awk 'BEGIN { split("one two three four", w, " "); print "source,target"
  for (i = 0; i < 60; i++) { s = t = ""
    for (k = 0; k < 1 + i % 4; k++) { d = 1 + int(i * 7 / 4 ^ k) % 4; s = s (k ? " " : "") w[d]; t = w[d] (k ? " " : "") t }
    print s "," t } }' >pairs.csv
awk 'BEGIN { print "id,x1,x2,label"; for (i = 0; i < 40; i++) for (k = 0; k < 4 + i % 9; k++)
  printf "%d,%.2f,%.2f,%s\n", i, (i % 3) * k / 4, (i * k) % 7, "c" i % 3 }' >curves.csv
for i in 0 1 2 3 4 5 6 7 8 9 10 11; do
  awk -v i=$i 'BEGIN { print "P2 8 8 255"; for (k = 0; k < 64; k++) print (k * (i + 3) + i * 11) % 256 }' >p$i.pgm
done
awk 'BEGIN { print "picture,label"; for (i = 0; i < 24; i++) print "p" i % 12 ".pgm,l" i % 3 }' >pictures.csv
sed 's/1, 28, 28/1, 8, 8/; s/16, 5/4, 3/; s/v = .*/v = dropout(relu(V u + bv), 0.2)\nwidth v = 6/' "$SOURCE/nets/image.net" >image.net
tiny="--set hidden=12 --set embedding=6"
nets="stream lines attention ragged series pictures"
six() {
  case $1 in
  stream) echo language xml.txt $tiny --set layers=2 --set drop=0.2 --steps 12 --batch 8 --unroll 16 --valid 0.1 --test 0.1 ;;
  lines) echo names names.txt $tiny --set drop=0.1 --steps 24 --batch 18 --valid 0.1 --test 0.1 ;;
  attention) echo translate pairs.csv --set hidden=8 --set embedding=6 --set drop=0.2 --epochs 4 --batch 16 --lr 0.02 --valid 0.1 ;;
  ragged) echo classify curves.csv --series id --set hidden=8 --steps 8 --batch 11 --valid 0.2 --class-weights balanced ;;
  series) echo airline.net airline.csv --time month --scale level --context 24 --horizon 6 --valid 0.12 --steps 10 --lr 0.005 --batch 6 ;;
  pictures) echo image.net pictures.csv --steps 6 --batch 10 ;;
  esac
  echo --shards 4 --seed 2 --quiet
}
