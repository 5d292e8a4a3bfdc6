#!/usr/bin/env bash
# junit_test.sh ROOT: scripts/junit.py counts a report of ctest, and says why a test was skipped; a missing program is a
# failure.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/report.xml" <<'END'
<testsuite name="x" tests="5" failures="1" disabled="0" skipped="3">
<testcase name="Passes" status="run"><system-out>fine</system-out></testcase>
<testcase name="Fails" status="fail"><failure message=""/><system-out>bad</system-out></testcase>
<testcase name="Skips" status="notrun"><skipped message="SKIP_REGULAR_EXPRESSION_MATCHED"/><system-out>[ RUN ]
a_test.cc:2: Skipped
no runner for arm
[  SKIPPED ] A.Skips</system-out></testcase>
<testcase name="Returns77" status="notrun"><skipped message="SKIP_RETURN_CODE=77"/><system-out>one
zip is not installed
</system-out></testcase>
<testcase name="Gone" status="notrun"><skipped message=""/><system-out>Unable to find executable: /x</system-out></testcase>
</testsuite>
END

diff - <(/usr/bin/python3 "$1/scripts/junit.py" "$work/report.xml") <<'END'
5 2
Skips: no runner for arm
Returns77: zip is not installed
END
