#!/usr/bin/env bash
# Builds every fuzz target as OSS-Fuzz and ClusterFuzzLite ask, and lays it out in $OUT:
#   TARGET, TARGET_seed_corpus.zip, TARGET.dict, TARGET.options; and what adapter_fuzzer loads
# All of this is read from the environment: CC CXX CFLAGS CXXFLAGS LIB_FUZZING_ENGINE FUZZING_ENGINE SANITIZER
# ARCHITECTURE SRC WORK OUT. The sources are in $SRC/sigsweep; nothing is written but to $WORK and $OUT.
# Exit status: 0; 1 something is not built, or can't be.
set -euo pipefail

: "${CC:?}" "${CXX:?}" "${CFLAGS?}" "${CXXFLAGS?}" "${LIB_FUZZING_ENGINE:?}" "${SRC:?}" "${WORK:?}" "${OUT:?}"

refuse() {
  printf 'build.sh: %s\n' "$*" >&2
  exit 1
}

case ${ARCHITECTURE:?} in
  x86_64) isa=amd64 ;;
  i386) isa=386 ;;
  *) refuse "ARCHITECTURE: $ARCHITECTURE is not offered (project.yaml: x86_64, i386)" ;;
esac
case ${FUZZING_ENGINE:?} in
  libfuzzer) ;;
  afl)
    [[ $isa == amd64 ]] || refuse "afl is not offered for $ARCHITECTURE"
    # What runs in signal context stays as it is, and fuzz/counters_afl.S wants AFL++'s usual instrumentation: not one
    # of those that the service draws by lot, which also add calls among the boundaries.
    export AFL_LLVM_DENYLIST=$SRC/sigsweep/fuzz/afl_denylist.txt
    unset AFL_LLVM_INSTRUMENT AFL_LLVM_CMPLOG AFL_LLVM_LAF_ALL AFL_LLVM_DICT2FILE
    rm -f "$OUT/afl_cmplog.txt"
    ;;
  *) refuse "FUZZING_ENGINE: $FUZZING_ENGINE is not offered (project.yaml: libfuzzer, afl)" ;;
esac

build=$WORK/sigsweep
rm -rf "$build"
cmake -S "$SRC/sigsweep" -B "$build" -G Ninja --log-level=WARNING -DSIGSWEEP_SERVICE=ON -DSIGSWEEP_ISA="$isa" \
  -DSIGSWEEP_FUZZ="$FUZZING_ENGINE" -DSIGSWEEP_SANITIZE="${SANITIZER:?}" -DSIGSWEEP_ENGINE_LINK="$LIB_FUZZING_ENGINE"
cmake --build "$build" --target fuzzers

# Its place is beside adapter_fuzzer. The services would take an executable file for a target.
[[ ! -f $build/adapter-boost_context-$isa.so ]] || install -m 644 "$build/adapter-boost_context-$isa.so" "$OUT/"

# A boundary has another number in each build, so the inputs are made by the target itself.
shopt -s nullglob
cd "$SRC/sigsweep"
for source in fuzz/*_fuzzer.cc; do
  target=$(basename "$source" .cc)
  if [[ ! -x $build/$target ]]; then
    printf 'build.sh: %s is left out for %s (fuzz/CMakeLists.txt says why)\n' "$target" "$ARCHITECTURE" >&2
    continue
  fi
  cp "$build/$target" "$OUT/$target"
  inputs=$build/inputs/$target
  mkdir -p "$inputs"
  "$build/$target" --inputs "$inputs" corpus/{seeds,fuzz}/"$target"/*.sched
  rm -f "$OUT/${target}_seed_corpus.zip"
  zip -q -j -r "$OUT/${target}_seed_corpus.zip" "$inputs"
  "$build/$target" --dictionary >"$OUT/$target.dict"
  "$build/$target" --options >"$OUT/$target.options"
done
