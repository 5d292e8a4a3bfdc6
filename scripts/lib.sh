# shellcheck shell=bash
# What the scripts share. To be sourced; defines functions and package lists, runs nothing.

# Debian package names. The compiler goes by its generic name: any clang from 14 on will do.
# shellcheck disable=SC2034  # read by the scripts that source this file
BASE_PACKAGES=(
  clang libclang-rt-dev llvm g++ cmake ninja-build ccache
  libcli11-dev nlohmann-json3-dev libfmt-dev libcapstone-dev libsqlitecpp-dev libdw-dev
  libgtest-dev libgmock-dev libbenchmark-dev libboost-context-dev libpth-dev
  python3 python3-jsonschema gdb binutils
)
# Style tools are pinned: another version formats, and warns, differently.
# shellcheck disable=SC2034
TEST_PACKAGES=(clang-format-14 shellcheck git afl++)
# What only scripts/test --full needs.
# shellcheck disable=SC2034
FULL_PACKAGES=(clang-tidy-14)

# Consumers of what sigsweep writes, and engines of many machines: a test that can't have its own is skipped.
# shellcheck disable=SC2034
CONSUMER_PACKAGES=(python3-junitparser python3-yaml parallel gnuplot-nox)
# What only scripts/test --full needs, likewise.
# shellcheck disable=SC2034
FULL_CONSUMER_PACKAGES=(libbenchmark-tools python3-scipy)
# shellcheck disable=SC2034
MACHINES_PACKAGES=(slurm-wlm munge)

# Without these an ISA is left out of the build, which says so.
# clang's sanitizers and libFuzzer for 386 are in libclang-rt-dev, among BASE_PACKAGES.
# shellcheck disable=SC2034
ISA_PACKAGES=(g++-12-multilib g++-arm-linux-gnueabihf qemu-user)

# What a page of results is drawn with (docs/page.md). Without it no page is made.
# shellcheck disable=SC2034
PAGE_PACKAGES=(node-d3)
# What the test of the page in a browser needs, in scripts/test --full; axe-core comes by npm, into build/.
# shellcheck disable=SC2034
BROWSER_PACKAGES=(chromium chromium-driver python3-selenium)

# What .clusterfuzzlite/build.sh and the checks of what it makes need beside.
# shellcheck disable=SC2034
SERVICE_PACKAGES=(zip unzip util-linux)

# root: prints the root of the repository.
root() {
  (cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
}

# fuzz_targets: prints the names of the fuzz targets, one a line: each is a file in fuzz/.
fuzz_targets() {
  local source
  for source in "$(root)"/fuzz/*_fuzzer.cc; do
    source=${source##*/}
    printf '%s\n' "${source%.cc}"
  done
}

# check_corpus FOLDER: exits with status 2 where it, or an input in it, is none that the engines can take.
check_corpus() {
  local largest=1048576 unfit # bytes of an input
  [[ -d $1 && -r $1 && -x $1 ]] || die 2 "$1: no readable folder"
  unfit=$(find "$1" ! -readable -print -quit 2>/dev/null) || true # it fails where it can't read, and has named that
  [[ -z $unfit ]] || die 2 "$unfit: cannot be read"
  unfit=$(find "$1" -type f -size "+${largest}c" -print -quit)
  [[ -z $unfit ]] || die 2 "$unfit: larger than the $largest bytes that an input may have"
}

# commit: prints the short name of the commit that is checked out; "unknown" where there is no git, or no repository.
commit() {
  git -c safe.directory="$PWD" rev-parse --short=12 HEAD 2>/dev/null || echo unknown
}

# origin COMMAND: prints a JSON line that says what figures are of: command, commit, compiler, engine, date, machine.
origin() {
  local processor engine
  engine=$(afl-fuzz -h 2>&1 | head -n 1 | sed 's/\x1b\[[0-9;]*m//g') || true # without its colours; -h is a failure to it,
  # and where there is no AFL++ the figures are of none
  processor=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
  /usr/bin/python3 -c 'import json, sys; print(json.dumps(dict(zip(sys.argv[1::2], sys.argv[2::2]))))' \
    command "$1" commit "$(commit)" compiler "$(clang --version | head -n 1)" afl "$engine" \
    date "$(date -u +%F)" machine "$(uname -sr), $(nproc) processors, $processor"
}

# log_file NAME: prints the path of the log called NAME, which can be written; exits with status 3 where it cannot.
log_file() {
  local log
  log=$(root)/build/logs/$1.log
  need_writable "$log"
  printf '%s\n' "$log"
}

# need_writable FILE...: makes those that are missing, with their folders; exits with status 3 where one cannot be
# written, as in a read-only folder or another user's checkout.
need_writable() {
  local file
  for file in "$@"; do
    { mkdir -p "${file%/*}" && : >>"$file"; } 2>/dev/null || die 3 "$file: cannot be written"
  done
}

# only_one NAME: exits with status 3 where another script that has called it so is at work in this checkout.
only_one() {
  local lock
  lock=$(root)/build/logs/$1.lock
  need_writable "$lock"
  exec 8>>"$lock"
  flock -n 8 || die 3 "another scripts/$1 is at work in this checkout; one at a time can write its results"
}

# processors MOST: how many this process may use, at most MOST; whatever OpenMP's variables say, which nproc heeds.
processors() {
  local count
  count=$(env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc)
  echo $((count < $1 ? count : $1))
}

# say MESSAGE...: progress and diagnosis, on stderr.
say() {
  printf '%s\n' "$*" >&2
}

# die STATUS MESSAGE...
die() {
  local status=$1
  shift
  say "${0##*/}: $*"
  exit "$status"
}

# help_asked ARGUMENT...: where one is --help or -h, prints what is written at the head of the script, and exits.
help_asked() {
  [[ " $* " == *" --help "* || " $* " == *" -h "* ]] || return 0
  sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"
  exit 0
}

# open_streams: of the standard streams those that are closed are opened to nothing, or the next file takes the number
# of one, and to print is a failure.
open_streams() {
  [[ -e /dev/fd/0 ]] || exec </dev/null
  [[ -e /dev/fd/1 ]] || exec >/dev/null
  [[ -e /dev/fd/2 ]] || exec 2>/dev/null
}

is_installed() {
  command -v dpkg-query >/dev/null &&
    dpkg-query -W -f '${db:Status-Status}\n' "$1" 2>/dev/null | grep -x installed >/dev/null
}

# as_root COMMAND...: runs it as root, without ever asking for a password.
as_root() {
  if ((EUID == 0)); then
    "$@"
  else
    sudo -n "$@"
  fi
}

apt_install() {
  local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120)
  as_root "${apt[@]}" update || say "apt-get update failed; trying with the lists at hand"
  as_root "${apt[@]}" install -y --no-install-recommends "$@"
}

# want_packages PACKAGE...: as need_packages, but goes on without them.
want_packages() {
  (need_packages "$@") || say "going on without: $*"
}

# need_packages PACKAGE...: installs those that are missing; exits with status 3 where it cannot.
need_packages() {
  local missing=() package log
  for package in "$@"; do
    is_installed "$package" || missing+=("$package")
  done
  if ((${#missing[@]} == 0)); then
    return 0
  fi
  command -v apt-get >/dev/null ||
    die 3 "there is no apt-get here; please install these packages: ${missing[*]}"
  ((EUID == 0)) || sudo -n true 2>/dev/null ||
    die 3 "not root, and no sudo without a password; please install these packages: ${missing[*]}"
  say "installing: ${missing[*]}"
  log=$(log_file apt) || exit
  if ! apt_install "${missing[@]}" </dev/null >"$log" 2>&1; then
    cat "$log" >&2
    die 3 "could not install these packages: ${missing[*]}"
  fi
}

# configure_and_build PRESET [TARGET...]: one line on stderr; the whole log too if it fails.
# Builds of one preset take turns: two cmakes in one folder spoil each other's files.
configure_and_build() {
  local preset=$1 log start=$SECONDS build
  shift
  log=$(log_file "$preset") || return 1 # nothing is made, and an older log is not this build's
  (need_writable "${log%.log}.lock") || return 1
  [[ ! -e ${log%/logs/*}/$preset || -w ${log%/logs/*}/$preset ]] ||
    die 3 "${log%/logs/*}/$preset: cannot be written by $(id -un), so nothing can be built here"
  build=(cmake --build --preset "$preset")
  if (($# > 0)); then
    build+=(--target "$@")
  fi
  if (flock 9 && exec </dev/null >"$log" 2>&1 &&
    cd "$(root)" && cmake --preset "$preset" && "${build[@]}") 9>"${log%.log}.lock"; then
    say "built $preset in $((SECONDS - start)) s"
  else
    cat "$log" >&2
    say "the build of preset $preset failed after $((SECONDS - start)) s (log: build/logs/$preset.log)"
    return 1
  fi
}

# run_command COMMAND ARGUMENT...: becomes `sigsweep COMMAND ARGUMENT...`, once its packages are installed and the command
# is built, and what it then says that it needs. Exit status: the command's; 3 where something can't be had.
# SIGSWEEP_PRESET (release): whose command. The fuzz targets are beside it in the same checkout.
run_command() {
  local preset=${SIGSWEEP_PRESET-release} sigsweep needs targets
  open_streams
  need_packages "${BASE_PACKAGES[@]}"
  configure_and_build "$preset" proof || die 3 "there is no command to run"
  sigsweep=$(root)/build/$preset/sigsweep
  if [[ " $* " != *" --help "* && " $* " != *" -h "* ]]; then
    needs=$("$sigsweep" "$@" --needs) || exit
    [[ " $* " != *" --isa 386 "* ]] || want_packages "${ISA_PACKAGES[@]}"
    while read -r preset targets; do
      # shellcheck disable=SC2086  # a word a target
      [[ -z $preset ]] || configure_and_build "$preset" $targets || die 3 "what $1 runs could not be built"
    done <<<"$needs"
  fi
  exec "$sigsweep" "$@"
}
