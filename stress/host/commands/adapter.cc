#include "stress/host/commands/adapter.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "stress/host/adapter_file.h"
#include "stress/host/commands/adapter_page.h"
#include "stress/host/commands/skeletons.h"

namespace sigsweep {
namespace {

using nlohmann::ordered_json;

// ---- new

// Where the header lies: in the build, beside an installed command, or where the compiler looks.
std::string include_flag() {
  const std::string command = beside("sigsweep");
  const std::filesystem::path folder = std::filesystem::path(command).parent_path();
  for (const auto& include : {folder / "include", folder.parent_path() / "include"}) {
    std::error_code error;
    if (std::filesystem::exists(include / "sigsweep_adapter.h", error))
      return " -I" + shell_quoted(include.string());
  }
  return {};
}

int print_skeleton(bool cxx) {
  std::string text = cxx ? kSkeletonCxx : kSkeletonC;
  const std::string flags =
      " -Wall -Wextra -Werror -shared -fPIC" + include_flag() + " -o mine.so ";
  const std::string mark = cxx ? "@COMPILE_CXX@" : "@COMPILE_C@";
  const std::string line =
      cxx ? "c++ -std=c++17" + flags + "mine.cc" : "cc -std=c99" + flags + "mine.c";
  text.replace(text.find(mark), mark.size(), line);
  fmt::print("{}", text);
  return kAsExpected;
}

// ---- check

// What the runner says of a library: one section of the page for each kind of record, in this order.
// Kinds that are not listed come behind them.
struct Section {
  const char* word;
  const char* title;
};
constexpr Section kSections[] = {
    {"stack", "stacks"},
    {"switch", "where SP moves from one stack to another"},
    {"code", "code in which signals land"},
    {"left_out", "code that is left out"},
    {"site", "operations"},
    {"promise", "promises, and what is seen without a signal"},
    {"problem", "problems"},
};

std::string title_of(const std::string& word) {
  const auto section =
      std::ranges::find_if(kSections, [&](const Section& each) { return each.word == word; });
  return section == std::end(kSections) ? word : section->title;
}

// A table with a column for each field that one of them has.
std::string table(const std::vector<Record>& records) {
  std::vector<std::string> keys;
  std::map<std::string, std::size_t> width;
  for (const Record& r : records) {
    for (const auto& [key, value] : r.fields()) {
      if (!width.contains(key)) keys.push_back(key);
      width[key] = std::max({width[key], key.size(), value.size()});
    }
  }
  const auto row = [&](const auto& cell) {
    std::string line;
    for (const std::string& key : keys) line += fmt::format("  {:<{}}", cell(key), width[key]);
    return line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  };
  std::string text = row([](const std::string& key) { return key; });
  for (const Record& r : records) {
    text += row([&](const std::string& key) { return r.text(key).empty() ? "-" : r.text(key); });
  }
  return text;
}

std::string check_page(const Session& session, const std::vector<Record>& records) {
  std::vector<std::string> order;
  std::map<std::string, std::vector<Record>> by_word;
  for (const Section& section : kSections) order.emplace_back(section.word);
  for (const Record& r : records) {
    if (std::ranges::find(order, r.word()) == order.end()) order.push_back(r.word());
    by_word[r.word()].push_back(r);
  }
  const AdapterSpec& adapter = *session.description.adapter;
  std::string page = fmt::format("{} {}, isa {}, build {}\n", adapter.name, adapter.version,
                                 session.options.isa, adapter.build);
  for (const std::string& word : order) {
    if (!by_word[word].empty())
      page += fmt::format("\n{}\n{}", title_of(word), table(by_word[word]));
  }
  return page + "\n";
}

// As a line of a results file; results/schema.json has the kinds.
ordered_json json_of(const Record& r) {
  constexpr std::string_view kCounts[] = {"size", "executed", "status"},
                             kTruths[] = {"given", "ok"};
  const bool known =
      std::ranges::any_of(kSections, [&](const Section& each) { return each.word == r.word(); });
  ordered_json json{{"kind", known ? r.word() : "checked"}};
  if (!known) json["word"] = r.word();
  ordered_json& fields = known ? json : json["fields"] = ordered_json::object();
  for (const auto& [key, value] : r.fields()) {
    fields[key] = value;
    if (!known) continue;
    if (std::ranges::find(kCounts, key) != std::end(kCounts)) fields[key] = r.number(key);
    if (std::ranges::find(kTruths, key) != std::end(kTruths)) fields[key] = r.number(key) != 0;
  }
  return json;
}

// A promise that is broken without any signal is a finding; a problem is wrong input.
int judge(const std::vector<Record>& records) {
  bool broken = false;
  for (const Record& r : records) {
    if (r.word() == "problem") {
      throw Failure(r.number("status") == kHarnessFailed ? kHarnessFailed : kUsage,
                    fmt::format("{}{}{}{}{}", r.text("what"),
                                r.text("where").empty() ? "" : ", at ", r.text("where"),
                                r.text("allowed").empty() ? "" : "; allowed: ", r.text("allowed")));
    }
    const bool given = r.word() == "promise" && r.number("given") != 0;
    broken = broken || (given && r.has("ok") && r.number("ok") == 0);
  }
  return broken ? kFinding : kAsExpected;
}

int check(const Session& session, ResultsWriter* writer) {
  std::vector<Record> records;
  const Outcome outcome =
      session.runner->command(Record("check"), [&](const Record& r) { records.push_back(r); });
  for (const Record& r : records) {
    writer->write_line(json_of(r).dump(-1, ' ', false, ordered_json::error_handler_t::replace));
  }
  fmt::print("{}", check_page(session, records));
  if (outcome.kind == Outcome::stopped) throw Failure(kStopped, "stopped");
  if (outcome.kind != Outcome::done) {
    throw Failure(kHarnessFailed,
                  fmt::format("adapter {}: {}{}", session.options.adapter, outcome.message,
                              outcome.hung ? ": it never came back" : ""));
  }
  const int status = judge(records);
  fmt::print("{}\n", status == kAsExpected
                         ? "no problem; next: sigsweep sweep" + adapter_flag(session.options)
                         : "a promise is broken without any signal");
  return status;
}

int check_command(Options options) {
  options.checks_adapter = true;
  const Session session = open_session(options);
  print_provenance(session);
  ResultsWriter writer(options.json);
  writer.write(RunRow{version(),
                      build_description(),
                      options.command_line,
                      {session.options.isa},
                      {},
                      options.seed,
                      "",
                      "",
                      subject_of(session),
                      adapter_row(session)});
  return write_to_end(&writer, [&] { return check(session, &writer); });
}

}  // namespace

void add_adapter_flags(CLI::App* app, Options* o) {
  app->require_subcommand(1);
  auto* skeleton = app->add_subcommand(
      "new", "print an adapter to start from: it compiles, works, and explains each choice");
  skeleton->add_flag("--cxx", o->cxx, "in C++ [C]");
  auto* checked = app->add_subcommand(
      "check",
      "what sigsweep sees of an adapter's library, without any signal: stacks, where SP "
      "moves, the code that was found, promises, problems");
  checked->add_option("file", o->adapter, "the adapter's shared object")->required();
  checked->add_option("--json", o->json, "results file (JSON lines)");
  checked->add_option("--runner", o->runner, "another runner program for adapters of its ISA");
}

int adapter_command(const Options& options) {
  return options.adapter.empty() ? print_skeleton(options.cxx) : check_command(options);
}

}  // namespace sigsweep
