# shellcheck shell=bash
# What only scripts/test --full runs, and why. To be sourced.
# All else is run by scripts/test as well: a new test is, where no line here names it.

# shellcheck disable=SC2034  # read by scripts/test
ALL_PRESETS=(release gcc asan tsan fuzz afl)

# only_full: a line each: PRESET PATTERN WHY. PATTERN is ctest's, of tests' names, without a blank; `.*`: the preset is
# not even built.
only_full() {
  cat <<'END'
gcc .* a second compiler for the same tests
asan .* preset fuzz has the same sanitizers and the same tests, but the command's: those need no sanitizer
tsan .* one program, the storm, which preset release runs without the sanitizer
afl .* a second engine for the same targets
fuzz (^fuzz|_fuzzer)\.386(\.|$) the same targets for 386, whose stubs preset release runs; they are not built either
fuzz ^hazard_fuzzer\.(arg-clobbered\.itimer|result-clobbered\..*|wrong-switch\.kill)$ two hunts, by either source, are left
fuzz ^malloc_fuzzer\.short$ 12 s of a processor; its seeds and its two planted faults are left
fuzz ^Pairs\.EverySignalIsAccountedForByEveryProtocol$ 14 s of a processor; preset release runs it in one
END
}

# landing_target PRESET: what scripts/test builds of it; empty: all that --full does.
landing_target() {
  if [[ $1 == fuzz ]]; then
    echo tests
  fi
}

# only_full_of PRESET: its patterns, as one; empty: there is none.
only_full_of() {
  only_full | awk -v preset="$1" '$1 == preset { all = all (all == "" ? "" : "|") $2 } END { print all }'
}

# landing_presets: those that scripts/test builds, one a line.
landing_presets() {
  local preset
  for preset in "${ALL_PRESETS[@]}"; do
    [[ $(only_full_of "$preset") == '.*' ]] || printf '%s\n' "$preset"
  done
}
