#!/usr/bin/env bash
# clang-format, the order of the rooms, clang-tidy; whatever fails, the others still speak.
# With --quick: no clang-tidy. clang-tidy looks again only at what changed since it last agreed.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bad=0

mapfile -t sources < <(git ls-files -co --exclude-standard '*.h' '*.cpp' | while read -r f; do [ -e "$f" ] && echo "$f"; done)
[ ${#sources[@]} -gt 0 ] || exit 0
clang-format-19 --dry-run -Werror "${sources[@]}" || bad=1
python3 scripts/check_rooms.py || bad=1

if [ "${1:-}" != --quick ]; then
  # A configuration of its own: no ccache in front of the compiler, which clang-tidy would take for the compiler.
  .venv/bin/cmake --preset release -B build-tidy -DXFA_CCACHE= -DXFA_PRECOMPILED=OFF --log-level=WARNING >/dev/null || exit 1
  agreed=build-tidy/agreed
  mkdir -p "$agreed"
  # What a verdict depends on, beside the file: the rules and our headers.
  headers=$(git ls-files -co --exclude-standard '*.h' '*.def' .clang-tidy | sort | xargs sha256sum 2>/dev/null | sha256sum)
  check() {
    local file=$1 key
    key=$({ echo "$headers"; cat "$file"; } | sha256sum | cut -d' ' -f1)
    [ -e "$agreed/$key" ] && return 0
    clang-tidy-19 -p build-tidy --quiet "$file" 2>/dev/null && touch "$agreed/$key"
  }
  export -f check
  export headers agreed
  printf '%s\n' "${sources[@]}" | grep '\.cpp$' | xargs -P "$(nproc)" -I{} bash -c 'check {}' || bad=1
fi
[ $bad = 0 ] && echo "style: no complaints"
exit $bad
