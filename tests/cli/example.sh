# example.sh - the example on top of unroll.h compiles and runs; so does an installed library, by pkg-config and by CMake.
. "$SOURCE/tests/cli/common.sh"

sed -n '/^ \*     #include/,/^ \*     }$/p' "$SOURCE/include/unroll.h" | sed 's/^ \* \{0,5\}//' >first.c
same first.c "$SOURCE/examples/first.c" "the example in unroll.h is the one in examples/"
awk 'NR % 16 == 1' "$SOURCE/examples/places.txt" >places.txt

DESTDIR=$work/root cmake --install "$BUILD" >install.log 2>&1 || fail "cmake --install: $(tail -n 3 install.log)"
pc=$(find root -name unroll.pc)
prefix=$work/${pc%/lib*/pkgconfig/unroll.pc}
[ -n "$pc" ] || fail "no unroll.pc"
libdir=$(dirname "$(find "$prefix" -name libunroll.so)")
sed -i "s|^prefix=.*|prefix=$prefix|" "$pc"
export PKG_CONFIG_PATH=$libdir/pkgconfig LD_LIBRARY_PATH=$libdir

# Nothing but unroll_* is exported.
nm -D --defined-only "$libdir/libunroll.so" | awk '$2 ~ /[TDBR]/ && $3 !~ /^unroll_/ { print; bad = 1 } END { exit bad }' || fail "exported names"

if [ -z "${SANITIZE:-}" ]; then
  ${CC:-cc} -std=c11 -Wall -Wextra -Werror first.c -o first $(pkg-config --cflags --libs unroll) || fail "the example does not compile"
  ./first >out 2>err || fail "the example fails: $(cat err)"
  [ "$(grep -c 'probability 2^-' out)" = 3 ] || fail "not three names"
  grep -q 'log2 P(Vilanova) = -' out || fail "no score"
  ${CC:-cc} -std=c11 first.c -o first-static $(pkg-config --cflags unroll) "$libdir/libunroll.a" $(pkg-config --libs $(pkg-config --print-requires-private unroll)) -lm -pthread || fail "static library"
  rm -rf first-model
  ./first-static >out-static 2>err || fail "the static example fails: $(cat err)"
  cmp -s out out-static || fail "static and shared library differ"
  nm --defined-only "$libdir/libunroll.a" 2>/dev/null | awk '$2 ~ /[TDBR]/ && $3 !~ /^unroll_/ { print; bad = 1 } END { exit bad }' || fail "names in libunroll.a"

  # Three programs with data made here: a stepwise tagger and a forecaster in C, a classifier in C++.
  flags=$(pkg-config --cflags --libs unroll)
  for i in $(seq 40); do printf 'the D\ncat N\nsat V\n\na D\ndog N\nran V\nhome N\n\n'; done >tagged.txt
  ${CC:-cc} -std=c11 -Wall -Wextra -Werror -D_POSIX_C_SOURCE=200809L "$SOURCE/examples/tagger.c" -o tagger $flags || fail "tagger.c does not compile"
  printf 'the dog sat\na cat ran home\n' | ./tagger "$SOURCE/examples/stepwise.net" tagged.txt tagger-model >said 2>err || fail "the tagger fails: $(cat err)"
  printf 'the/D dog/N sat/V \na/D cat/N ran/V home/N \n' | cmp -s - said || fail "the tagger says $(cat said)"
  awk 'BEGIN { print "date,y"; for (i = 0; i < 120; i++) printf "%d-%02d-01,%.4f\n", 2010 + int(i / 12), i % 12 + 1, 10 + 4 * sin(i * 3.14159265 / 6) }' >sales.csv
  ${CC:-cc} -std=c11 -Wall -Wextra -Werror "$SOURCE/examples/forecaster.c" -o forecaster $flags || fail "forecaster.c does not compile"
  ./forecaster sales.csv forecaster-model >said 2>err || fail "the forecaster fails: $(cat err)"
  awk 'NR == 1 { if ($4 + 0 >= $9 + 0) exit 1 } NR > 1 { gsub(/[()]/, ""); if (!($3 <= $2 && $2 <= $5)) exit 1 } END { exit NR != 7 }' said || fail "the forecaster says $(cat said)"
  grep -q '^2020-01-01 ' said || fail "the forecast does not begin after the data"
  { echo text,label; for i in $(seq 30); do printf 'a fine and moving film,good\nwhat a dull bore,bad\nfine acting,good\na bore of a film,bad\n'; done; } >reviews.csv
  if command -v "${CXX:-c++}" >/dev/null; then
    ${CXX:-c++} -std=c++14 -Wall -Wextra -Werror "$SOURCE/examples/sentiment.cpp" -o sentiment $flags || fail "sentiment.cpp does not compile"
    ./sentiment reviews.csv sentiment-model 'fine moving acting' 'what a dull film' >said 2>err || fail "the classifier fails: $(cat err)"
    grep -q '^fine moving acting: good bad=0\.[0-9]* good=' said && grep -q '^what a dull film: bad ' said || fail "the classifier says $(cat said)"
  fi

  mkdir consumer
  cp first.c consumer
  cat >consumer/CMakeLists.txt <<'X'
cmake_minimum_required(VERSION 3.20)
project(consumer C)
find_package(unroll 0.1 REQUIRED)
add_executable(first first.c)
target_link_libraries(first unroll::unroll)
add_executable(first_static first.c)
target_link_libraries(first_static unroll::unroll_static)
X
  { cmake -S consumer -B consumer/build -DCMAKE_PREFIX_PATH="$prefix" && cmake --build consumer/build; } >consumer.log 2>&1 || fail "find_package: $(tail -n 5 consumer.log)"
  rm -rf first-model
  consumer/build/first_static >out-static 2>err || fail "unroll::unroll_static: $(cat err)"
  cmp -s out out-static || fail "unroll::unroll_static differs"
fi
[ -s "$(find "$prefix" -name language.md)" ] && [ -s "$(find "$prefix" -name places.net)" ] || fail "no docs or examples installed"
for file in bash-completion/completions/unroll zsh/site-functions/_unroll fish/vendor_completions.d/unroll.fish man/man1/unroll.1 \
  man/man1/unroll-train.1 man/man1/unroll-man.1; do
  [ -s "$prefix/share/$file" ] || fail "share/$file is not installed"
done
"$prefix/bin/unroll" --version >out || fail "the installed program"
DESTDIR=$work/root cmake --build "$BUILD" --target uninstall >uninstall.log 2>&1 || fail "uninstall: $(tail -n 3 uninstall.log)"
left=$(find root -type f -o -type l)
[ -z "$left" ] || fail "uninstall leaves $left"
finish
