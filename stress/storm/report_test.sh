#!/usr/bin/env bash
# report_test.sh ROOT: the stress report can be made from runs on any number of processors, and in a locale with a comma
# in its numbers.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin"
printf '#!/bin/sh\nexec cat >>"%s/plots"\n' "$work" >"$work/bin/gnuplot" # only scripts/stress installs it
chmod +x "$work/bin/gnuplot"

# The reference run, as N processors would give it; the most Ms are 64.
of_processors() { # N
  /usr/bin/python3 - "$1" "$2/results/reference/storm-amd64.jsonl" <<'END'
import json, sys
cpus = int(sys.argv[1])
ms = min(cpus, 64)
for line in open(sys.argv[2], encoding="utf-8"):
    row = json.loads(line)
    if row["kind"] == "run":
        here = row["machine"]["cpus"]
        row["machine"]["cpus"] = cpus
    elif row["kind"] == "bare":
        row["threads"] = ms
    elif row["kind"] == "storm" and row["protocol"] == "reject" and row["ms"] == here:
        row["ms"] = ms
        row["rate_asked"] = 10000 // ms if row["rate_asked"] == 10000 // here else row["rate_asked"]
    print(json.dumps(row))
END
}

for processors in 1 2 3 64 65 1000; do
  of_processors "$processors" "$1" >"$work/rows"
  for locale in C de_DE.UTF-8; do # de_DE is C if it is not installed
    : >"$work/plots"
    status=0
    PATH=$work/bin:$PATH LC_ALL=$locale /usr/bin/python3 "$1/stress/storm/report.py" "$work/rows" "$work/page-$locale" \
      >"$work/out" 2>"$work/err" || status=$?
    if ((status > 1 || $(grep -c -E '^- (holds|FAILS): ' "$work/out") != 2)) || grep Traceback "$work/err" >/dev/null; then
      echo "report_test: $processors processors, locale $locale: status $status" >&2
      cat "$work/err" >&2
      exit 1
    fi
    sed "s/page-$locale/page/" "$work/plots" >"$work/plots-$locale"
  done
  cmp "$work/plots-C" "$work/plots-de_DE.UTF-8"
done
