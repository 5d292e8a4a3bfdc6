// From an example to its id, its schedule and its page.
#include "stress/host/finding.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string_view>

#include "stress/host/adapter_file.h"
#include "stress/host/debugger.h"
#include "stress/host/demangle.h"
#include "stress/host/disassembly.h"
#include "stress/host/explanation.h"
#include "stress/host/options.h"
#include "stress/host/source_lines.h"

namespace sigsweep {
namespace {

std::string value_of(const Values& values, const std::string& slot) {
  const auto found = std::ranges::find(values, slot, &Argument::slot);
  return found == values.end() ? "-" : fmt::format("{:#x}", found->value);
}

// What a slot was given, and what was found in it.
struct SlotValues {
  std::string expected, got;
};

// In the call of the first handler that was hurt.
SlotValues values_of_handler(const Account& account, const std::string& slot) {
  for (const InjectionAccount& each : account.injections) {
    if (!each.call) continue;  // it did not begin
    SlotValues argument{value_of(each.planned.args, slot), value_of(each.call->seen, slot)};
    SlotValues result{value_of(each.call->made, slot), value_of(each.call->got, slot)};
    if (argument.expected != argument.got) return argument;
    if (result.expected != result.got) return result;
  }
  return {"-", "-"};
}

SlotValues values_of(const Account& account, const std::string& slot) {
  const CallAccount& call = account.call;
  switch (account.verdict) {
    case Verdict::slot_leak:
      return {"0", "another value"};
    case Verdict::handler_clobbered:
      return values_of_handler(account, slot);
    case Verdict::result_clobbered:
      return {value_of(call.made, slot), value_of(call.got, slot)};
    default:
      return {value_of(account.given, slot), value_of(call.seen, slot)};
  }
}

// The slots that the verdict is about: what was expected and what was found.
std::string slots_page(const Account& account) {
  std::string page;
  for (const std::string& slot : account.slots) {
    const SlotValues values = values_of(account, slot);
    page += fmt::format("  {}: expected {}, got {}\n", slot, values.expected, values.got);
  }
  return page;
}

// What a command that is printed needs, to run on this subject.
std::string subject_flag(const Options& options) {
  const std::string red_zone = options.no_red_zone ? " --no-red-zone" : "";
  const std::string adapter = adapter_flag(options);
  if (!options.runner.empty())
    return adapter + " --runner " + shell_quoted(options.runner) + red_zone;
  if (!adapter.empty()) return adapter + red_zone;
  return (options.subject == kSubjects[0] ? "" : " --subject " + options.subject) + red_zone;
}

}  // namespace

std::string finding_id(const ReportedTrial& e) {
  std::vector<std::string_view> parts{e.isa, e.protocol};
  if (e.adapter) parts = {"adapter", e.adapter->name, e.isa};
  parts.insert(parts.end(), {e.site(), e.handler(), e.phase().head(), e.verdict()});
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const std::string_view part : parts) {
    for (const char c : part) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    hash = (hash ^ static_cast<unsigned char>('\n')) * 0x100000001b3;
  }
  return fmt::format("{:016x}", hash);
}

std::string standing_of(const Session& session, const ReportedTrial& e) {
  const Verdict verdict = e.account.verdict;
  if (!session.allowed(e.protocol, e.site(), e.handler()).contains(verdict)) return "finding";
  if (session.description.adapter) return "observed, and never promised against:";
  return verdict == Verdict::rejected ? "rejection" : "hazard";
}

Expectation expectation(const Account& account) {
  return {std::string(verdict_name(account.verdict)),
          account.slots.empty() ? std::string() : account.slots.front()};
}

Schedule schedule_of(const ReportedTrial& e, const std::string& command_line) {
  const Account& account = e.account;
  Schedule schedule;
  schedule.isa = e.isa;
  schedule.adapter = e.adapter;
  schedule.protocol = e.protocol;
  schedule.seed = e.seed;
  Operation op{account.site, account.given, {}};
  for (const InjectionAccount& each : account.injections) op.injections.push_back(each.planned);
  schedule.operations.push_back(std::move(op));
  schedule.expect = expectation(account);
  schedule.origin = fmt::format("build=\"{}\" command=\"{}\"", build_description(), command_line);
  return schedule;
}

// Where its source is: of a row whose instruction is known.
static void add_source(const Session& session, const CodePlace& place, FindingRow* row) {
  row->symbol = place.symbol;
  row->offset = place.offset;
  std::string file = session.runner_path;
  for (const ModuleSpec& module : session.description.modules) {
    if (module.name == place.module) file = module.path;
  }
  row->binary = from_checkout(file, file);
  if (!session.lines) return;
  const SourceLine source = place.module.empty()
                                ? session.lines->at(file, place.symbol, place.offset)
                                : session.lines->at(file, place.address);
  row->source_file = source.file;
  row->source_line = source.line;
}

FindingRow finding_row(const Session& session, const ReportedTrial& e) {
  const std::string id = finding_id(e);
  const std::string* const reason = session.known->reason(id);
  const std::string& detail = e.mismatch().empty() ? e.account.detail : e.mismatch();
  const std::optional<Why>& why = e.account.why;
  FindingRow row{id,
                 e.isa,
                 e.protocol,
                 e.site(),
                 e.handler(),
                 e.phase().text(),
                 std::string(e.verdict()),
                 detail,
                 print_schedule(schedule_of(e, session.options.command_line)),
                 reason != nullptr,
                 reason == nullptr ? "" : *reason};
  if (const CodePlace place = place_of(blamed(e.account)); !place.symbol.empty())
    add_source(session, place, &row);
  if (why) {
    row.why = why_text(e.account, *why);
    row.facts = facts_json(e.account).dump();
  }
  return row;
}

// Another run may write the same finding: whoever reads the file finds one or the other, whole.
std::string write_text(const std::string& path, const std::string& text) {
  try {
    make_folder_of(path);
  } catch (const std::runtime_error& error) {
    throw Failure(kHarnessFailed, error.what());
  }
  std::string whole = path + ".XXXXXX";
  const int fd = mkstemp(whole.data());
  const bool made = fd >= 0 && fchmod(fd, 0644) == 0;
  const bool written = made && write(fd, text.data(), text.size()) == ssize_t(text.size());
  if (fd >= 0) close(fd);
  if (written && std::rename(whole.c_str(), path.c_str()) == 0) return path;
  const int error = errno;
  if (fd >= 0) unlink(whole.c_str());
  throw Failure(kHarnessFailed, fmt::format("cannot write {}: {}", path, std::strerror(error)));
}

std::string write_schedule(const ReportedTrial& e, const std::string& folder,
                           const std::string& command_line) {
  return write_text(folder + "/" + finding_id(e) + ".sched",
                    print_schedule(schedule_of(e, command_line)));
}

std::string render_finding(const Session& session, const ReportedTrial& e,
                           const std::string& folder) {
  const Account& account = e.account;
  const std::string path = write_schedule(e, folder, session.options.command_line);
  const Disassemblers code(session.runner_path, session.description.modules);
  std::string page = fmt::format("finding {}: {} {} with handler {}: {}: {}\n", finding_id(e),
                                 e.protocol, e.site(), e.handler(), e.verdict(), account.detail);
  if (!e.mismatch().empty()) page += fmt::format("  {}\n", e.mismatch());
  if (!account.fault.empty()) page += fmt::format("  {}\n", account.fault);
  if (!account.backtrace.empty()) page += fmt::format("  backtrace: {}\n", account.backtrace);
  page += slots_page(account);
  page += fmt::format("the signal {}landed in front of\n{}",
                      account.injections.size() > 1 ? "that is blamed " : "",
                      demangled(around(code, place_of(blamed(account)), 4)));
  page += why_lines(code, account) + before_and_after(account);
  const Schedule schedule = schedule_of(e, session.options.command_line);
  page += fmt::format("schedule ({}):\n{}", path, print_schedule(schedule));
  page += fmt::format("replay:  sigsweep replay{} {}\n", subject_flag(session.options),
                      shell_quoted(path));
  return page + gdb_lines(in_gdb(session, schedule, 0, account.blame, path));
}

}  // namespace sigsweep
