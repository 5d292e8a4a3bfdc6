#include "stress/host/commands/subject_rows.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "stress/host/disassembly.h"

namespace sigsweep {
namespace {

using nlohmann::ordered_json;

ordered_json protocol_json(const std::string& isa, const ProtocolSpec& protocol) {
  ordered_json row{{"kind", "protocol"},
                   {"isa", isa},
                   {"name", protocol.name},
                   {"summary", protocol.summary},
                   {"allowed", ordered_json::array()}};
  for (unsigned i = 0; i < kVerdicts; i++) {
    const auto verdict = static_cast<Verdict>(i);
    if (protocol.allowed.contains(verdict)) row["allowed"].push_back(verdict_name(verdict));
  }
  if (!protocol.operation_enters.empty()) row["operation_enters"] = protocol.operation_enters;
  if (!protocol.handler_enters.empty()) row["handler_enters"] = protocol.handler_enters;
  return row;
}

ordered_json stub_json(const std::string& isa, const std::string& name, const Disassembler& code) {
  ordered_json row{
      {"kind", "stub"}, {"isa", isa}, {"name", name}, {"instructions", ordered_json::array()}};
  for (const Instruction& instruction : code.function(name))
    row["instructions"].push_back({{"offset", instruction.offset}, {"text", instruction.text}});
  return row;
}

}  // namespace

void write_subject(const Session& session, ResultsWriter* writer) {
  const std::string& isa = session.options.isa;
  std::set<std::string> stubs;
  for (const std::string& name : session.protocols()) {
    const ProtocolSpec& protocol = session.protocol(name);
    writer->write(protocol_json(isa, protocol));
    stubs.insert({protocol.operation_enters, protocol.handler_enters});
  }
  stubs.erase("");
  if (!stubs.empty()) {
    const Disassembler code(session.runner_path);
    for (const std::string& name : stubs) writer->write(stub_json(isa, name, code));
  }
  for (const auto& [word, meaning] : session.description.words)
    writer->write(ordered_json{{"kind", "word"}, {"word", word}, {"meaning", meaning}});
}

}  // namespace sigsweep
