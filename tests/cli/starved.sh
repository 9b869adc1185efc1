# starved.sh - memory runs out in the middle of a command: it says so, or its output is whole. Every allocation is tried with
# UNROLL_STARVE=1, else every 17th and more at the beginning. A larger step takes fewer: see starve.c.
. "$(dirname "$0")/common.sh"

step=${UNROLL_STARVE:-17}
small
m=small/model.safetensors
head -n 5 names.txt >few.txt
cat >label.net <<'END'
data text : words(50)
data label : category
data y : number
h = last(rnn(embed(text, 3), 4))
label ~ softmax(W h + b)
y ~ gaussian(mean = V h + bv, scale = 1)
END
printf 'text,label,y\nso good,yes,1\nbad,no,0.5\ngood,yes,2\nso bad,no,1\n' >label.csv
run train label.net label.csv -o label --steps 3 --quiet
expect 0
cat >series.net <<'END'
data y : number
y ~ gaussian(mean = W rnn(y[t-1], 3) + b, scale = 1)
END
awk 'BEGIN { print "day,y"; for (i = 1; i <= 28; i++) printf "2024-02-%02d,%d\n", i, i % 7 }' >series.csv
run train series.net series.csv --time day --horizon 2 --context 4 --steps 3 --valid 0 -o series --quiet
expect 0

cat >decode.net <<'END'
data from : words(9)
data to : words(9)
h = rnn(embed(from, 3), 4)
g = rnn(embed(to[t-1], 3), 4, start = h)
to ~ softmax(W g + b)
END
printf 'from,to\na b,b a\nb,b\na,a\n' >decode.csv
run train decode.net decode.csv -o decode --steps 3 --quiet
expect 0

# starved ARGUMENTS...
printf 'data x : numbers\ndata y : numbers\nwidth h = 2\nh = tanh(U h[t-1] + V x)\ny ~ gaussian(mean = W h, scale = 1)\n' >rnn.net
starved() {
  "$STARVE" . "$step" "$@" >found 2>&1 || { fail "starved: unroll $*"; head -n 60 found; }
  tail -n 1 found
}
starved score $m few.txt --json
starved score $m few.txt --per-symbol
starved eval $m few.txt --json
starved eval $m few.txt
starved sample $m -n 3 --json
starved eval label/model.safetensors label.csv --json --confusion
starved predict label/model.safetensors label.csv --json
starved predict label/model.safetensors label.csv
starved predict series/model.safetensors series.csv --horizon 2 --samples 3 --json
starved predict series/model.safetensors series.csv --horizon 2 --samples 3
starved eval series/model.safetensors series.csv --horizon 2 --backtest 1 --samples 3 --trained --json
starved predict decode/model.safetensors decode.csv --json --beam 2
starved explain $m --json
starved explain $m
starved predict decode/model.safetensors decode.csv --top 2
starved eval decode/model.safetensors decode.csv --decode --references from --json
starved predict label/model.safetensors label.csv --probabilities --quantiles 0.1,0.9
starved eval label/model.safetensors label.csv --hits 1,2 --json
starved explain rnn --latex
starved explain rnn --mathml
starved explain rnn --dot
starved explain rnn --workers 4 --json
starved trace $m few.txt --of token,h
starved trace $m few.txt --of token --top 2
UNROLL_STEP=$step
step=$((step * 23))
starved report $m few.txt -o page.html
starved report label/model.safetensors label.csv -o page.html
starved report series/model.safetensors series.csv -o page.html --trained --season 7
step=$UNROLL_STEP
starved trace $m few.txt --of h --json
starved flow $m few.txt --lags 3 --json
"$UNROLL" compress $m few.txt -o few.unz -q || fail "few.txt is not packed"
starved compress $m few.txt -o -
starved expand $m few.unz -o -
starved flow rnn.net --lags 3
starved list --json
starved check rnn --json
starved show lstm
starved task adding -n 3
starved man log
starved completion zsh
starved export c label/model.safetensors -o exported.c
run export c label/model.safetensors -o plenty.c
sed 's/plenty\.h/exported.h/' plenty.c >wanted.c
[ ! -f exported.c ] || same exported.c wanted.c "what export wrote last, in plenty"
starved trace $m few.txt --of h -o traced.safetensors
if "$UNROLL" --version | sed 's/; without.*//' | grep -q microhttpd; then
  STARVE_SERVE=1 starved serve small label --port 0
fi
export STARVE_TIMES=1
starved train names few.txt -o trained --set hidden=4 --set embedding=2 --steps 2 --threads 1 --quiet --json
starved log trained --json
starved log trained
starved log trained --csv
starved log trained --tensorboard board
starved train label.net label.csv -o trained-label --steps 2 --threads 1 --quiet --json
finish
