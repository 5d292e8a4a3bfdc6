// SARIF 2.1.0 (OASIS): what GitHub's code scanning and editors read.
#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "stress/host/report.h"
#include "stress/verdict/verdict.h"

namespace sigsweep {
namespace {

using nlohmann::ordered_json;

constexpr const char* kCheckout = "SRCROOT";  // the base of what lies in the checkout

// What may stand in a URI's path as it is; every other byte is written in hex digits.
std::string uri_of(const std::string& path) {
  constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/+@=";
  std::string uri = path.starts_with('/') ? "file://" : "";
  for (const char c : path) {
    uri += kPlain.find(c) != kPlain.npos ? std::string(1, c)
                                         : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return uri;
}

ordered_json artifact(const std::string& path) {
  ordered_json location{{"uri", uri_of(path)}};
  if (!path.starts_with('/')) location["uriBaseId"] = kCheckout;
  return location;
}

// The line of the source; where that is not known, the binary.
ordered_json location_of(const ReportFinding& finding) {
  ordered_json physical{
      {"artifactLocation", artifact(finding.line != 0 ? finding.file : finding.binary)}};
  if (finding.line != 0) physical["region"] = {{"startLine", finding.line}};
  ordered_json location{{"physicalLocation", physical}};
  if (finding.symbol.empty()) return location;
  location["logicalLocations"] = ordered_json::array(
      {{{"name", finding.symbol},
        {"fullyQualifiedName", fmt::format("{}+{:#x}", finding.symbol, finding.offset)},
        {"kind", "function"}}});
  return location;
}

std::string message_of(const ReportFinding& f) {
  if (f.id.empty()) return f.message;
  return fmt::format(
      "A signal in front of {}+{:#x}, with protocol {} and handler {}, in {}: {}: {}", f.symbol,
      f.offset, f.protocol, f.handler, f.site, f.verdict, f.message);
}

ordered_json result_of(const ReportFinding& finding, unsigned rule) {
  ordered_json result{{"ruleId", finding.verdict},
                      {"ruleIndex", rule},
                      {"level", "error"},
                      {"message", {{"text", message_of(finding)}}},
                      {"locations", ordered_json::array({location_of(finding)})}};
  // The finding's id stays the same where its line does not.
  if (!finding.id.empty()) result["partialFingerprints"] = {{"sigsweepFinding/v1", finding.id}};
  if (finding.known) {
    ordered_json suppression{{"kind", "external"}, {"status", "accepted"}};
    if (!finding.reason.empty()) suppression["justification"] = finding.reason;
    result["suppressions"] = ordered_json::array({suppression});
  }
  ordered_json properties = ordered_json::object();
  if (!finding.isa.empty()) properties["isa"] = finding.isa;
  if (!finding.schedule.empty()) properties["schedule"] = finding.schedule;
  if (!properties.empty()) result["properties"] = properties;
  return result;
}

std::string meaning_of(const std::string& rule) {
  if (const auto verdict = verdict_from_name(rule))
    return std::string(kVerdictMeanings[static_cast<unsigned>(*verdict)]);
  if (rule == "storm") return "a storm of signals did not go as its protocol promises";
  return "a claim does not hold";
}

ordered_json driver_of(const Report& report, const ordered_json& rules) {
  ordered_json driver{{"name", "sigsweep"}};
  if (!report.version.empty()) driver["version"] = report.version;
  driver["rules"] = rules;
  return driver;
}

ordered_json invocation_of(const Report& report) {
  const bool whole = report.failure.empty();
  ordered_json invocation{{"executionSuccessful", whole}, {"exitCode", report.status}};
  if (!report.command.empty()) invocation["commandLine"] = report.command;
  if (!report.started.empty()) invocation["startTimeUtc"] = report.started;
  if (whole) return invocation;
  invocation["toolExecutionNotifications"] =
      ordered_json::array({{{"level", report.status == kSkipped ? "note" : "error"},
                            {"message", {{"text", report.failure}}}}});
  return invocation;
}

}  // namespace

std::string sarif_text(const Report& report) {
  ordered_json rules = ordered_json::array(), results = ordered_json::array();
  std::map<std::string, unsigned> numbers;
  for (const ReportFinding& finding : report.findings) {
    const auto [rule, is_new] =
        numbers.emplace(finding.verdict, static_cast<unsigned>(numbers.size()));
    if (is_new) {
      rules.push_back(
          {{"id", finding.verdict}, {"shortDescription", {{"text", meaning_of(finding.verdict)}}}});
    }
    results.push_back(result_of(finding, rule->second));
  }
  const ordered_json run{
      {"tool", {{"driver", driver_of(report, rules)}}},
      {"invocations", ordered_json::array({invocation_of(report)})},
      {"originalUriBaseIds",
       {{kCheckout, {{"description", {{"text", "The checkout that was built."}}}}}}},
      {"columnKind", "utf16CodeUnits"},
      {"results", results}};
  const ordered_json log{{"$schema", "https://json.schemastore.org/sarif-2.1.0.json"},
                         {"version", "2.1.0"},
                         {"runs", ordered_json::array({run})}};
  return log.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace sigsweep
