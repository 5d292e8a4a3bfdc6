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

#include "stress/host/debugger.h"
#include "stress/host/disassembly.h"
#include "stress/host/options.h"

namespace sigsweep {
namespace {

// As the runner wrote it; empty where it wrote none.
Phase phase_of(const std::string& text) {
  return Phase::parse(text).value_or(Phase());
}

// "s0=0x1,p1=0x2" as arguments.
std::vector<Argument> arguments(const Record& record, const std::string& key) {
  std::vector<Argument> args;
  for (const std::string& item : record.list(key)) {
    const std::size_t equals = item.find('=');
    args.push_back({item.substr(0, equals), std::stoull(item.substr(equals + 1), nullptr, 16)});
  }
  return args;
}

std::string value_of(const Record& record, const std::string& key, const std::string& slot) {
  for (const std::string& item : record.list(key)) {
    if (item.starts_with(slot + "=")) return item.substr(slot.size() + 1);
  }
  return "-";
}

// What a slot was given, and what was found in it.
struct SlotValues {
  std::string expected, got;
};

// In the call of the first handler that was hurt.
SlotValues values_of_handler(const Record& r, const std::string& slot) {
  for (std::uint64_t i = 0; i < r.number("injections"); i++) {
    const auto value = [&](const char* key) {
      return value_of(r, ReportedTrial::key(key, i), slot);
    };
    if (!r.has(ReportedTrial::key("handler_seen", i))) continue;  // it did not begin
    SlotValues argument{value("handler_given"), value("handler_seen")};
    SlotValues result{value("handler_made"), value("handler_got")};
    if (argument.expected != argument.got) return argument;
    if (result.expected != result.got) return result;
  }
  return {"-", "-"};
}

SlotValues values_of(const Record& r, const std::string& slot) {
  const std::string& verdict = r.text("verdict");
  if (verdict == "slot-leak") return {"0", "another value"};
  if (verdict == "handler-clobbered") return values_of_handler(r, slot);
  if (verdict == "result-clobbered") return {value_of(r, "made", slot), value_of(r, "got", slot)};
  return {value_of(r, "given", slot), value_of(r, "seen", slot)};
}

// The slots that the verdict is about: what was expected and what was found.
std::string slots_page(const Record& r) {
  std::string page;
  const std::string& slots = r.text("slots");
  for (std::size_t at = 0; at < slots.size() && slots != "-";) {
    const std::size_t end = std::min(slots.find('+', at), slots.size());
    const std::string slot = slots.substr(at, end - at);
    const SlotValues values = values_of(r, slot);
    page += fmt::format("  {}: expected {}, got {}\n", slot, values.expected, values.got);
    at = end + 1;
  }
  return page;
}

// What a command that is printed needs, to run on this subject.
std::string subject_flag(const Options& options) {
  const std::string red_zone = options.no_red_zone ? " --no-red-zone" : "";
  if (!options.runner.empty()) return " --runner " + shell_quoted(options.runner) + red_zone;
  return (options.subject == kSubjects[0] ? "" : " --subject " + options.subject) + red_zone;
}

std::string spaced(std::string text) {
  for (char& c : text) {
    if (c == ',') c = ' ';
  }
  return text;
}

}  // namespace

std::string finding_id(const ReportedTrial& e) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const std::string& part :
       {e.isa, e.protocol, e.site(), e.handler(), phase_of(e.phase()).head(), e.verdict()}) {
    for (const char c : part + "\n") hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  return fmt::format("{:016x}", hash);
}

Schedule schedule_of(const ReportedTrial& e, const std::string& command_line) {
  const Record& r = e.record;
  Schedule schedule;
  schedule.isa = e.isa;
  schedule.protocol = e.protocol;
  schedule.seed = e.seed;
  Operation op{e.site(), arguments(r, "given"), {}};
  for (std::uint64_t i = 0; i < r.number("injections"); i++) {
    const auto text = [&](const char* name) { return r.text(ReportedTrial::key(name, i)); };
    const auto number = [&](const char* name) { return r.number(ReportedTrial::key(name, i)); };
    Injection injection;
    injection.signal = text("signal");
    injection.at = {text("symbol"), number("offset"), static_cast<std::uint32_t>(number("nth"))};
    injection.phase = phase_of(text("phase"));
    injection.by = *source_from_name(text("by"));
    injection.handler = text("handler");
    injection.args = arguments(r, ReportedTrial::key("handler_given", i));
    if (number("in") != 0) injection.in = static_cast<std::uint32_t>(number("in"));
    op.injections.push_back(std::move(injection));
  }
  schedule.operations.push_back(std::move(op));
  const std::string& slots = r.text("slots");
  schedule.expect = Expectation{e.verdict(), slots == "-" ? "" : slots.substr(0, slots.find('+'))};
  schedule.origin = fmt::format("build=\"{}\" command=\"{}\"", build_description(), command_line);
  return schedule;
}

FindingRow finding_row(const Session& session, const ReportedTrial& e) {
  const std::string id = finding_id(e);
  std::string detail = e.record.text("detail");
  if (!e.mismatch().empty()) detail = e.mismatch();
  return FindingRow{id,
                    e.isa,
                    e.protocol,
                    e.site(),
                    e.handler(),
                    e.phase(),
                    e.verdict(),
                    detail,
                    print_schedule(schedule_of(e, session.options.command_line)),
                    session.known->reason(id) != nullptr};
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
  const Record& r = e.record;
  const std::string path = write_schedule(e, folder, session.options.command_line);
  const Disassembler code(session.runner_path);
  std::string page = fmt::format("finding {}: {} {} with handler {}: {}: {}\n", finding_id(e),
                                 e.protocol, e.site(), e.handler(), e.verdict(), r.text("detail"));
  if (!e.mismatch().empty()) page += fmt::format("  {}\n", e.mismatch());
  if (r.has("fault")) page += fmt::format("  {}\n", r.text("fault"));
  page += slots_page(r);
  page += fmt::format("the signal {}landed in front of\n{}",
                      r.number("injections") > 1 ? "that is blamed " : "",
                      around(code, e.symbol(), e.offset(), 4));
  if (r.has("registers")) {
    page += fmt::format("registers where the first landed: {}\n", spaced(r.text("registers")));
    page += fmt::format("slots where the first landed:     {}\n", spaced(r.text("slots_landed")));
  }
  const Schedule schedule = schedule_of(e, session.options.command_line);
  page += fmt::format("schedule ({}):\n{}", path, print_schedule(schedule));
  page += fmt::format("replay:  sigsweep replay{} {}\n", subject_flag(session.options),
                      shell_quoted(path));
  return page + gdb_lines(session, schedule, 0, r.number("blame"), path);
}

}  // namespace sigsweep
