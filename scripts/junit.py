#!/usr/bin/python3
"""junit.py FILE: what ctest says in its report: `TESTS FAILURES`, then a line for each test that did not run, and why."""

import re
import sys
import xml.etree.ElementTree


def reason(case):
    """Of a test that did not run: what GoogleTest's GTEST_SKIP says, or the last line that the test wrote."""
    output = case.findtext("system-out", "").strip()
    said = re.search(r": Skipped\n(.*?)\n*\[  SKIPPED \]", output, re.DOTALL)
    lines = (said.group(1) if said else output).strip().splitlines() or ["without a reason"]
    return lines[0] if said else lines[-1]


def main():
    suite = xml.etree.ElementTree.parse(sys.argv[1]).getroot()
    print(suite.get("tests"), suite.get("failures"))
    for case in suite.iter("testcase"):
        if case.get("status") in ("notrun", "disabled"):
            print(f"{case.get('name')}: {reason(case)}")


main()
