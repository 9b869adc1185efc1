# packages.sh - sourced by demo and test: installs what is missing on a Debian machine, saying what and why.
# Root needs no sudo; others use sudo when it is there. Nothing is installed when nothing is missing.

missing=
need() { # need PACKAGE WHY [COMMAND]: wants a package, unless COMMAND is there already
  if [ -n "${3:-}" ] && command -v "$3" >/dev/null 2>&1; then return 0; fi
  if command -v dpkg-query >/dev/null 2>&1 &&
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; then return 0; fi
  if [ -z "${3:-}" ] && command -v pkg-config >/dev/null 2>&1 && [ -n "${4:-}" ] && pkg-config --exists "$4"; then return 0; fi
  echo "missing: $1 ($2)"
  missing="$missing $1"
}

install_missing() { # returns 1 when something could not be installed
  [ -n "$missing" ] || return 0
  local root=
  if ! command -v apt-get >/dev/null 2>&1; then
    echo "This script installs with apt-get, which is not here. Please install by hand:$missing" >&2
    return 1
  fi
  if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null 2>&1; then
      echo "Not root, and no sudo. Please run as root: apt-get install$missing" >&2
      return 1
    fi
    root=sudo
  fi
  echo "installing:$missing"
  # shellcheck disable=SC2086
  $root apt-get -qq update && $root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install $missing \
    </dev/null >/dev/null || { echo "Could not install:$missing" >&2; missing=; return 1; }
  missing=
}

need_build_tools() {
  need gcc "the C compiler" cc
  need libc6-dev "the C library's headers" "" ""
  need cmake "writes the build files" cmake
  command -v ninja >/dev/null 2>&1 || need make "runs the build" make
  need pkg-config "finds libraries" pkg-config
  need libjansson-dev "JSON, the one library that Unroll needs" "" jansson
  if command -v apt-get >/dev/null 2>&1 && { [ "$(id -u)" = 0 ] || command -v sudo >/dev/null 2>&1; }; then
    need zlib1g-dev "data packed by gzip; Unroll builds without it too" "" zlib
    need libzstd-dev "data packed by zstd; Unroll builds without it too" "" libzstd
    need libutf8proc-dev "Unicode's composed form, 'chars nfc'; Unroll builds without it too" "" libutf8proc
    need libpng-dev "pictures as PNG; Unroll builds without it too" "" libpng
    need libjpeg-dev "pictures as JPEG; Unroll builds without it too" "" libjpeg
    need libexpat1-dev "drawings as SVG and InkML; Unroll builds without it too" "" expat
    need libsndfile1-dev "recordings other than plain WAV; Unroll builds without it too" "" sndfile
    need libmpg123-dev "recordings as MP3; Unroll builds without it too" "" libmpg123
    need libmicrohttpd-dev "the command serve; Unroll builds without it too" "" libmicrohttpd
    need libsamplerate0-dev "recordings of other rates; Unroll builds without it too" "" samplerate
  fi
  # Found, but not a package of the system: a compiler of one's own brings its headers.
}

# The headers of what reads films: large packages, so the demo does without.
need_film_headers() {
  for part in avformat avcodec swscale avutil; do
    need "lib$part-dev" "films; Unroll builds without it too" "" "lib$part"
  done
}
