// The tables. Not here: the services' libc++. It comes with their image, and clang's own builds
// have it.
#include "stress/host/commands/service_configurations.h"

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>

namespace sigsweep {
namespace {

constexpr ServiceEngine kEngines[] = {
    {.name = "libfuzzer",
     .cc = "clang",
     .cxx = "clang++",
     .link = "-fsanitize=fuzzer",
     .flags = "-fsanitize=fuzzer-no-link",
     .packages = "libclang-rt-dev, g++-12-multilib"},
    {.name = "afl",
     .cc = "afl-clang-fast",
     .cxx = "afl-clang-fast++",
     .link = "/usr/lib/afl/libAFLDriver.a",
     .flags = "",
     .packages = "afl++"},
};

constexpr ServiceSanitizer kSanitizers[] = {
    {.name = "address",
     .flags = "-fsanitize=address -fsanitize-address-use-after-scope",
     .title = "ASan",
     .symbols = "__asan"},
    {.name = "undefined",
     .flags = "-fsanitize=array-bounds,bool,builtin,enum,function,integer-divide-by-zero,null,"
              "object-size,return,returns-nonnull-attribute,shift,signed-integer-overflow,"
              "unsigned-integer-overflow,unreachable,vla-bound,vptr "
              "-fno-sanitize-recover=array-bounds,bool,builtin,enum,function,"
              "integer-divide-by-zero,null,object-size,return,returns-nonnull-attribute,shift,"
              "signed-integer-overflow,unreachable,vla-bound,vptr",
     .title = "UBSan",
     .symbols = "__ubsan"},
};

constexpr ServiceArchitecture kArchitectures[] = {
    {.name = "x86_64", .isa = "amd64", .flags = "", .machine = EM_X86_64},
    {.name = "i386", .isa = "386", .flags = "-m32", .machine = EM_386},
};

constexpr ServiceConfiguration kConfigurations[] = {
    {.engine = "libfuzzer",
     .sanitizer = "address",
     .architecture = "x86_64",
     .least_calls = 1000,
     .most_calls_to_other = 200},
    {.engine = "libfuzzer",
     .sanitizer = "undefined",
     .architecture = "x86_64",
     .least_calls = 168,
     .most_calls_to_other = 0},
    {.engine = "libfuzzer",
     .sanitizer = "address",
     .architecture = "i386",
     .least_calls = 1000,
     .most_calls_to_other = 280},
    {.engine = "libfuzzer",
     .sanitizer = "undefined",
     .architecture = "i386",
     .least_calls = 168,
     .most_calls_to_other = 0},
    {.engine = "afl",
     .sanitizer = "address",
     .architecture = "x86_64",
     .least_calls = 1000,
     .most_calls_to_other = 200},
};

constexpr const char* kBaseFlags =
    "-O1 -fno-omit-frame-pointer -gline-tables-only -DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION";

constexpr const char* kAsanOptions =
    "alloc_dealloc_mismatch=0:allocator_may_return_null=1:allocator_release_to_os_interval_ms=500:"
    "check_malloc_usable_size=0:detect_container_overflow=1:detect_odr_violation=0:detect_leaks=1:"
    "detect_stack_use_after_return=1:fast_unwind_on_fatal=0:handle_abort=1:handle_segv=1:"
    "handle_sigill=1:max_uar_stack_size_log=16:print_scariness=1:quarantine_size_mb=10:"
    "strict_memcmp=1:symbolize=1:use_sigaltstack=1:dedup_token_length=3";
constexpr const char* kUbsanOptions =
    "print_stacktrace=1:print_summary=1:silence_unsigned_overflow=1:symbolize=1:"
    "dedup_token_length=3";

struct Variable {
  const char *name, *value;
};
constexpr Variable kAflVariables[] = {
    {"AFL_NO_UI", "1"},
    {"AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES", "1"},
    {"AFL_SKIP_CPUFREQ", "1"},
    {"AFL_TRY_AFFINITY", "1"},
    {"AFL_FAST_CAL", "1"},
    {"AFL_CMPLOG_ONLY_NEW", "1"},
    {"AFL_FORKSRV_INIT_TMOUT", "30000"},
    {"AFL_IGNORE_PROBLEMS", "1"},
    {"AFL_IGNORE_UNKNOWN_ENVS", "1"},
};

template <class Row, std::size_t n>
const Row& row_of(const Row (&rows)[n], std::string_view name) {
  return *std::ranges::find(rows, name, [](const Row& row) { return std::string_view(row.name); });
}

template <class Row, std::size_t n>
std::vector<std::string> names_of(const Row (&rows)[n]) {
  std::vector<std::string> names;
  for (const Row& row : rows) names.emplace_back(row.name);
  return names;
}

// Words with one blank between them; empty ones are left out.
std::string words(std::initializer_list<std::string_view> all) {
  std::string line;
  for (const std::string_view word : all) {
    if (word.empty()) continue;
    if (!line.empty()) line += ' ';
    line += word;
  }
  return line;
}

}  // namespace

std::string ServiceConfiguration::id() const {
  return fmt::format("{}-{}-{}", engine, sanitizer, architecture);
}

std::string ServiceConfiguration::title() const {
  return fmt::format("{}, {}, {}", engine, sanitizer, architecture);
}

const ServiceEngine& ServiceConfiguration::engine_row() const {
  return row_of(kEngines, engine);
}

const ServiceSanitizer& ServiceConfiguration::sanitizer_row() const {
  return row_of(kSanitizers, sanitizer);
}

const ServiceSanitizer& ServiceConfiguration::other_sanitizer() const {
  static_assert(std::size(kSanitizers) == 2);
  return &sanitizer_row() == &kSanitizers[0] ? kSanitizers[1] : kSanitizers[0];
}

const ServiceArchitecture& ServiceConfiguration::architecture_row() const {
  return row_of(kArchitectures, architecture);
}

std::vector<ServiceConfiguration> service_configurations(const std::string& engine,
                                                         const std::string& sanitizer,
                                                         const std::string& architecture) {
  const auto fits = [](const std::string& asked, const char* name) {
    return asked.empty() || asked == name;
  };
  std::vector<ServiceConfiguration> chosen;
  for (const ServiceConfiguration& c : kConfigurations) {
    if (fits(engine, c.engine) && fits(sanitizer, c.sanitizer) &&
        fits(architecture, c.architecture)) {
      chosen.push_back(c);
    }
  }
  return chosen;
}

std::vector<std::string> service_engines() {
  return names_of(kEngines);
}

std::vector<std::string> service_sanitizers() {
  return names_of(kSanitizers);
}

std::vector<std::string> service_architectures() {
  return names_of(kArchitectures);
}

std::vector<std::string> service_ids() {
  std::vector<std::string> ids;
  for (const ServiceConfiguration& c : kConfigurations) ids.push_back(c.id());
  return ids;
}

ServiceEnvironment build_environment(const ServiceConfiguration& configuration,
                                     const std::string& folder) {
  const ServiceEngine& engine = configuration.engine_row();
  const std::string flags = words({configuration.architecture_row().flags, kBaseFlags,
                                   configuration.sanitizer_row().flags, engine.flags});
  ServiceEnvironment all = {{"CC", engine.cc},
                            {"CXX", engine.cxx},
                            {"LIB_FUZZING_ENGINE", engine.link},
                            {"CFLAGS", flags},
                            {"CXXFLAGS", flags},
                            {"FUZZING_ENGINE", configuration.engine},
                            {"SANITIZER", configuration.sanitizer},
                            {"ARCHITECTURE", configuration.architecture},
                            {"ASAN_OPTIONS", kAsanOptions},
                            {"UBSAN_OPTIONS", kUbsanOptions},
                            {"SRC", folder + "/src"},
                            {"WORK", folder + "/work"},
                            {"OUT", folder + "/out"}};
  if (engine.name == std::string_view("afl")) all.emplace_back("AFL_QUIET", "1");
  return all;
}

std::map<std::string, std::string> target_environment(const ServiceConfiguration& configuration) {
  std::map<std::string, std::string> all = {{"ASAN_OPTIONS", kAsanOptions},
                                            {"UBSAN_OPTIONS", kUbsanOptions}};
  if (configuration.engine != std::string_view("afl")) return all;
  for (const Variable& v : kAflVariables) all[v.name] = v.value;
  all["ASAN_OPTIONS"] += ":abort_on_error=1:symbolize=0:detect_odr_violation=0:";
  all["UBSAN_OPTIONS"] += ":symbolize=0";
  return all;
}

}  // namespace sigsweep
