# tone.sh - sourced by tests of recordings.

# tone FILE RATE HERTZ SAMPLES: a WAV file of 8 bits
tone() {
  LC_ALL=C awk -v rate="$2" -v hertz="$3" -v n="$4" 'function le(x, k) { while (k-- > 0) { printf "%c", x % 256; x = int(x / 256) } }
    BEGIN { printf "RIFF"; le(36 + n, 4); printf "WAVEfmt "; le(16, 4); le(1, 2); le(1, 2); le(rate, 4); le(rate, 4); le(1, 2); le(8, 2)
      printf "data"; le(n, 4); for (i = 0; i < n; i++) le(int(128.5 + 90 * sin(6.2831853 * hertz * i / rate)), 1) }' >"$1"
}
