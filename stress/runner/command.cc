// Shared by the commands: sending, and names as indices.
#include "stress/runner/command.h"

#include <cstdio>

#include "stress/campaign/resolve.h"
#include "stress/trap/arch.h"

namespace sigsweep {
namespace {

std::string index_or_trouble(const char* kind, const std::string& name, int found,
                             unsigned* index) {
  if (found < 0) return std::string("no ") + kind + " " + name;
  *index = static_cast<unsigned>(found);
  return {};
}

}  // namespace

void send(const Record& record) {
  const std::string line = record.encode() + "\n";
  std::fwrite(line.data(), 1, line.size(), stdout);
}

void flush() {
  std::fflush(stdout);
}

std::string find_protocol(const Runner& runner, const std::string& name, unsigned* index) {
  return index_or_trouble("protocol", name, find_protocol(runner.subject, name), index);
}

std::string find_site(const Runner& runner, const std::string& name, unsigned* index) {
  return index_or_trouble("site", name, find_site(runner.subject, name), index);
}

std::string find_handler(const Runner& runner, const std::string& name, unsigned* index) {
  const Subject& subject = runner.subject;
  if (name == kObserveName && !trap::kUnwindsAnywhere) {
    return "handler observe: no backtrace on this ISA";
  }
  *index = handler_named(subject, name);
  if (!calls_subject(*index) && handler_name(subject, *index) == name) return {};
  return find_site(runner, name, index);
}

std::string joined(const std::vector<std::string>& parts) {
  std::string all;
  for (const std::string& part : parts) all += (all.empty() ? "" : ",") + part;
  return all;
}

}  // namespace sigsweep
