#!/usr/bin/env python3
"""Prints "PASSED FAILED" for the test cases of a ctest run in a build directory."""

import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def cases_of(report: pathlib.Path) -> tuple[int, int]:
    passed = failed = 0
    for case in ElementTree.parse(report).iter("testcase"):
        if case.find("skipped") is not None:
            continue
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        else:
            passed += 1
    return passed, failed


def main() -> None:
    build = pathlib.Path(sys.argv[1])
    passed = failed = 0
    for program in ElementTree.parse(build / "ctest.xml").iter("testcase"):
        program_failed = program.get("status") != "run"
        try:
            good, bad = cases_of(build / "tests" / f"{program.get('name')}.xml")
        except (OSError, ElementTree.ParseError):
            good, bad = (0, 1) if program_failed else (1, 0)
        # A crash or a leak found at the end is in no case's record.
        if program_failed and bad == 0:
            bad = 1
        passed += good
        failed += bad
    print(passed, failed)


main()
