// What OSS-Fuzz and ClusterFuzzLite build of this project: the configurations that
// .clusterfuzzlite/project.yaml offers, as tables. Flags, options and limits are the services' own,
// those of August 2026.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace sigsweep {

struct ServiceEngine {
  const char *name, *cc, *cxx;
  const char* link;      // what a target is linked with: LIB_FUZZING_ENGINE
  const char* flags;     // for the compiler
  const char* packages;  // Debian's, that have it
};

struct ServiceSanitizer {
  const char *name, *flags;
  const char *title, *symbols;  // of its runtime: what its functions' names begin with
};

struct ServiceArchitecture {
  const char *name, *isa, *flags;
  unsigned machine;  // of an ELF header
};

// One of those that the services would build. The names are of the three tables' rows.
struct ServiceConfiguration {
  const char *engine, *sanitizer, *architecture;
  unsigned least_calls;          // into the sanitizer's runtime
  unsigned most_calls_to_other;  // into the other sanitizer's

  std::string id() const;     // "libfuzzer-address-x86_64": the name of its folder and its log
  std::string title() const;  // "libfuzzer, address, x86_64"
  const ServiceEngine& engine_row() const;
  const ServiceSanitizer& sanitizer_row() const;
  const ServiceSanitizer& other_sanitizer() const;
  const ServiceArchitecture& architecture_row() const;
};

// Of the named ones; an empty name stands for any. In the order in which they are built.
std::vector<ServiceConfiguration> service_configurations(const std::string& engine,
                                                         const std::string& sanitizer,
                                                         const std::string& architecture);

std::vector<std::string> service_engines();
std::vector<std::string> service_sanitizers();
std::vector<std::string> service_architectures();
std::vector<std::string> service_ids();

using ServiceEnvironment = std::vector<std::pair<std::string, std::string>>;

// What .clusterfuzzlite/build.sh reads. SRC, WORK and OUT are in `folder`.
ServiceEnvironment build_environment(const ServiceConfiguration& configuration,
                                     const std::string& folder);
// What a target is started with.
std::map<std::string, std::string> target_environment(const ServiceConfiguration& configuration);

}  // namespace sigsweep
