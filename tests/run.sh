#!/usr/bin/env bash
# Build and run the tests, once optimised with program checks (dev) and once under sanitizers (asan).
# The last line says "N passed, N failed, N skipped"; the exit status is 0 when some ran and none failed.
#
# Usage: tests/run.sh              all tests but the long ones
#        tests/run.sh LABEL...     tests with one of these labels: unit lint fuzz cli mpi oracle readers faults hosts slurm
#        tests/run.sh long [NAME]  the long tests (whose name contains NAME), dev build only
# Environment: RS_TEST_DATA is the folder of real data (default: ../shared/data beside the checkout).
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../cmake/steps.sh"

asan_labels='unit|fuzz' # as in the test preset
reports=$root/build/reports

find_data() {
  local beside=$root/../shared/data
  if [[ -z ${RS_TEST_DATA-} && -d $beside ]]; then RS_TEST_DATA=$beside; fi
  if [[ -z ${RS_TEST_DATA-} ]]; then
    say "RS_TEST_DATA is not set: tests on real data (MNIST, speech) are skipped."
  elif [[ ! -d $RS_TEST_DATA ]]; then
    say "RS_TEST_DATA names no folder: $RS_TEST_DATA"
    return 1
  else
    RS_TEST_DATA=$(cd "$RS_TEST_DATA" && pwd -P)
    export RS_TEST_DATA
    say "real data from $RS_TEST_DATA"
  fi
}

# run_preset PRESET CTEST-OPTION...: which tests failed is for total.py to say; fails when ctest itself did.
run_preset() {
  local preset=$1 status=0 some_failed=8
  shift
  (cd "$root" && ctest --preset "$preset" --parallel "$(nproc)" --no-tests=ignore \
    --output-junit "$reports/$preset.xml" "$@") || status=$?
  [[ -s $reports/$preset.xml ]] && ((status == 0 || status == some_failed))
}

# build_and_run PRESET CTEST-OPTION...
build_and_run() {
  if ! build_preset "$1" || ! run_preset "$@"; then
    say "The $1 tests did not run to their end."
    incomplete=yes
  fi
}

main() {
  local only="" options=(-LE '^long$') asan=yes incomplete=no status=0
  case ${1-} in
    -h | --help)
      sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"
      return
      ;;
    "") ;;
    long)
      options=(-L '^long$' ${2:+-R "$2"})
      asan=no
      ;;
    *)
      only="^($(IFS='|' && printf '%s' "$*"))\$"
      options+=(-L "$only")
      if ! printf '%s\n' "$@" | grep -qxE "$asan_labels"; then asan=no; fi
      ;;
  esac
  find_data
  install_packages test
  allow_mpi_as_root
  rm -rf "$reports"
  mkdir -p "$reports"

  build_and_run dev "${options[@]}"
  if [[ $asan == yes ]]; then build_and_run asan "${options[@]}"; fi

  shopt -s nullglob
  python3 "$root/tests/total.py" "$reports"/*.xml || status=$?
  if [[ $incomplete == yes ]]; then return 1; fi
  return "$status"
}

main "$@"
