#!/usr/bin/env bash
# Installs what is missing for a purpose:  scripts/setup.sh build|test|style|fuzz
#
# Everything it installs is pinned in deps/pins.txt. apt packages go to the system (root or sudo is needed only when one
# is missing), Python packages to .venv/, the ONNX C++ library to $XFA_DEPS_DIR (default: $XDG_CACHE_HOME/xfa, that is
# ~/.cache/xfa), in a folder keyed by all that went into it, so that every clone on a machine shares one build.
# Running it again costs little: each step first looks whether its work is done.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

purpose=${1:?usage: scripts/setup.sh build|test|style|fuzz}
pins=deps/pins.txt
jobs=$(nproc)
mkdir -p .deps/stamp

say() { printf 'setup: %s\n' "$*"; }
die() { printf 'setup: error: %s\n' "$*" >&2; exit 1; }
pinned() { awk -v kind="$1" '$1 == kind { $1 = ""; sub(/^ /, ""); print }' "$pins"; }

installApt() { # GROUP
  local wanted missing=() package state asRoot=()
  mapfile -t wanted < <(pinned "apt.$1")
  command -v dpkg-query >/dev/null || die "this is no Debian or Ubuntu; install by hand: ${wanted[*]}"
  for package in "${wanted[@]}"; do
    state=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || die "needs root to install: apt-get install ${missing[*]}"
    asRoot=(sudo)
  fi
  say "apt-get install ${missing[*]}"
  local apt=("${asRoot[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Acquire::Retries=3
             -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-unsafe-io)
  local log=.deps/apt-$1.log
  "${apt[@]}" update </dev/null >"$log" 2>&1 || true # stale lists may still do; the install says if not
  "${apt[@]}" install -y --no-install-recommends "${missing[@]}" </dev/null >>"$log" 2>&1 ||
    { cat "$log" >&2; die "apt-get could not install ${missing[*]}"; }
}

makeVenv() {
  [ -x .venv/bin/python ] && .venv/bin/python -c '' 2>/dev/null && return 0
  say "python3 -m venv .venv"
  rm -rf .venv
  python3 -m venv .venv
}

installPip() { # GROUP
  local wanted stamp=.deps/stamp/pip-$1
  wanted=$(pinned "pip.$1")
  [ -e "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && [ "$stamp" -nt .venv/pyvenv.cfg ] && return 0
  say "pip install" $wanted
  # --no-deps: pins.txt names every package, so nothing unpinned can slip in; pip check says if one is missing.
  # shellcheck disable=SC2086
  .venv/bin/python -m pip --disable-pip-version-check install -q --no-deps --only-binary :all: $wanted </dev/null
  .venv/bin/python -m pip --disable-pip-version-check check >/dev/null || .venv/bin/python -m pip check
  printf '%s\n' "$wanted" >"$stamp"
}

# Optimised lightly: it is built once by everybody, and only reads and writes small messages for us.
onnxFlags=(-DCMAKE_BUILD_TYPE=Release "-DCMAKE_CXX_FLAGS_RELEASE=-O1 -DNDEBUG" -DCMAKE_CXX_STANDARD=17 -DONNX_ML=ON
           -DONNX_USE_UNITY_BUILD=ON -DONNX_BUILD_PYTHON=OFF -DBUILD_SHARED_LIBS=OFF)

buildOnnx() {
  local source base key folder scratch log=$PWD/.deps/onnx.log
  source=$(pinned sdist.onnx)
  base=${XFA_DEPS_DIR:-${XDG_CACHE_HOME:-${HOME:-$PWD/.deps}/.cache}/xfa}
  key=$({ echo "$source" "${onnxFlags[@]}"; protoc --version; c++ -dumpfullversion; uname -m; } | sha256sum | cut -c1-12)
  source=${source/==/-}
  mkdir -p "$base"
  folder=$base/${source%% *}-$key
  (
    flock 9 # two clones may start at once; the second finds the first one's work
    if [ ! -e "$folder/complete" ]; then
      say "building the ONNX C++ library (once; about a minute) in $folder"
      scratch=$(mktemp -d "$base/build.XXXXXX")
      trap 'rm -rf "$scratch"' EXIT
      local launcher=()
      command -v ccache >/dev/null && launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
      pinned sdist.onnx >"$scratch/source.txt"
      mkdir "$scratch/source"
      {
        .venv/bin/python -m pip --disable-pip-version-check download -q --no-deps --no-binary onnx \
          --require-hashes -r "$scratch/source.txt" -d "$scratch" </dev/null &&
        tar -xzf "$scratch"/onnx-*.tar.gz -C "$scratch/source" --strip-components=1 &&
        .venv/bin/cmake -G Ninja -S "$scratch/source" -B "$scratch/build" "${onnxFlags[@]}" "${launcher[@]}" &&
        .venv/bin/cmake --build "$scratch/build" -j "$jobs" --target onnx &&
        .venv/bin/cmake --install "$scratch/build" --prefix "$scratch/install" &&
        cp "$scratch/source/LICENSE" "$scratch/install/" &&
        touch "$scratch/install/complete" &&
        rm -rf "$folder" &&
        mv "$scratch/install" "$folder"
      } >"$log" 2>&1 || { tail -n 40 "$log" >&2; die "the ONNX library did not build; the whole log is $log"; }
    fi
  ) 9>"$base/lock"
  ln -sfn "$folder" .deps/onnx
}

case $purpose in
build)
  installApt base
  makeVenv
  installPip build
  # The compiler and the network are busy at different times: ONNX compiles while LLVM is fetched.
  buildOnnx & onnx=$!
  installApt llvm || { wait "$onnx"; exit 1; }
  wait "$onnx"
  ;;
test)
  makeVenv
  installPip test
  ;;
style | fuzz)
  installApt "$purpose"
  ;;
*) die "unknown purpose '$purpose'" ;;
esac
touch ".deps/stamp/$purpose"
