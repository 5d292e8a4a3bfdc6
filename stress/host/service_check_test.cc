// `sigsweep service-check` as scripts/oss_fuzz_check uses it: it passes an $OUT that is right, and
// fails each that is wrong in one way, by the line that says which. On small targets of its own:
// the project's take minutes to build. Skipped where no mount namespace can be had.
#include "stress/host/command_fixture.h"

namespace sigsweep {
namespace {

// A target with more than a hundred edges that aborts at "crash".
constexpr const char* kTarget = R"(
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <unistd.h>
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
// WANTS: leaves, unless one of its arguments is that. REFUSES: leaves, if its first one is that.
// HANGS: waits for ever, and so does a child that is in a session of its own.
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
#elif defined(HANGS)
  if (fork() == 0) setsid();
  for (;;) pause();
#endif
  return argc == nullptr || argv == nullptr;
}
)";

constexpr const char* kCompile = "clang++ -O1 -g -static-libstdc++ -static-libgcc ";
constexpr const char* kByLibFuzzer = "-fsanitize=fuzzer,address ";

// A checkout in small: the command reads of it which targets there are, and project.yaml.
class ServiceCheck : public Command {
 protected:
  void SetUp() override {
    for (const char* tool : {"clang++", "zip", "unzip"}) {
      if (run(std::string("command -v ") + tool).status != 0)
        GTEST_SKIP() << "there is no " << tool;
    }
    setenv("OUT", "/somewhere", 1);  // as in the services' builder
    if (run("unshare -m true").status != 0) GTEST_SKIP() << "no mount namespace can be had";
    for (const char* folder : {"/fuzz", "/.clusterfuzzlite", "/seeds", "/out"})
      fs::create_directories(folder_ + folder);
    write("fuzz/some_fuzzer.cc", "");
    write("fuzz/other_fuzzer.cc", "");
    write(".clusterfuzzlite/project.yaml", "language: c++\nmain_repo: https://example.com/x.git\n");
    write("target.cc", kTarget);
    write("foreign.cc", "");
    write("seeds/one", "seed");
  }

  void compile(const std::string& flags) {
    ASSERT_EQ(run("cd " + folder_ + " && clang++ -shared -fPIC foreign.cc -o libforeign.so").status,
              0);
    const Ran ran = run("cd " + folder_ + " && " + kCompile + flags + " target.cc -o target");
    ASSERT_EQ(ran.status, 0) << ran.output;
  }
  // An $OUT whose target is compiled like that.
  void lay_out(const std::string& flags) {
    compile(flags);
    write("out/some_fuzzer.dict", "\"word\"\n");
    write("out/some_fuzzer.options", "[libfuzzer]\nonly_ascii = 1\n");
    const Ran ran = run("cd " + folder_ +
                        "/seeds && mv ../target ../out/some_fuzzer && "
                        "rm -f ../out/some_fuzzer_seed_corpus.zip && "
                        "zip -q ../out/some_fuzzer_seed_corpus.zip ./*");
    ASSERT_EQ(ran.status, 0) << ran.output;
  }
  // The status, a text in the output, and no escape sequence in it.
  void expect(int status, const std::string& text, const std::string& arguments = "--out out") {
    const Ran ran = sigsweep("service-check " + arguments);
    EXPECT_EQ(ran.status, status) << arguments << "\n" << ran.output;
    EXPECT_NE(ran.output.find(text), std::string::npos) << text << "\n" << ran.output;
    EXPECT_EQ(ran.output.find('\033'), std::string::npos) << ran.output;
  }
  // A build that came as far as that step.
  void build(const std::string& id, const std::string& step) {
    fs::create_directories(folder_ + "/builds/" + id + "/out");
    write("builds/" + id + "/step", step + "\n");
  }
};

struct Planted {
  const char* name;
  const char* flags;
  int status;
  const char* text;
};

void PrintTo(const Planted& planted, std::ostream* out) {
  *out << planted.flags;
}

class ServiceTarget : public ServiceCheck, public testing::WithParamInterface<Planted> {};

TEST_P(ServiceTarget, IsJudged) {
  lay_out(GetParam().flags);
  if (HasFatalFailure()) return;
  expect(GetParam().status, GetParam().text);
}

constexpr const char* kRight =
    "pass  libfuzzer, address, x86_64: 1 targets, 0 things wrong; left out: other_fuzzer\n";

INSTANTIATE_TEST_SUITE_P(
    All, ServiceTarget,
    testing::Values(
        Planted{"Right", "-fsanitize=fuzzer,address", 0, kRight},
        Planted{"WritesToTmp", "-fsanitize=fuzzer,address -DWRITES='\"/tmp/fine\"'", 0, kRight},
        Planted{"NeedsGlibc", "-fsanitize=fuzzer,address -Wl,--no-as-needed -lresolv", 0, kRight},
        Planted{"WantsItsOption", "-fsanitize=fuzzer,address -DWANTS='\"-only_ascii=1\"'", 0,
                kRight},
        Planted{"NeedsAForeignLibrary",
                "-fsanitize=fuzzer,address -Wl,--no-as-needed -L. -lforeign", 1,
                "  wrong: some_fuzzer needs libforeign.so, which their image may not have\n"},
        Planted{"NoCoverage",
                "-fsanitize=address -fsanitize-coverage=0 "
                "$(clang++ -print-file-name=libclang_rt.fuzzer-x86_64.a)",
                1, "  wrong: some_fuzzer has no coverage instrumentation, or little: "},
        Planted{"NoSanitizer", "-fsanitize=fuzzer", 1,
                "  wrong: some_fuzzer is not compiled with ASan: 0 calls, at least 1000 are "
                "expected\n"},
        Planted{"WritesWhereItRuns", "-fsanitize=fuzzer,address -DWRITES='\"stray\"'", 1,
                "  wrong: some_fuzzer does not start\n"},
        Planted{"WritesElsewhere",
                "-fsanitize=fuzzer,address -DWRITES='\"/var/tmp/sigsweep-stray\"'", 1,
                "  wrong: some_fuzzer does not start\n"},
        Planted{"RefusesTheSeparator", "-fsanitize=fuzzer,address -DREFUSES='\"--\"'", 1,
                "  wrong: some_fuzzer does not start\n    red\n"},
        Planted{"WantsOut", "-fsanitize=fuzzer,address -DWANTS_OUT", 1,
                "  wrong: some_fuzzer does not start\n"},
        Planted{"Leaks", "-fsanitize=fuzzer,address -DLEAKS", 1,
                "  wrong: some_fuzzer does not start\n"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST_F(ServiceCheck, AnotherArchitecture) {
  write("probe.cc", "int main() {}");
  if (run("cd " + folder_ + " && clang++ -m32 -fsanitize=fuzzer-no-link,address probe.cc").status !=
      0) {
    GTEST_SKIP() << "clang++ -m32 does not link (Debian: g++-12-multilib)";
  }
  lay_out(std::string("-m32 ") + kByLibFuzzer);
  expect(1, "  wrong: some_fuzzer is not for x86_64: it is for i386\n");
}

TEST_F(ServiceCheck, WhatElseIsInOut) {
  lay_out(kByLibFuzzer);
  write("out/helper", "#!/bin/sh\n");
  fs::permissions(folder_ + "/out/helper", fs::perms::owner_all);
  write("out/afl-service", "\177ELF");  // the service's own
  expect(1, "  wrong: helper looks like a target and is none\n");
  fs::permissions(folder_ + "/out/helper", fs::perms::owner_read);
  expect(0, kRight);
  write("out/helper", "\177ELF");
  expect(1, "  wrong: helper looks like a target and is none\n");
}

// A target may load it: it must not be executable, and their image must have what it needs.
TEST_F(ServiceCheck, ASharedObjectInOut) {
  lay_out(kByLibFuzzer);
  const auto link = [&](const std::string& what) {
    const Ran ran = run("cd " + folder_ + " && clang -shared -x c foreign.cc -x none " + what);
    ASSERT_EQ(ran.status, 0) << ran.output;
  };
  link("-o out/part.so && chmod 644 out/part.so");
  expect(0, kRight);
  fs::permissions(folder_ + "/out/part.so", fs::perms::owner_all);
  expect(1, "  wrong: part.so looks like a target and is none\n");
  link("-Wl,--no-as-needed -L. -lforeign -o out/part.so && chmod 644 out/part.so");
  expect(1, "  wrong: part.so needs libforeign.so, which their image may not have\n");
}

TEST_F(ServiceCheck, WhatBelongsToATarget) {
  for (const char* part :
       {"some_fuzzer.dict", "some_fuzzer.options", "some_fuzzer_seed_corpus.zip"}) {
    lay_out(kByLibFuzzer);
    write(std::string("out/") + part, "");
    expect(1, std::string("  wrong: ") + part + " is not there, or empty\n");
    fs::remove(folder_ + "/out/" + part);
    expect(1, std::string("  wrong: ") + part + " is not there, or empty\n");
  }
  write("out/some_fuzzer_seed_corpus.zip", "PK");
  expect(1, "  wrong: some_fuzzer_seed_corpus.zip cannot be unpacked\n");
  fs::remove(folder_ + "/out/some_fuzzer");
  expect(1, "  wrong: there is no target\n");
}

TEST_F(ServiceCheck, ASeedThatCrashes) {
  write("seeds/two", "crash");
  lay_out(kByLibFuzzer);
  expect(1, "  wrong: some_fuzzer has a seed that crashes it\n");
}

// AFL++, by its own driver.
TEST_F(ServiceCheck, Afl) {
  if (run("command -v afl-clang-fast++").status != 0) GTEST_SKIP() << "AFL++ is not installed";
  const std::string arguments = "--out out --engine afl";
  lay_out(kByLibFuzzer);
  expect(1, "  wrong: some_fuzzer can't be fuzzed by afl-fuzz", arguments);
  const auto by_afl = [&] {
    lay_out(kByLibFuzzer);
    const Ran ran = run("cd " + folder_ +
                        " && AFL_QUIET=1 afl-clang-fast++ -O1 -g -static-libstdc++ "
                        "-static-libgcc -fsanitize=address target.cc /usr/lib/afl/libAFLDriver.a "
                        "-o out/some_fuzzer");
    ASSERT_EQ(ran.status, 0) << ran.output;
  };
  by_afl();
  expect(0, "pass  afl, address, x86_64: 1 targets, 0 things wrong", arguments);
  write("seeds/two", "crash");
  by_afl();
  expect(1, "  wrong: some_fuzzer has a seed that crashes it\n", arguments);
}

TEST_F(ServiceCheck, WhatTheServicesMustKnowOfTheProject) {
  lay_out(kByLibFuzzer);
  write(".clusterfuzzlite/project.yaml", "language: c++\nmain_repo: https://\n");
  expect(1, "  wrong: .clusterfuzzlite/project.yaml has no main_repo: https://...\n");
  write(".clusterfuzzlite/project.yaml", "main_repo: https://example.com/x.git\n");
  expect(1, "  wrong: .clusterfuzzlite/project.yaml has no language: c++\n");
}

TEST_F(ServiceCheck, Usage) {
  expect(2, "'afl  i386' is not offered", "--engine afl --architecture i386");
  expect(2, "unknown architecture: 'arm' (allowed: x86_64, i386)", "--architecture arm");
  expect(2, "unknown engine: '' (allowed: libfuzzer, afl)", "--engine ''");
  expect(2, "unknown sanitizer: 'memory' (allowed: address, undefined)", "--sanitizer memory");
  expect(2, "nowhere: no folder", "--out nowhere");
  expect(2, "x86_64", "--environment libfuzzer");
  fs::remove_all(folder_ + "/fuzz");
  expect(2, "no fuzz/*_fuzzer.cc; allowed: the root of a checkout");
}

// A folder that nothing can be mounted over: no capability, as for who is not root.
TEST_F(ServiceCheck, NoMountNamespace) {
  const std::string drop = "setpriv --bounding-set -sys_admin --inh-caps -sys_admin " + kBin +
                           "/sigsweep service-check ";
  for (const char* arguments : {"--out out", "--plan"}) {
    const Ran ran = run("cd " + folder_ + " && " + drop + arguments);
    EXPECT_EQ(ran.status, 3) << ran.output;
    EXPECT_NE(ran.output.find("no mount namespace to run the targets in: unshare: Operation not "
                              "permitted"),
              std::string::npos)
        << ran.output;
  }
}

TEST_F(ServiceCheck, NoFolderToWorkIn) {
  const Ran ran =
      run("cd " + folder_ + " && TMPDIR=/nowhere " + kBin + "/sigsweep service-check --out out");
  EXPECT_EQ(ran.status, 3) << ran.output;
  EXPECT_NE(ran.output.find("no folder can be made in /nowhere ($TMPDIR)"), std::string::npos)
      << ran.output;
}

// ---- what scripts/oss_fuzz_check reads, and what it leaves

TEST_F(ServiceCheck, ThePlan) {
  EXPECT_EQ(sigsweep("service-check --plan").output,
            "libfuzzer-address-x86_64\nlibfuzzer-undefined-x86_64\nlibfuzzer-address-i386\n"
            "libfuzzer-undefined-i386\nafl-address-x86_64\n");
  EXPECT_EQ(sigsweep("service-check --plan --sanitizer undefined").output,
            "libfuzzer-undefined-x86_64\nlibfuzzer-undefined-i386\n");
  const Ran none = sigsweep("service-check --plan --out out");
  EXPECT_EQ(none.status, 0);
  EXPECT_EQ(none.output, "");
}

TEST_F(ServiceCheck, TheEnvironmentOfABuild) {
  const Ran ran = sigsweep("service-check --environment libfuzzer-undefined-i386");
  EXPECT_EQ(ran.status, 0);
  EXPECT_NE(ran.output.find("\nCXX=clang++\n"), std::string::npos) << ran.output;
  EXPECT_NE(ran.output.find("\nCXXFLAGS=-m32 -O1 "), std::string::npos) << ran.output;
  EXPECT_NE(ran.output.find("\nARCHITECTURE=i386\n"), std::string::npos) << ran.output;
  const std::string out =
      "\nOUT=" + fs::canonical(folder_).string() + "/build/service/libfuzzer-undefined-i386/out\n";
  EXPECT_NE(ran.output.find(out), std::string::npos) << ran.output;
  // .clusterfuzzlite/build.sh takes each of them, and no more.
  for (const char* id : {"libfuzzer-address-x86_64", "afl-address-x86_64"}) {
    const std::string all = sigsweep(std::string("service-check --environment ") + id).output;
    std::ifstream script(kSource + "/.clusterfuzzlite/build.sh");
    const std::string text(std::istreambuf_iterator<char>(script), {});
    for (const char* name : {"CC", "CXX", "CFLAGS", "CXXFLAGS", "LIB_FUZZING_ENGINE", "SRC", "WORK",
                             "OUT", "ARCHITECTURE", "FUZZING_ENGINE", "SANITIZER"}) {
      EXPECT_NE(("\n" + all).find(std::string("\n") + name + "="), std::string::npos) << name;
      EXPECT_NE(text.find(name), std::string::npos) << name;
    }
  }
}

TEST_F(ServiceCheck, EachStepThatABuildMayStopAt) {
  const std::string arguments = "--builds builds --sanitizer address --architecture x86_64 ";
  build("libfuzzer-address-x86_64", "link");
  build("afl-address-x86_64", "compiler");
  expect(
      77,
      "skip  libfuzzer, address, x86_64: clang++ -fsanitize=fuzzer,address does not link (Debian: "
      "libclang-rt-dev, g++-12-multilib)\n",
      arguments);
  expect(77, "skip  afl, address, x86_64: afl-clang-fast++ is not installed (Debian: afl++)\n",
         arguments);
  expect(77, "0 of 2 configurations passed, 0 failed, 2 could not be had\n", arguments);
  build("libfuzzer-address-i386", "run");
  expect(77, "skip  libfuzzer, address, i386: the kernel of this machine runs no i386 programs\n",
         "--builds builds --sanitizer address --architecture i386");
  build("libfuzzer-address-x86_64", "build");
  fs::create_directories(folder_ + "/build/logs");
  write("build/logs/oss-fuzz-libfuzzer-address-x86_64.log", "no rule to make it\n");
  expect(1, "  wrong: it does not build (log: build/logs/oss-fuzz-libfuzzer-address-x86_64.log)\n",
         arguments);
  expect(1, "    no rule to make it\n", arguments);
  expect(1, "0 of 2 configurations passed, 1 failed, 1 could not be had\n", arguments);
  lay_out(kByLibFuzzer);
  build("libfuzzer-address-x86_64", "built");
  fs::remove(folder_ + "/builds/libfuzzer-address-x86_64/out");
  fs::rename(folder_ + "/out", folder_ + "/builds/libfuzzer-address-x86_64/out");
  expect(77, kRight, arguments);
  expect(77, "1 of 2 configurations passed, 0 failed, 1 could not be had\n", arguments);
  expect(0, "1 of 1 configurations passed, 0 failed, 0 could not be had\n",
         arguments + "--engine libfuzzer");
  fs::remove(folder_ + "/builds/afl-address-x86_64/step");
  expect(3, "is no step of a build; scripts/oss_fuzz_check builds", arguments);
}

// The words that the script writes are those that the command knows.
TEST_F(ServiceCheck, TheStepsOfTheScript) {
  std::ifstream in(kSource + "/scripts/oss_fuzz_check");
  const std::string text(std::istreambuf_iterator<char>(in), {});
  const std::regex word("echo ([a-z]+) >step");
  unsigned count = 0;
  for (std::sregex_iterator at(text.begin(), text.end(), word), end; at != end; ++at, ++count) {
    build("afl-address-x86_64", (*at)[1]);
    EXPECT_NE(sigsweep("service-check --builds builds --engine afl").status, 3) << (*at)[1];
  }
  EXPECT_EQ(count, 5U);
}

TEST_F(ServiceCheck, Rows) {
  lay_out("-fsanitize=fuzzer");
  expect(1, "is not compiled with ASan", "--out out --json r.jsonl");
  build("afl-address-x86_64", "compiler");
  expect(77, "afl-clang-fast++ is not installed", "--builds builds --engine afl --json s.jsonl");
  const Ran valid = validate(folder_ + "/r.jsonl " + folder_ + "/s.jsonl");
  EXPECT_EQ(valid.status, 0) << valid.output;
  const auto failed = rows(folder_ + "/r.jsonl", "service");
  ASSERT_EQ(failed.size(), 1U);
  EXPECT_EQ(failed[0]["state"], "fail");
  EXPECT_EQ(failed[0]["targets"], json({"some_fuzzer"}));
  EXPECT_EQ(failed[0]["left_out"], json({"other_fuzzer"}));
  ASSERT_EQ(failed[0]["wrong"].size(), 1U);
  EXPECT_EQ(rows(folder_ + "/r.jsonl", "end")[0]["status"], 1);
  const auto skipped = rows(folder_ + "/s.jsonl", "service");
  ASSERT_EQ(skipped.size(), 1U);
  EXPECT_EQ(skipped[0]["state"], "skip");
  EXPECT_EQ(skipped[0]["reason"], "afl-clang-fast++ is not installed (Debian: afl++)");
}

// ---- SIGINT and SIGTERM

class ServiceStopped : public ServiceCheck {
 protected:
  ~ServiceStopped() override {
    for (const pid_t pid : processes()) kill(pid, SIGKILL);
  }
  pid_t start_check(const std::string& arguments) const {
    return start("service-check " + arguments, "TMPDIR=" + folder_);
  }
};

// The target has a child in a session of its own, as afl-fuzz has.
TEST_F(ServiceStopped, NothingIsLeft) {
  lay_out("-fsanitize=fuzzer,address -DHANGS");
  for (const int sig : {SIGINT, SIGTERM}) {
    const pid_t pid = start_check("--out out --json r.jsonl");
    const auto sessions = [&] {
      std::set<pid_t> found;
      for (const pid_t process : processes()) found.insert(getsid(process));
      return found.size();
    };
    ASSERT_TRUE(await([&] { return processes().size() == 3 && sessions() == 2; }));
    kill(pid, sig);
    int status = 0;
    EXPECT_TRUE(await([&] { return waitpid(pid, &status, WNOHANG) == pid; }));
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 4) << status;
    ASSERT_TRUE(processes().empty());
    EXPECT_EQ(rows(folder_ + "/r.jsonl", "end")[0]["status"], 4);
    for (const auto& entry : fs::directory_iterator(folder_)) {
      EXPECT_FALSE(entry.path().filename().string().starts_with("sigsweep-")) << entry;
    }
  }
}

}  // namespace
}  // namespace sigsweep
