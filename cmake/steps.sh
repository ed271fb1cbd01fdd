# Steps that jobs/quickstart.sh and tests/run.sh share; to be sourced by bash under `set -euo pipefail`.
# Progress goes to stderr, the output of a step to build/logs, of which a failure shows the end.
# shellcheck shell=bash
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)

say() { printf '%s\n' "$*" >&2; }

# step NAME DOING COMMAND...: run COMMAND quietly and say how long it took.
step() {
  local log="$root/build/logs/$1.log" doing=$2 begin=$SECONDS
  shift 2
  mkdir -p "$root/build/logs"
  printf '%s ... ' "$doing" >&2
  if "$@" >"$log" 2>&1; then
    say "$((SECONDS - begin)) s"
  else
    say "failed. The end of $log:"
    tail -n 40 "$log" >&2
    return 1
  fi
}

# install_packages build|test: goes on when that is impossible, since libraries may be there in another way.
install_packages() {
  packages_installed=yes
  bash "$root/cmake/install-packages.sh" "$1" || packages_installed=no
}

# build_preset PRESET: configure and build; both are quick when nothing has changed.
build_preset() {
  local tree="$root/build/$1" fresh=()
  # A checkout that was moved or copied brings a cache that speaks of its old place.
  if [[ -f $tree/CMakeCache.txt ]] && ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$root" "$tree/CMakeCache.txt"; then
    fresh=(--fresh)
  fi
  if ! command -v cmake >/dev/null; then
    say "cmake is not installed (3.25 or newer is needed)"
    return 1
  fi
  if ! (cd "$root" && step "configure-$1" "configuring $1" cmake --preset "$1" "${fresh[@]}"); then
    if [[ ${packages_installed-yes} == no ]]; then
      say "Something that the build needs was not found; the packages it needs are listed at the top."
    fi
    return 1
  fi
  (cd "$root" && step "build-$1" "building $1" cmake --build --preset "$1")
}

# Open MPI refuses to start as root, as one is in most containers, unless told twice.
allow_mpi_as_root() {
  if ((EUID == 0)); then
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  fi
}
