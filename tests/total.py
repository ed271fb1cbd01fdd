#!/usr/bin/env python3
"""Add up JUnit reports of ctest. Names what failed and what was skipped, and closes with the line
"N passed, N failed, N skipped". Exit status 0 when some test ran and none failed.

Usage: total.py REPORT.xml...
"""
import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def outcome(case):
    """passed, failed or skipped. A test that could not be started counts as failed."""
    status = case.get("status")
    if status == "run":
        return "passed"
    if status == "disabled":
        return "skipped"
    mark = case.find("skipped")
    asked = mark is not None and mark.get("message", "").startswith("SKIP_")
    return "skipped" if asked else "failed"


def read_report(path):
    """(outcome, "build: test") of every test of one report."""
    return [(outcome(case), f"{path.stem}: {case.get('name')}")
            for case in ElementTree.parse(path).iter("testcase")]


def main(arguments):
    tests, damaged = [], False
    for path in map(pathlib.Path, arguments):
        try:
            tests += read_report(path)
        except (OSError, ElementTree.ParseError) as error:
            damaged = True
            print(f"{path}: {error}")
    groups = {kind: [name for got, name in tests if got == kind]
              for kind in ("passed", "failed", "skipped")}
    for kind in ("skipped", "failed"):
        for name in groups[kind]:
            print(f"{kind}: {name}")
    print(", ".join(f"{len(names)} {kind}" for kind, names in groups.items()))
    ran = groups["passed"] or groups["failed"]
    return 0 if ran and not groups["failed"] and not damaged else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
