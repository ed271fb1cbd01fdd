#!/usr/bin/env bash
# From a fresh checkout to first results: installs what is missing, builds, runs jobs/quickstart.yaml and
# shows what came out. Running it again continues where it was, or just shows the finished results.
#
# Usage: jobs/quickstart.sh [--fresh] [OPTION of `ranksweep run`]...
#   --fresh   throw the earlier results away and start anew
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../cmake/steps.sh"

job=jobs/quickstart.yaml
results=results/quickstart.h5
program=build/release/src/cli/ranksweep
stopped_early=75 # exit status of a run that wants to be continued

what_next() {
  cat >&2 <<END

The results are in $root/$results (HDF5). What to try next, in $root:

  $program show $results --best       the most accurate trial
  $program show $results --pareto     no other is more accurate with fewer parameters
  python3 -c 'import h5py, pandas; print(pandas.DataFrame(h5py.File("$results")["trials"][:]))'
      (the same in Python; needs python3-h5py and python3-pandas)
  \$EDITOR $job                 change something, then run it:
  $program run $job -o results/mine.h5

The real thing: five layers of 1024 on MNIST. Name the folder that has its four IDX files:
  $program run jobs/mnist-svd-compress.yaml --set data.path=FOLDER
END
}

main() {
  local again="" status=0 begin
  if [[ ${1-} == -h || ${1-} == --help ]]; then
    sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"
    return
  fi
  install_packages build
  build_preset release
  allow_mpi_as_root
  cd "$root"
  mkdir -p results

  if [[ -e $results && " $* " != *" --fresh "* ]]; then again=" (continuing; --fresh starts anew)"; fi
  say "running $job$again"
  begin=$SECONDS
  "$program" run "$job" -o "$results" "$@" || status=$?
  say "the run took $((SECONDS - begin)) s"
  if ((status == stopped_early)); then say "It was stopped early: the same command continues it."; fi
  if ((status > 1)); then return "$status"; fi

  "$program" show "$results"
  what_next
  return "$status"
}

main "$@"
