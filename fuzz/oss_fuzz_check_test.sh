#!/usr/bin/env bash
# oss_fuzz_check_test.sh ROOT: scripts/oss_fuzz_check passes an $OUT that is right, and fails each that is wrong in one
# way, by the line that says which. On small targets of its own: the project's take minutes to build.
# Exit status 77 where no mount namespace can be had.
set -euo pipefail

cd "$1"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for tool in zip unzip file; do
  command -v "$tool" >/dev/null || { echo "oss_fuzz_check_test: $tool is not installed" && exit 77; }
done
unshare -m true 2>/dev/null || { echo "oss_fuzz_check_test: no mount namespace can be had" && exit 77; }

# A target with more than a hundred edges that crashes at "crash", and says what it writes to.
cat >"$work/target.cc" <<'CC'
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
#define STEP(n) if (size > n && data[n] == n) count++;
#define STEPS(n) STEP(n) STEP(n + 1) STEP(n + 2) STEP(n + 3) STEP(n + 4) STEP(n + 5) STEP(n + 6) STEP(n + 7)
  static volatile int count;
  STEPS(0) STEPS(8) STEPS(16) STEPS(24) STEPS(32) STEPS(40) STEPS(48) STEPS(56)
  if (size >= 5 && std::memcmp(data, "crash", 5) == 0) std::abort();
#if defined(LEAKS)
  static void* volatile lost;
  lost = std::malloc(100);
  lost = nullptr;
#endif
#if defined(WRITES)
  if (std::FILE* file = std::fopen(WRITES, "w")) std::fclose(file); else std::abort();
#endif
  return 0;
}
// With WANTS: leaves, unless one of its arguments is that. With REFUSES: leaves if its first one is that.
extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
#if defined(WANTS)
  for (int i = 1; i < *argc; i++) if (std::strcmp((*argv)[i], WANTS) == 0) return 0;
  std::_Exit(2);
#elif defined(REFUSES)
  if (*argc > 1 && std::strcmp((*argv)[1], REFUSES) == 0) {
    std::fprintf(stderr, "\033[31mred\033[0m\n");
    std::_Exit(2);
  }
#elif defined(WANTS_OUT)
  if (std::getenv("OUT") == nullptr) std::_Exit(2);
#endif
  return argc == nullptr || argv == nullptr;
}
CC
echo 'int main() {}' >"$work/helper.cc"

# compile NAME FLAGS...
compile() {
  local name=$1
  shift
  clang++ -O1 -g -static-libstdc++ -static-libgcc "$@" "$work/target.cc" -o "$work/$name"
}
compile good -fsanitize=fuzzer,address &
compile no_coverage -fsanitize=address -fsanitize-coverage=0 "$(clang++ -print-file-name=libclang_rt.fuzzer-x86_64.a)" &
compile no_asan -fsanitize=fuzzer &
compile writes_here -fsanitize=fuzzer,address -DWRITES='"stray"' &
compile writes_tmp -fsanitize=fuzzer,address -DWRITES='"/tmp/fine"' &
compile leaks -fsanitize=fuzzer,address -DLEAKS &
compile refuses_separator -fsanitize=fuzzer,address -DREFUSES='"--"' &
compile wants_option -fsanitize=fuzzer,address -DWANTS='"-only_ascii=1"' &
compile wants_out -fsanitize=fuzzer,address -DWANTS_OUT &
compile needs_glibc -fsanitize=fuzzer,address -Wl,--no-as-needed -lresolv &
clang++ -shared -fPIC "$work/helper.cc" -o "$work/libforeign.so"
compile needs_foreign -fsanitize=fuzzer,address -Wl,--no-as-needed -L"$work" -lforeign &
wait
clang++ "$work/helper.cc" -o "$work/helper"

# lay_out BINARY: an $OUT whose targets are all that binary.
lay_out() {
  local target source
  rm -rf "$work/out"
  mkdir -p "$work/out" "$work/seeds"
  printf 'seed' >"$work/seeds/one"
  for source in fuzz/*_fuzzer.cc; do
    target=$(basename "$source" .cc)
    [[ $target == schedule_fuzzer ]] || continue # one is enough
    cp "$work/$1" "$work/out/$target"
    (cd "$work/seeds" && rm -f "$work/out/${target}_seed_corpus.zip" && zip -q "$work/out/${target}_seed_corpus.zip" ./*)
    printf '"word"\n' >"$work/out/$target.dict"
    printf '[libfuzzer]\nonly_ascii = 1\n' >"$work/out/$target.options"
  done
}

# expect STATUS TEXT WHAT [ARGUMENT...]: of $work/out, where there is no ARGUMENT
expect() {
  local status=0 arguments=("${@:4}")
  ((${#arguments[@]} > 0)) || arguments=(--out "$work/out")
  scripts/oss_fuzz_check "${arguments[@]}" >"$work/output" 2>&1 || status=$?
  if ((status != $1)) || ! grep -F -- "$2" "$work/output" >/dev/null || grep -F $'\x1b' "$work/output" >/dev/null; then
    echo "oss_fuzz_check_test: $3: status $status, expected $1 and '$2':" >&2
    cat "$work/output" >&2
    exit 1
  fi
}

lay_out good && expect 0 "pass" "a target that is right"
lay_out writes_tmp && expect 0 "pass" "a target that writes to /tmp"
lay_out needs_glibc && expect 0 "pass" "a target that needs another library of glibc"
lay_out needs_foreign && expect 1 "needs libforeign.so" "a target that needs a library that no image has"
lay_out no_coverage && expect 1 "has no coverage instrumentation" "a target without instrumentation"
lay_out no_asan && expect 1 "is not compiled with ASan" "a target without the sanitizer"
lay_out writes_here && expect 1 "does not start" "a target that writes where it runs"
lay_out refuses_separator && expect 1 "does not start" "a target that takes no -- before its arguments"
lay_out wants_option && expect 0 "pass" "a target that is given its .options"
lay_out wants_out && expect 1 "does not start" "a target that relies on OUT"
lay_out leaks && expect 1 "does not start" "a target that leaks memory"
lay_out good && cp "$work/helper" "$work/out/helper" && expect 1 "helper looks like a target" "a helper binary left"
lay_out good && rm "$work/out/schedule_fuzzer.dict" && expect 1 "schedule_fuzzer.dict is not there" "no dictionary"
printf 'crash' >"$work/seeds/two"
lay_out good && expect 1 "has a seed that crashes it" "a crashing seed"

# AFL++, by its own driver.
if command -v afl-clang-fast++ >/dev/null; then
  AFL_QUIET=1 afl-clang-fast++ -O1 -g -static-libstdc++ -static-libgcc -fsanitize=address "$work/target.cc" \
    /usr/lib/afl/libAFLDriver.a -o "$work/by_afl" 2>"$work/log" || { cat "$work/log" >&2 && exit 1; }
  lay_out by_afl && expect 1 "has a seed that crashes it" "a seed that crashes under AFL++" --out "$work/out" --engine afl
  mv "$work/seeds/two" "$work/two"
  lay_out by_afl && expect 0 "pass" "a target under AFL++ that is right" --out "$work/out" --engine afl
  lay_out good && expect 1 "can't be fuzzed by afl-fuzz" "a target of another engine" --out "$work/out" --engine afl
  mv "$work/two" "$work/seeds/two"
fi

# What the services must know of the project.
rm "$work/seeds/two"
lay_out good
mkdir -p "$work/checkout/fuzz"
cp -r scripts .clusterfuzzlite "$work/checkout/"
cp fuzz/schedule_fuzzer.cc "$work/checkout/fuzz/"
sed -i '/^main_repo:/d' "$work/checkout/.clusterfuzzlite/project.yaml"
(cd "$work/checkout" && expect 1 "project.yaml has no main_repo: https://" "a project whose sources are nowhere")

expect 2 "is not offered" "a configuration that project.yaml does not have" --engine afl --architecture i386
expect 2 "unknown architecture: 'arm'" "an architecture that no service has" --architecture arm
expect 2 "--engine needs a value" "an engine without a name" --engine ""
