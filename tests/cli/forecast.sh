# forecast.sh - series with dates through the program: train, predict, back-test; gaps and other bad input.
. "$(dirname "$0")/common.sh"

data=$SOURCE/examples/airline.csv
run train "$SOURCE/examples/airline.net" "$data" --time month --scale level --context 36 --horizon 12 --valid 0.12 --test 0.25 \
  --steps 150 --lr 0.005 -o air --quiet
expect 0
run predict air/model.safetensors "$data"
expect 0 "month,variable,mean,0.1,0.5,0.9" "1961-01,y," "1961-12,y,"
[ "$(wc -l <out)" = 13 ] || fail "predict: not a row for each month"
awk -F, 'NR > 1 && !($4 < $5 && $5 < $6 && $3 > 300 && $3 < 900) { exit 1 }' out || fail "predict: quantiles do not increase"
mv out first
run predict air/model.safetensors - --horizon 12 --samples 200 --quantiles 0.1,0.5,0.9 --seed 1 --batch 7 --threads 1
expect 3 # nothing on standard input
cp "$data" in
run predict air/model.safetensors - --horizon 12 --samples 200 --quantiles 0.1,0.5,0.9 --seed 1 --batch 7 --threads 1
expect 0
same first out "other rows and threads"
rm in
run predict air/model.safetensors "$data" --seed 2
! cmp -s first out || fail "another seed, the same paths"
run predict air/model.safetensors "$data" --horizon 3 --quantiles 0.25 --json
expect 0 '"forecasts"' '"time": "1961-03"' '"0.25"'

run eval air/model.safetensors "$data" --backtest 25 --stride 1
expect 0 "25 windows of 12 steps from 1958-01 to 1960-12" "seasonal naive" "drift" "80 % covers"
run eval air/model.safetensors "$data" --backtest 25 --stride 1 --json
expect 0 '"coverage"' '"pinball"'
value() { tr -d ' \n' <out | sed "s/.*\"$1\":{\([^}]*}[^}]*}[^}]*\)}.*/\1/; s/.*\"$2\":\([0-9.e-]*\).*/\1/"; }
holds "$(value model mase) < 0.8 && $(value 'seasonalnaive' mase) > 1.2 && $(value 'seasonalnaive' mase) < 1.4"
run eval air/model.safetensors "$data"
expect 0 "3 windows of 12 steps from 1958-01" # a fourth would begin in the validation part
run eval air/model.safetensors "$data" --backtest 8
expect 2 "come after 1957-12, until which the model was trained or chosen, 8 are asked for"
run eval air/model.safetensors "$data" --backtest 8 --trained
expect 0 "5 of them begin in what the model was trained on or chosen by"
run eval air/model.safetensors "$data" --quantiles 0.9,0.1
expect 2 "--quantiles takes numbers between 0 and 1, increasing"
head -n 30 "$data" >short.csv
run eval air/model.safetensors short.csv --backtest 1 --horizon 40
expect 2 "no series is long enough"

# a series of one row has the step that the model was trained on
printf 'month,y\n1961-03,400\n' >one.csv
run predict air/model.safetensors one.csv --horizon 2
expect 0 "1961-04,y," "1961-05,y,"
awk 'BEGIN { print "day,y"; for (i = 0; i < 40; i++) printf "2020-0%d-%02d 00:00,%d\n", 1 + int(i / 28), 1 + i % 28, i % 5 }' |
  grep -v '02-\(1[3-9]\|2\)' | head -n 29 >days.csv
cat >days.net <<'END'
data y : numbers
h = gru(y[t-1], 4)
y ~ gaussian(mean = Wm h + bm, scale = 1)
END
run train days.net days.csv --time day --horizon 3 --context 6 --steps 2 --valid 0 -o days --quiet
expect 0
printf 'day,y\n2021-12-31 00:00,3\n' >one.csv
run predict days/model.safetensors one.csv
expect 0 "2022-01-01 00:00,y," "2022-01-02 00:00,y," "2022-01-03 00:00,y,"
printf 'day,y\n2021-12,3\n' >one.csv
run predict days/model.safetensors one.csv
expect 3 "the step of its dates is 1 month, but the model was trained on one of 1 day"

cat >seen.net <<'END'
data y : number
data x : number
h = gru([y[t-1], y.seen[t-1], x, x.seen], 4)
y ~ gaussian(mean = Wm h + bm, scale = 1)
END
run check seen.net
expect 0
run explain seen.net
expect 0 "y.seen[t-1]"
echo 'y.seen = 3' >>seen.net
run explain seen.net
expect 3 "'y.seen' says whether data was observed: it cannot be defined"
run explain forecast
expect 0 "when : time, 6 wide, at every step"

# bad dates, each with its place
sed 's/1960-12/1990-12/' "$data" >gap.csv
run predict air/model.safetensors gap.csv
expect 3 "gap.csv:145:1" "1990-12 comes after 1960-11: with a step of 1 month, 360 dates are missing so far, and 143 rows are there"
sed '5p' "$data" >twice.csv
run train "$SOURCE/examples/airline.net" twice.csv --time month -o bad
expect 3 "row 6, column 'month': 1949-04 is there twice"
sed '5s/.*/1948-04,1/' "$data" >disorder.csv
run train "$SOURCE/examples/airline.net" disorder.csv --time month -o bad
expect 3 "row 5, column 'month': 1948-04 comes after 1949-03"
sed '5s/-04/-4/' "$data" >other.csv
run train "$SOURCE/examples/airline.net" other.csv --time month -o bad
expect 3 "row 5, column 'month': '1949-4' is no date"
sed '5s/,.*/,lots/' "$data" >missing.csv
run train "$SOURCE/examples/airline.net" missing.csv --time month -o bad
expect 3 "row 5, column 'y': 'lots' is no number"
run train "$SOURCE/examples/airline.net" "$data" -o bad
expect 2 "name their column with --time"
run train "$SOURCE/examples/airline.net" "$data" --scale level -o bad
expect 2 "--scale is for series with dates"
run train "$SOURCE/examples/airline.net" missing.csv --time month --skip-bad --steps 2 -o bad # it is not observed
expect 0 "missing.csv:5: left out: row 5, column 'y': 'lots' is no number" "1 of 144 values of 'y' were not observed"
run predict air/model.safetensors missing.csv --skip-bad --samples 20
expect 0 "1961-01,y,"
grep -q "left out.*'lots'" err || fail "predict: leaves out in silence"

# values and dates that are missing were not observed: training, forecasts and back-tests know
sed '9s/,.*/,/; 20d; 30s/,.*/,NA/' "$data" >holes.csv
for fill in none last zero mean; do
  run train "$SOURCE/examples/airline.net" holes.csv --time month --scale level --context 36 --horizon 12 --valid 0.12 --test 0.25 \
    --steps 20 --fill $fill -o holes
  expect 0 "3 of 144 values of 'y' were not observed" "1 date is missing"
  run predict holes/model.safetensors holes.csv
  expect 0 "1961-01,y," "1961-12,y,"
  run eval holes/model.safetensors holes.csv --backtest 9 --trained
  expect 0 "9 windows of 12 steps"
done
sed '140,144s/,.*/,/' "$data" >end.csv # of the truth nothing is known: only what was observed counts
run eval air/model.safetensors end.csv --backtest 1
expect 0 "1 window of 12 steps from 1960-01 to 1960-12, 1 series, 7 points"
run train names "$data" --time month -o unwritten
expect 2 "--time is for tables"
run train --resume air --horizon 3
expect 2 "--horizon cannot be given with --resume"

# many series, and what is known ahead
awk 'BEGIN { print "shop,at,y,x"; for (s = 0; s < 3; s++) for (i = 0; i < 120; i++) {
  x = (i * 7 + s) % 5 == 0
  printf "\"shop, %d\",2024-01-%02d %02d:00,%s,%d\n", s, 1 + int(i / 24), i % 24, i < 110 ? (s + 1) * (10 + (i % 24 > 11) * 4 + x * 5) : "", x } }' >shops.csv
cat >shops.net <<'END'
data y : number
data x : number
data when : time hour
hidden = 16
h = gru([y[t-1], x, when], hidden)
y ~ gaussian(mean = Wm h + bm, scale = 0.05 + softplus(Ws h + bs))
END
run train shops.net shops.csv --series shop --time at --scale series --context 24 --horizon 10 --test 0.1 --steps 150 --lr 0.01 -o shops --quiet
expect 0
run predict shops/model.safetensors shops.csv --quantiles 0.5
expect 0 "shop,at,variable,mean,0.5" '"shop, 2",2024-01-05 23:00,y,'
[ "$(wc -l <out)" = 31 ] || fail "predict: not a row for each hour of each series"
run predict shops/model.safetensors shops.csv --horizon 12
expect 3 "series 'shop, 0': there is no row for 2024-01-06 00:00, and the column 'x' must say"
grep -q 'more rows* cannot be read' err || fail "predict: does not say how many are wrong"
for option in "--temperature 0" "--top-k 3" "--top-p 0.5"; do # nothing may be ignored in silence
  run predict shops/model.safetensors shops.csv $option
  expect 2 "${option% *} does not go together with series with dates"
done
run eval shops/model.safetensors shops.csv --backtest 1 --season 1000 # none of a series is longer: MASE is not defined
expect 0 " - "
! grep -q nan out || fail "eval prints nan"
run eval shops/model.safetensors shops.csv --backtest 1 --json
expect 0
holds "$(value model mase) < $(value naive mase) / 2"
grep -v '01-03 0[0-4]:' shops.csv | sed 's/shop, 1/north/' >hole.csv
run predict shops/model.safetensors hole.csv
expect 0 '"shop, 2",2024-01-05 23:00,y,'
grep -v '01-05 20:' shops.csv >hole.csv # in the future
run predict shops/model.safetensors hole.csv
expect 3 "series 'shop, 0': there is no row for 2024-01-05 20:00, and the column 'x' must say"
(sed 2,121d shops.csv; sed -n 2,121p shops.csv; sed -n '/shop, 1/p' shops.csv) >again.csv
run predict shops/model.safetensors again.csv
expect 3 "the series 'shop, 1' goes on here, but began at row 2"
(head -n 1 shops.csv; grep 'shop, 0' shops.csv | sed 's/shop, 0/new/; s/-01-/-02-/') >new.csv # a series that was not there in training
run predict shops/model.safetensors new.csv
expect 0 "new,2024-02-05 14:00,y,"
run eval shops/model.safetensors new.csv --backtest 2
expect 0 "2 windows of 10 steps"

# days that not every month has, and years after 9999: what is forecast is data again
for start in "2020 29" "2020 30" "2020 31" "9998 30"; do
  awk -v year="${start% *}" -v day="${start#* }" 'BEGIN { print "day,y"; split("31 28 31 30 31 30 31 31 30 31 30 31", last)
    for (i = 0; i < 23; i++) { y = year + int(i / 12); m = i % 12 + 1; n = last[m] + (m == 2 && y % 4 == 0)
      printf "%d-%02d-%02d,%d\n", y, m, day < n ? day : n, i % 5 } }' >months.csv
  run train days.net months.csv --time day --horizon 4 --context 6 --steps 2 --valid 0 -o months --quiet
  expect 0
  run predict months/model.safetensors months.csv
  expect 0 "$((${start% *} + 2))-01-${start#* },y," "$((${start% *} + 2))-02-2"
  awk -F, 'NR > 1 { print $1 ",1" }' out >>months.csv
  run predict months/model.safetensors months.csv
  expect 0 "$((${start% *} + 2))-05-${start#* },y,"
done
# integers that count milliseconds
awk 'BEGIN { print "day,y"; for (i = 0; i < 20; i++) printf "%.0f,%d\n", 1467331200000 + i * 3600000, i % 5 }' >ms.csv
run train days.net ms.csv --time day --horizon 3 --context 6 --steps 2 --valid 0 -o ms --quiet
expect 0
run predict ms/model.safetensors ms.csv
expect 0 "1467403200000,y,"
# a level of 1e8 with steps of 1: what is naive is wrong by 1, and what is learned goes on
awk 'BEGIN { print "day,y"; for (i = 0; i < 120; i++) printf "%d,%d\n", i, 100000000 + i }' >level.csv
cat >level.net <<'END'
data y : number
h = gru(y[t-1], 8)
y ~ gaussian(mean = Wm h + bm, scale = 0.05 + softplus(Ws h + bs))
END
run train level.net level.csv --time day --scale series --horizon 3 --context 10 --steps 300 --lr 0.02 --valid 0 \
  --test 0.2 -o level --quiet
expect 0
run eval level/model.safetensors level.csv --horizon 1 --json
expect 0
holds "$(value naive mae) == 1 && $(value naive rmse) == 1 && $(value model mae) < 0.5"
run predict level/model.safetensors level.csv
expect 0
awk -F, 'NR > 1 && ($3 - 100000000 - $1) ^ 2 > 0.25 { exit 1 }' out || fail "predict: not what follows 100000119"
# one date a series: the step is a day
printf 'id,day,y\na,2020-01-31,1\nb,2020-01-31,2\n' >alone.csv
run train days.net alone.csv --series id --time day --horizon 2 --context 1 --steps 2 --valid 0 -o alone --quiet
expect 0
run predict alone/model.safetensors alone.csv
expect 0 "a,2020-02-01,y," "b,2020-02-02,y,"
# a series without any value has a name, and is never trained on in silence
printf 'c,2020-01-31,\n' >>alone.csv
for what in "train days.net alone.csv --series id --time day -o none" "predict alone/model.safetensors alone.csv"; do
  run $what
  expect 3 "alone.csv:4:" "column 'y': the series 'c' that begins here has no value of what is predicted" "--skip-bad"
done
run predict alone/model.safetensors alone.csv --skip-bad
expect 0 "a,2020-02-01,y," "b,2020-02-02,y,"
! grep -q '^c,' out || fail "a series without any value is forecast"
# what looks wrong, or was chosen, is said in one line
awk 'BEGIN { print "id,day,y,x1,x2,x4"; for (s = 0; s < 2; s++) for (i = 0; i < 60; i++)
  printf "%d,%d,%.2f,1,2,3\n", s, i, 5000 * (1 + s) + i % 7 }' >large.csv
cat >x.net <<'END'
data y : number
data x : numbers
h = gru([y[t-1], x], 4)
y ~ gaussian(mean = Wm h + bm, scale = 1)
END
run train x.net large.csv --series id --time day --horizon 3 --context 6 --steps 2 -o large --quiet
expect 0 "the column 'x4' is not read" "'y' is about 7.5e+03, so it is scaled: --scale is taken to be series"
run train x.net large.csv --series id --time day --horizon 3 --context 6 --steps 2 -o large --quiet --scale none
expect 0 "'y' is about 7.5e+03, which a net without scale learns badly"
run train x.net large.csv --series id --time day --horizon 60 --context 6 --steps 2 -o large --quiet --scale series
expect 0 "the horizon of 60 steps is longer than the series: they have at most 60 steps to train on"
awk -F, -v OFS=, 'NR > 1 { $3 = $3 * exp($2 / 20); $2 = 1000 + $2 } { print $1, $2, $3 }' large.csv >grows.csv
run train days.net grows.csv --series id --time day --horizon 3 --context 6 --steps 2 -o grows --quiet
expect 0 "--scale is taken to be level"
cat >count.net <<'END'
data y : number
h = gru(y[t-1], 4)
y ~ negative_binomial(mean = 0.1 + softplus(Wm h + bm), shape = 1)
END
run train count.net days.csv --time day --horizon 3 --context 6 --steps 2 --valid 0 -o count --quiet --scale series
expect 0 "--scale changes nothing: what is predicted are counts or bits"
awk 'BEGIN { print "id,day,y"; for (s = 0; s < 2; s++) for (i = 0; i < 40; i++) printf "%d,%d,%d\n", s, i, s ? i % 4 : 3 }' >flat.csv
run train days.net flat.csv --series id --time day --horizon 3 --context 6 --steps 2 --valid 0 --test 0.2 -o flat --quiet
expect 0
run eval flat/model.safetensors flat.csv --backtest 2
expect 0 "MASE is not of all points: before 6 of them no season changes"

# how good it is beside what needs no model; a season is a setting that the dates say
awk 'BEGIN { print "hour,y"; for (i = 0; i < 400; i++) printf "2024-%02d-%02d %02d:00,%.3f\n", 1 + int(i / 24 / 28), 1 + int(i / 24) % 28,
  i % 24, 10 + (i % 24 > 11) * 4 + sin(i * i) }' >hours.csv
cat >lag.net <<'END'
data y : number
season = 1
long_season = 1
y ~ gaussian(mean = A y[t-season] + B y[t-season-1] + C y[t-long_season] + bm, scale = 1)
END
run train lag.net hours.csv --time hour --horizon 12 --steps 5 --test 0.1 -o lag
expect 0 " naive by " " windows of the test part"
run explain lag/model.safetensors
expect 0 "season = 24" "long_season = 168" "y[t-24]" "y[t-25]" "y[t-168]"
run train lag.net hours.csv --time hour --horizon 12 --steps 5 --test 0.1 -o lag --set season=6 --json
expect 0 '"against_seasonal_naive"'
run explain lag/model.safetensors
expect 0 "season = 6" "y[t-7]"
sed 's/long_season = 1/long_season = 1.5/' lag.net >bad_lag.net
run explain bad_lag.net
expect 3 "in y[t-long_season]: 'long_season' must be a setting that is a whole number from 1 to 256"
sed 's/t-season-1/t-seasons/' lag.net >bad_lag.net
run explain bad_lag.net
expect 3 "in y[t-seasons]: there is no setting 'seasons'; did you mean 'season'?"

# what is the same for a whole series is a category of it; the column of the series too
cat >static.net <<'END'
data y : number
data id : category whole
data region : category whole
h = gru([y[t-1], embed(id, 2), embed(region, 2)], 4)
y ~ gaussian(mean = Wm h + bm, scale = 1)
END
awk 'BEGIN { print "id,day,y,region"; for (s = 0; s < 3; s++) for (i = 0; i < 40; i++)
  printf "s%d,%d,%d,%s\n", s, i, s * 10 + i % 3, (i ? "" : s == 2 ? "north" : "south") }' >static.csv
run train static.net static.csv --series id --time day --horizon 3 --context 6 --steps 5 -o static --quiet
expect 0
run predict static/model.safetensors static.csv --samples 20
expect 0 "s2,40,y,"

small
run predict small/model.safetensors names.txt --horizon 3
expect 2 "was trained without --time"
run eval small/model.safetensors names.txt --backtest 3
expect 2 "--backtest is for models of series with dates"
UNROLL="$UNROLL" sh "$SOURCE/examples/airline.sh" >out 2>err
status=$? command_line=examples/airline.sh
expect 0 "25 windows" "1961-12,y,"
finish
