# docs.sh - the pages name what the rows of src/graph/*.def have: every kind, distribution and function. Their links lead somewhere.
. "$SOURCE/tests/cli/common.sh"

# rows FILE PATTERN: the first argument of the rows that begin so.
rows() { sed -nE "s/^$2\\(\"?([A-Za-z_0-9]+)\"?,.*/\\1/p" "$SOURCE/src/graph/$1"; }

# named PAGE COUNT WHAT FORM...: at least COUNT names come in; for each of them one line of the page has one of the forms, % being the name.
named() {
  local page=$SOURCE/docs/$1 least=$2 what=$3 seen=0 name form found
  shift 3
  while read -r name; do
    seen=$((seen + 1)) found=
    for form in "$@"; do
      if grep -qF -e "${form//%/$name}" "$page"; then found=1; fi
    done
    [ "$found" ] || fail "${page##*/} does not have the $what '$name'"
  done
  [ "$seen" -ge "$least" ] || fail "only $seen names of $what were found, not $least"
}

rows kinds.def KIND >kinds
named data.md 15 kind '`%`' '`%(' <kinds
named language.md 15 kind '`%`' '`%(' <kinds

sed -nE 's/^(NUMBERS|VECTORS|SYMBOLS)\(([a-z_0-9]+),.*/\2/p' "$SOURCE/src/graph/distributions.def" >distributions
named language.md 10 distribution '| `%(' <distributions

# Functions: those of functions.def, and the elementwise ones with a derivative. One without is the program's own.
rows functions.def FUNCTION >functions
sed -nE '/NULL/! s/^(UNARY|BINARY)\([A-Z_0-9]+, "([a-z_0-9]+)".*/\2/p' "$SOURCE/src/graph/ops.def" >>functions
named language.md 30 function '`%`' '`%(' <functions

# What the README counts.
for counted in 'cells cell' 'nets net'; do
  set -- $counted
  there=$(find "$SOURCE/$1" -name "*.$2" | wc -l)
  grep -q "^| $1 | $there, each a text file" "$SOURCE/README.md" || fail "README.md does not say that there are $there $1"
done

# Links between pages, and their places: a heading as the usual sites make an address of it.
anchors() { # anchors PAGE
  sed -nE 's/^#+ //p' "$1" | tr 'A-Z' 'a-z' | sed -E 's/[^a-z0-9 _-]//g; s/ /-/g'
}
for page in README.md CONTRIBUTING.md examples/README.md $(cd "$SOURCE" && ls docs/*.md); do
  folder=$(dirname "$SOURCE/$page")
  grep -oE '\]\([^)]+\)' "$SOURCE/$page" | sed -E 's/^\]\(//; s/\)$//' >links
  while read -r link; do
    case $link in http*) continue ;; esac
    file=${link%%#*} place=
    case $link in *#*) place=${link#*#} ;; esac
    target=$folder/$file
    [ "$file" ] || target=$SOURCE/$page
    [ -e "$target" ] || { fail "$page: no file for the link '$link'"; continue; }
    [ -z "$place" ] || anchors "$target" | grep -qxF -e "$place" || fail "$page: no heading for the link '$link'"
  done <links
done
cd "$SOURCE" || exit 1
for page in docs/*.md; do
  cat README.md CONTRIBUTING.md docs/*.md | grep -qF -e "${page#docs/}" || fail "no page links to $page"
done
cd "$work" || exit 1
finish
