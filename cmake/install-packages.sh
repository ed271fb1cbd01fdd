#!/usr/bin/env bash
# Install the Debian packages that ranksweep needs, those that are missing only.
#
# Usage: install-packages.sh build|test
#   build  what is needed to build and run
#   test   the same and what the tests add
# Exit status: 0 everything needed to build is there, 2 bad usage, 3 something is missing or the system
# cannot tell (it has been said what; a library installed in another way may still serve).
set -euo pipefail

build_set=(build-essential cmake ninja-build pkg-config
  openmpi-bin libopenmpi-dev libopenblas-openmp-dev liblapacke-dev libfftw3-dev libhdf5-dev
  libsndfile1-dev libsamplerate0-dev libyaml-dev libjansson-dev librandom123-dev libxxhash-dev
  zlib1g-dev libcmocka-dev)
test_set=(python3-numpy python3-h5py python3-pandas python3-torch clang-format)
cluster_set=(slurmctld slurmd slurm-client munge iproute2) # for tests that only root can run
cannot=3

say() { printf '%s\n' "$*" >&2; }

is_installed() {
  [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# missing_of PACKAGE...: fills `missing`.
missing_of() {
  local package
  missing=()
  for package in "$@"; do
    is_installed "$package" || missing+=("$package")
  done
}

# find_rights: fills `as_root` with what must stand before apt-get; fails when there is no way.
find_rights() {
  as_root=()
  if ((EUID == 0)); then return 0; fi
  command -v sudo >/dev/null || return 1
  if sudo -n true 2>/dev/null; then
    as_root=(sudo -n)
  elif [[ -t 0 && -t 2 ]]; then
    as_root=(sudo) # asks for the password
  else
    return 1
  fi
}

apt() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -y -qq \
    -o DPkg::Lock::Timeout=300 -o Acquire::Retries=2 -o Acquire::http::Timeout=30 "$@" </dev/null
}

# The lists of packages may be absent or old: they are fetched when the first attempt fails.
install() {
  apt install --no-install-recommends "$@" && return
  apt update && apt install --no-install-recommends "$@"
}

# install_or_tell PACKAGE...: quiet unless it fails.
install_or_tell() {
  local log
  missing_of "$@"
  if ((${#missing[@]} == 0)); then return 0; fi
  if ! command -v apt-get >/dev/null || ! find_rights; then
    say "These packages are missing, and this user cannot install them:"
    say "  ${missing[*]}"
    say "Install them with:  sudo apt-get install ${missing[*]}"
    return $cannot
  fi
  say "installing ${missing[*]} ..."
  log=$(mktemp)
  if install "${missing[@]}" >"$log" 2>&1; then
    rm -f "$log"
  else
    cat "$log" >&2
    rm -f "$log"
    say "Installing failed (log above). Needed: ${missing[*]}"
    return $cannot
  fi
}

tell_other_systems() {
  say "This is not a Debian-like system, so nothing is installed. ranksweep needs:"
  say "  a C17 compiler with OpenMP, CMake >= 3.25, Ninja, pkg-config;"
  say "  Open MPI 4, OpenBLAS (its OpenMP build), LAPACKE, FFTW 3 (single precision), HDF5 >= 1.10 (serial),"
  say "  libsndfile, libsamplerate, libyaml, jansson, Random123, xxHash, zlib, cmocka."
  say "Its tests also use Python 3 with numpy, h5py, pandas and torch, and clang-format 14."
  say "On Debian these are the packages: ${build_set[*]}; for the tests: ${test_set[*]}, as root also ${cluster_set[*]}"
}

# install_cluster: the tests start daemons of their own; those of the system are neither started now nor with the machine.
install_cluster() {
  local policy=/usr/sbin/policy-rc.d ours=no status=0 package
  local fresh=()
  missing_of "${cluster_set[@]}"
  if ((${#missing[@]} == 0)); then return 0; fi
  fresh=("${missing[@]}")
  if [[ ! -e $policy ]]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    ours=yes
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT # also when it is interrupted
  fi
  install_or_tell "${cluster_set[@]}" || status=$?
  if [[ $ours == yes ]]; then
    rm -f "$policy"
    trap - EXIT
  fi
  if command -v systemctl >/dev/null; then
    for package in "${fresh[@]}"; do
      case $package in
        munge | slurmctld | slurmd) systemctl disable "$package" >/dev/null 2>&1 || true ;;
      esac
    done
  fi
  return "$status"
}

main() {
  if [[ $# -ne 1 || ! $1 =~ ^(build|test)$ ]]; then
    say "usage: install-packages.sh build|test"
    return 2
  fi
  if ! command -v dpkg-query >/dev/null; then
    tell_other_systems
    return $cannot
  fi
  install_or_tell "${build_set[@]}" || return
  if [[ $1 == test ]] && ! install_or_tell "${test_set[@]}"; then
    say "Going on: tests that need these packages are skipped."
  fi
  if [[ $1 == test ]] && ((EUID == 0)) && ! install_cluster; then
    say "Going on: tests on a SLURM cluster are skipped."
  fi
}

main "$@"
