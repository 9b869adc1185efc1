# cells.sh - docs/cells.md is what the program says about the cells inside it.
. "$SOURCE/tests/cli/common.sh"

run list --markdown
expect 0 "# The cells" "## lstm" "4 N² + 4 N M + 4 N"
cmp -s out "$SOURCE/docs/cells.md" || {
  diff out "$SOURCE/docs/cells.md" | head -n 10
  fail "docs/cells.md is not current: unroll list --markdown >docs/cells.md"
}
for cell in "$SOURCE"/cells/*.cell; do
  name=$(basename "$cell" .cell)
  grep -q "^## $name\$" "$SOURCE/docs/cells.md" || fail "docs/cells.md has no section '$name'"
  lines=$(grep -cv '^#' "$cell")
  [ "$lines" -ge 1 ] && [ "$lines" -le 12 ] || fail "$cell has $lines lines of equations"
  head -n 1 "$cell" | grep -q '^# ' || fail "$cell does not begin with a comment"
done
finish
