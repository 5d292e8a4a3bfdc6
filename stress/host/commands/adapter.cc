#include "stress/host/commands/adapter.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "stress/host/adapter_file.h"
#include "stress/host/child_process.h"
#include "stress/host/commands/run_row.h"
#include "stress/host/commands/skeletons.h"
#include "stress/host/demangle.h"
#include "stress/host/files.h"
#include "stress/host/results.h"

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

int print_skeleton(bool cxx, bool explained) {
  std::string text =
      explained ? (cxx ? kExplainedCxx : kExplainedC) : (cxx ? kSkeletonCxx : kSkeletonC);
  const std::string flags = " -O2 -Wall -shared -fPIC" + include_flag() + " -o mine.so ";
  const std::string mark = cxx ? "@COMPILE_CXX@" : "@COMPILE_C@";
  const std::string line =
      cxx ? "c++ -std=c++17" + flags + "mine.cc" : "cc -std=c99" + flags + "mine.c";
  text.replace(text.find(mark), mark.size(), line);
  fmt::print("{}", text);
  return kAsExpected;
}

// ---- check

constexpr std::string_view kBySweep = "by_sweep";  // of a promise: no column of its own

// What the runner says of a library, a section of the page for each kind of record, in this order.
// Kinds that are not listed come behind them.
struct Section {
  const char* word;
  const char* title;
};
constexpr Section kSections[] = {
    {"module", "files that its code lies in"},
    {"stack", "stacks"},
    {"site", "operations, and the instructions that each of them executes"},
    {"switch", "instructions that move SP from one stack to another"},
    {"code", "code in which signals land"},
    {"left_out", "code that runs on the way, and is left out"},
    {"promise", "promises, and whether they hold without a signal"},
    {"problem", "problems"},
};
constexpr std::string_view kCounts[] = {"size", "executed"}, kTruths[] = {"given", "ok", kBySweep};

const Section* section_of(const std::string& word) {
  const auto section =
      std::ranges::find_if(kSections, [&](const Section& each) { return each.word == word; });
  return section == std::end(kSections) ? nullptr : section;
}

bool is_one_of(const auto& names, std::string_view name) {
  return std::ranges::find(names, name) != std::end(names);
}

// What stands in a field of the page.
std::string shown(const Record& record, const std::string& key) {
  const std::string& text = record.text(key);
  const bool asks = key == "ok" && record.has("given");
  if (text.empty() || (asks && record.number("given") == 0)) return "-";  // nothing was promised
  if (asks && record.has(kBySweep)) return "checked by sweep";
  return is_one_of(kTruths, key) ? (record.number(key) != 0 ? "yes" : "no") : demangled(text);
}

// A table with a column for each field that one of them has.
std::string table(const std::vector<Record>& records) {
  std::vector<std::string> keys;
  std::map<std::string, std::size_t> width;
  for (const Record& r : records) {
    for (const auto& [key, value] : r.fields()) {
      if (key == kBySweep) continue;
      if (!width.contains(key)) keys.push_back(key);
      width[key] = std::max({width[key], key.size(), shown(r, key).size()});
    }
  }
  const auto row = [&](const auto& cell) {
    std::string line;
    for (const std::string& key : keys) line += fmt::format("  {:<{}}", cell(key), width[key]);
    return line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  };
  std::string text = row([](const std::string& key) { return key; });
  for (const Record& r : records)
    text += row([&](const std::string& key) { return shown(r, key); });
  return text;
}

// Records that differ in nothing but one field: one, whose field `all_of_them` has all values.
std::vector<Record> folded(const std::vector<Record>& records, const std::string& field,
                           const std::string& all_of_them) {
  std::vector<std::string> order;  // records without their field
  std::map<std::string, std::vector<std::string>> values;
  for (const Record& r : records) {
    Record rest(r.word());
    for (const auto& [key, value] : r.fields()) {
      if (key != field) rest.add(key, value);
    }
    const std::string text = rest.encode();
    if (!values.contains(text)) order.push_back(text);
    if (!is_one_of(values[text], r.text(field))) values[text].push_back(r.text(field));
  }
  std::vector<Record> fewer;
  for (const std::string& text : order) {
    fewer.push_back(Record::decode(text));
    fewer.back().add(all_of_them, fmt::format("{}", fmt::join(values[text], " ")));
  }
  return fewer;
}

// The same mistake may show at each site.
std::vector<Record> folded_problems(const std::vector<Record>& problems) {
  std::vector<Record> fewer;
  for (const Record& r : folded(problems, "where", "all")) {
    const std::string &what = r.text("what"), &allowed = r.text("allowed");
    const auto times = std::ranges::count_if(problems, [&](const Record& each) {
      return each.text("what") == what && each.text("allowed") == allowed;
    });
    const std::string& where = r.text("all");
    fewer.push_back(
        Record("problem")
            .add("what", what)
            .add("where", times == 1 ? where : fmt::format("{} times: {}", times, where))
            .add("allowed", allowed));
  }
  return fewer;
}

std::string check_page(const std::vector<Record>& records) {
  std::vector<std::string> order;
  std::map<std::string, std::vector<Record>> by_word;
  for (const Section& section : kSections) order.emplace_back(section.word);
  for (const Record& r : records) {
    if (r.word() == "adapter") continue;  // the head of the page
    if (!is_one_of(order, r.word())) order.push_back(r.word());
    by_word[r.word()].push_back(r);
  }
  by_word["switch"] = folded(by_word["switch"], "site", "sites");
  by_word["problem"] = folded_problems(by_word["problem"]);
  std::string page;
  for (const std::string& word : order) {
    const Section* const section = section_of(word);
    if (!by_word[word].empty())
      page += fmt::format("{}\n{}\n", section ? section->title : word, table(by_word[word]));
  }
  const auto has_made_up_name = [](const Record& r) {
    return is_made_up(r.text("symbol"), r.text("module"));
  };
  const bool explains = std::ranges::any_of(by_word["code"], has_made_up_name) ||
                        std::ranges::any_of(by_word["left_out"], has_made_up_name);
  return explains ? page + kMadeUpNames + "\n" : page;
}

// As a line of a results file; results/schema.json has the kinds.
ordered_json json_of(const Record& r) {
  const bool known = section_of(r.word()) != nullptr;
  ordered_json json{{"kind", known ? r.word() : "checked"}};
  if (!known) json["word"] = r.word();
  ordered_json& fields = known ? json : json["fields"] = ordered_json::object();
  for (const auto& [key, value] : r.fields()) {
    fields[key] = value;
    if (known && is_one_of(kCounts, key)) fields[key] = r.number(key);
    if (known && is_one_of(kTruths, key)) fields[key] = r.number(key) != 0;
  }
  return json;
}

// What the runner's check came to.
struct Checked {
  std::vector<Record> records;
  bool whole = false;  // it came to its last word
  std::string said;    // the last line of its standard error
  Ended ended{};
};

constexpr std::chrono::seconds kPatience{60};  // the runner's own is shorter

Checked run_check(const Options& options, const std::string& runner) {
  const TemporaryFolder folder;
  Program program;
  program.words = {runner, "--adapter", options.adapter, "--check"};
  program.output = folder.path() / "records";
  program.error = folder.path() / "errors";
  Checked checked;
  checked.ended = run_program(program, kPatience);
  std::istringstream lines(content_of(program.output)), errors(content_of(program.error));
  for (std::string line; std::getline(lines, line);) {
    const Record record = Record::decode(line);
    checked.whole = checked.whole || record.word() == "done";
    if (!checked.whole) checked.records.push_back(record);
  }
  // All but the last line is the library's own: it goes where it was to go.
  for (std::string line; std::getline(errors, line); checked.said = line) {
    if (!checked.said.empty()) fmt::print(stderr, "{}\n", checked.said);
  }
  if (checked.ended.kind == Ended::exited && checked.ended.status == 0 && !checked.said.empty()) {
    fmt::print(stderr, "{}\n", std::exchange(checked.said, {}));  // it tells of no end
  }
  // "-": the library has said itself what is wrong, there.
  std::erase_if(checked.records,
                [](const Record& r) { return r.word() == "problem" && r.text("what") == "-"; });
  return checked;
}

std::string text_of(const Record& problem) {
  const std::string &where = problem.text("where"), &allowed = problem.text("allowed");
  return demangled(problem.text("what") + (where.empty() ? "" : ", at " + where)) +
         (allowed.empty() ? "" : "; allowed: " + allowed);
}

// A promise that is broken without any signal is a finding; a problem is wrong input, or, by the
// runner's status, a library that failed.
int judge(const Options& options, const Checked& checked) {
  const auto fail = [&](Exit status, const std::string& why) {
    return Failure(status, fmt::format("adapter {}: {}", options.adapter, why));
  };
  const Ended& ended = checked.ended;
  if (ended.kind == Ended::stopped) throw Failure(kStopped, "stopped");
  if (ended.kind != Ended::exited) throw fail(kHarnessFailed, "its runner " + ended.how());
  const Exit status = ended.status == kUsage ? kUsage : kHarnessFailed;
  bool broken = false;
  for (const Record& r : checked.records) {
    if (r.word() == "problem") throw fail(status, text_of(r));
    broken = broken || (r.word() == "promise" && r.number("given") != 0 && r.number("ok") == 0);
  }
  if (ended.status != 0 && !checked.said.empty()) throw Failure(status, checked.said);
  if (!checked.whole || ended.status != 0) throw fail(kHarnessFailed, "its runner " + ended.how());
  return broken ? kFinding : kAsExpected;
}

AdapterRow row_of(const Record& adapter, const std::string& file) {
  return {adapter.text("name"),     adapter.text("version"), adapter.text("build"), file,
          adapter.list("promises"), adapter.list("traits")};
}

int check(const Options& options, const Checked& checked, ResultsWriter* writer) {
  for (const Record& r : checked.records) {
    if (r.word() == "adapter") {
      fmt::print("{} {}, isa {}, build {}\n\n", r.text("name"), r.text("version"), options.isa,
                 r.text("build"));
    } else {
      writer->write_line(json_of(r).dump(-1, ' ', false, ordered_json::error_handler_t::replace));
    }
  }
  fmt::print("{}", check_page(checked.records));
  const int status = judge(options, checked);
  fmt::print("{}\n", status == kAsExpected
                         ? "no problem; next: sigsweep sweep" + adapter_flag(options)
                         : "a promise is broken without any signal");
  return status;
}

int check_command(const Options& options) {
  const std::string runner = usable_runner(options);
  print_provenance(options);
  const Checked checked = run_check(options, runner);
  RunRow run = run_row(options);
  run.subject = "adapter";
  const auto adapter = std::ranges::find(checked.records, "adapter", &Record::word);
  if (adapter != checked.records.end()) {
    run.adapter = row_of(*adapter, options.adapter);
    run.subject += " " + run.adapter->name;
  }
  ResultsWriter writer(options.json);
  writer.write(run);
  return write_to_end(&writer, [&] { return check(options, checked, &writer); });
}

}  // namespace

void add_adapter_flags(CLI::App* app, Options* o) {
  app->require_subcommand(1);
  auto* skeleton =
      app->add_subcommand("new", "print an adapter to start from: it compiles, and works");
  skeleton->add_flag("--cxx", o->cxx, "in C++ [C]");
  skeleton->add_flag("--explained", o->explained, "with each choice explained");
  auto* checked = app->add_subcommand(
      "check",
      "what sigsweep sees of an adapter's library, without any signal: stacks, where SP "
      "moves, the code that was found, promises, problems");
  checked->add_option("file", o->adapter, "the adapter's shared object")->required();
  checked->add_option("--json", o->json, "results file (JSON lines)");
  checked->add_option("--runner", o->runner, "another runner program for adapters of its ISA");
}

int adapter_command(const Options& options) {
  return options.adapter.empty() ? print_skeleton(options.cxx, options.explained)
                                 : check_command(options);
}

}  // namespace sigsweep
