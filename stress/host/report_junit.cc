// JUnit's XML: what Jenkins, GitLab and others read.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <string_view>

#include "stress/host/report.h"

namespace sigsweep {
namespace {

// The bytes of the UTF-8 character at the start of a text; 0: there is none.
std::size_t length_of_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const std::size_t length = byte(0) < 0x80   ? 1
                             : byte(0) < 0xc2 ? 0
                             : byte(0) < 0xe0 ? 2
                             : byte(0) < 0xf0 ? 3
                             : byte(0) < 0xf5 ? 4
                                              : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; i++) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  if (length < 3) return length;
  const unsigned char least = byte(0) == 0xe0 ? 0xa0 : byte(0) == 0xf0 ? 0x90 : 0x80;
  const unsigned char most = byte(0) == 0xed ? 0x9f : byte(0) == 0xf4 ? 0x8f : 0xbf;
  return byte(1) < least || byte(1) > most ? 0 : length;
}

// XML 1.0 has no control characters but three, and not the last two of its plane; they are left out.
bool is_in_xml(std::string_view character) {
  if (character.size() == 1) {
    const auto c = static_cast<unsigned char>(character[0]);
    return c >= 0x20 || c == '\t' || c == '\n' || c == '\r';
  }
  return character != "\xef\xbf\xbe" && character != "\xef\xbf\xbf";
}

// What stands for a character; itself where nothing has to. A line's end would be a blank in an
// attribute, and a carriage return a line's end anywhere.
std::string_view in_xml(std::string_view character) {
  static const std::map<std::string_view, std::string_view> kEntities{
      {"&", "&amp;"}, {"<", "&lt;"},   {">", "&gt;"},  {"\"", "&quot;"},
      {"\t", "&#9;"}, {"\n", "&#10;"}, {"\r", "&#13;"}};
  const auto found = kEntities.find(character);
  return found == kEntities.end() ? character : found->second;
}

std::string escaped(std::string_view text) {
  constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // for bytes that are no UTF-8
  std::string result;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = length_of_character(text.substr(at));
    const std::string_view character = text.substr(at, std::max<std::size_t>(1, length));
    if (length == 0) {
      result += kReplacement;
    } else if (is_in_xml(character)) {
      result += in_xml(character);
    }
    at += character.size();
  }
  return result;
}

std::string attribute(const char* name, std::string_view value) {
  return fmt::format(" {}=\"{}\"", name, escaped(value));
}

struct Counts {
  unsigned tests = 0, by_outcome[4] = {};
  double seconds = 0;

  void add(const ReportCase& one) {
    tests++;
    by_outcome[one.outcome]++;
    seconds += one.seconds;
  }
  std::string attributes() const {
    return fmt::format(R"( tests="{}" failures="{}" errors="{}" skipped="{}" time="{:.3f}")", tests,
                       by_outcome[ReportCase::failed], by_outcome[ReportCase::error],
                       by_outcome[ReportCase::skipped], seconds);
  }
};

std::string case_text(const ReportCase& one) {
  const std::string head =
      "    <testcase" + attribute("classname", one.group) + attribute("name", one.name);
  std::string body;
  if (one.outcome == ReportCase::skipped) {
    body = "      <skipped" + attribute("message", one.message) + "/>\n";
  } else if (one.outcome == ReportCase::failed || one.outcome == ReportCase::error) {
    const char* element = one.outcome == ReportCase::failed ? "failure" : "error";
    body = fmt::format("      <{0}{1}>{2}</{0}>\n", element, attribute("message", one.message),
                       escaped(one.text));
  } else if (!one.text.empty()) {
    body = "      <system-out>" + escaped(one.text) + "</system-out>\n";
  }
  const std::string time = fmt::format(" time=\"{:.3f}\"", one.seconds);
  return body.empty() ? head + time + "/>\n" : head + time + ">\n" + body + "    </testcase>\n";
}

std::string property(const char* name, const std::string& value) {
  if (value.empty()) return {};
  return "      <property" + attribute("name", name) + attribute("value", value) + "/>\n";
}

std::string properties(const Report& report) {
  const std::string all = property("version", report.version) + property("build", report.build) +
                          property("command", report.command);
  return all.empty() ? all : "    <properties>\n" + all + "    </properties>\n";
}

}  // namespace

std::string junit_text(const Report& report) {
  std::vector<std::string> suites;  // in the order in which they come
  Counts all;
  for (const ReportCase& one : report.cases) {
    all.add(one);
    if (std::ranges::find(suites, one.suite) == suites.end()) suites.push_back(one.suite);
  }
  std::string text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites" +
                     attribute("name", "sigsweep " + report.name) + all.attributes() + ">\n";
  const std::string started = report.started.substr(0, report.started.find('Z'));
  for (const std::string& suite : suites) {
    Counts counts;
    std::string cases;
    for (const ReportCase& one : report.cases) {
      if (one.suite != suite) continue;
      counts.add(one);
      cases += case_text(one);
    }
    text += "  <testsuite" + attribute("name", suite) + counts.attributes() +
            (started.empty() ? "" : attribute("timestamp", started)) + ">\n" + properties(report) +
            cases + "  </testsuite>\n";
  }
  return text + "</testsuites>\n";
}

}  // namespace sigsweep
