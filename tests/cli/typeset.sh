# `unroll explain --latex`, `--mathml`, `--dot`: every built-in net and cell, and other programs that read what is written.
. "$SOURCE/tests/cli/common.sh"

for net in "$SOURCE"/nets/*.net "$SOURCE"/cells/*.cell; do
  run explain "$net" --latex
  expect 0
  grep -q '&\\text{' out && fail "$net: a line that typesetting cannot read: $(grep -m1 '&\\text{' out)"
  run explain "$net" --mathml
  expect 0
  grep -q '<math [^>]*><mtext>' out && fail "$net: a line that MathML cannot say"
  run explain "$net" --dot
  expect 0 'digraph'
done

run explain gru --latex
expect 0 '\begin{align*}' '\odot' '\partial'
run explain gru --dot --set hidden=3
expect 0 '"h" -> "h" [label="'
run explain gru --latex --dot
expect 2 'exclude each other'
run explain no_such_net --latex
expect 3 'no_such_net'

# Real readers, where they are installed.
if command -v pdflatex >/dev/null; then
  {
    printf '%s\n' '\documentclass{article}\usepackage{amsmath}\usepackage[paperwidth=60cm,paperheight=90cm]{geometry}\begin{document}'
    for cell in lstm gru names translate image; do
      "$UNROLL" explain $cell --latex
    done
    printf '%s\n' '\end{document}'
  } >all.tex 2>err
  pdflatex -interaction=nonstopmode -halt-on-error all.tex >log 2>&1 || fail "pdflatex: $(grep -m1 '^!' log)"
fi
if command -v dot >/dev/null; then
  "$UNROLL" explain lstm --dot | dot -Tsvg >lstm.svg || fail "dot refuses the drawing of lstm"
  "$UNROLL" explain translate --dot | dot -Tsvg >translate.svg || fail "dot refuses the drawing of translate"
fi
if command -v xmllint >/dev/null; then
  { echo '<p>'; "$UNROLL" explain names --mathml; echo '</p>'; } | xmllint --noout - || fail "MathML is not XML"
fi
finish
