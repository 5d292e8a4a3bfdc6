#!/usr/bin/env bash
# bisect_test.sh ROOT: `git bisect run scripts/reproduce --bisect` finds the commit that brought a finding, in a little
# history whose commits are built by a stand-in for cmake.
set -euo pipefail

source=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() {
  echo "bisect_test: $*" >&2
  cat "$work"/*.out >&2 || true
  exit 1
}

# cmake: a commit with a file `broken` does not build; another one's command says what the file `verdict` says.
mkdir -p "$work/bin" "$work/repository/scripts"
cat >"$work/bin/cmake" <<'END'
#!/usr/bin/env bash
[[ $1 == --build ]] || exit 0
[[ ! -e broken ]] || exit 1
mkdir -p build/release
cp command build/release/sigsweep
END
cat >"$work/command" <<'END'
#!/usr/bin/env bash
# replay FLAG... FILE: as sigsweep's, with a verdict that the commit has.
verdict=$(cat verdict)
[[ $verdict != gone ]] || exit 2
[[ $verdict != failed ]] || exit 3
[[ $verdict != stopped ]] || exit 4
wanted=$(sed -n 's/^expect *//p' "${@: -1}")
[[ $verdict == "${wanted:-ok}" ]]
END
chmod +x "$work/bin/cmake" "$work/command"
export PATH=$work/bin:$PATH GIT_CONFIG_GLOBAL=/dev/null

cd "$work/repository"
git init -q
git config user.email test@localhost
git config user.name test
cp "$source"/scripts/{reproduce,lib.sh} scripts/
cp "$work/command" .
printf 'build\nresults\n' >.gitignore
mkdir -p results/nightly/triage
printf 'sigsweep schedule 1\nexpect    wrong-switch\n' >results/nightly/triage/0123456789abcdef.sched

# commit NAME VERDICT [broken]
commit() {
  rm -f broken
  echo "$2" >verdict
  echo "$1" >name
  [[ -z ${3-} ]] || touch broken
  git add -A
  git commit -qm "$1"
  git tag "$1"
}
commit sound ok
commit unbuilt ok broken
commit still-sound ok
commit without-boundary gone
commit culprit wrong-switch
commit another-verdict crash
commit failing failed
commit last wrong-switch

# status_at COMMIT: the exit status of a step there.
status_at() {
  local status=0
  git checkout -q "$1"
  scripts/reproduce --bisect "${2-0123456789abcdef}" >"$work/step.out" 2>&1 || status=$?
  echo "$status"
}
for expected in sound:0 unbuilt:125 still-sound:0 without-boundary:125 culprit:1 another-verdict:1 failing:125; do
  got=$(status_at "${expected%:*}")
  [[ $got == "${expected#*:}" ]] || fail "at ${expected%:*} the status is $got, and not ${expected#*:}"
done
[[ $(status_at sound fedcba9876543210) == 255 ]] || fail "an id without a schedule does not stop the bisection"
[[ $(status_at culprit results/nightly/triage/0123456789abcdef.sched) == 1 ]] || fail "a file is not taken"

git bisect start last still-sound >"$work/bisect.out"
git bisect run scripts/reproduce --bisect 0123456789abcdef >>"$work/bisect.out" 2>&1 || true
# The commit in front of it has no such boundary: git names both, and the culprit as the first that is bad for sure.
[[ $(git log --format=%s -1 refs/bisect/bad 2>&1) == culprit ]] || fail "git bisect run found another commit"
