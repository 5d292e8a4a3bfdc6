// Rows to JSON lines.
#include "stress/host/results.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <gnu/libc-version.h>
#include <sys/auxv.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <thread>

#include "stress/host/options.h"
#include "stress/host/report.h"

namespace sigsweep {
namespace {

using nlohmann::ordered_json;

// A field of the first processor; empty where there is none.
std::string cpuinfo(std::string_view field) {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with(field) && colon != line.npos) return line.substr(colon + 2);
  }
  return {};
}

// Which components of the processor's state are in use (XGETBV); 0 where the kernel has not
// switched them on.
std::uint64_t xcr0() {
#if defined(__x86_64__)
  constexpr unsigned kOsxsave = 1U << 27;
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & kOsxsave) == 0) return 0;
  std::uint32_t low = 0, high = 0;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return std::uint64_t{high} << 32 | low;
#else
  return 0;
#endif
}

// What the kernel does against flaws of the processor: it decides what a system call and a signal
// cost.
std::map<std::string, std::string> mitigations() {
  std::map<std::string, std::string> found;
  std::error_code error;
  for (const auto& entry :
       std::filesystem::directory_iterator("/sys/devices/system/cpu/vulnerabilities", error)) {
    std::ifstream in(entry.path());
    std::string state;
    if (std::getline(in, state) && state.starts_with("Mitigation: ")) {
      found[entry.path().filename()] = state.substr(state.find(' ') + 1);
    }
  }
  return found;
}

std::string dump(const ordered_json& json) {
  // What is no UTF-8 (a command line may hold anything) is replaced, not refused.
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace

MachineFacts machine() {
  utsname kernel{};
  uname(&kernel);
  MachineFacts m;
  m.cpus = std::thread::hardware_concurrency();
  m.kernel = kernel.release;
  m.cpu = cpuinfo("model name");
  m.least_signal_stack = getauxval(AT_MINSIGSTKSZ);
  m.xcr0 = xcr0();
  m.microcode = cpuinfo("microcode");
  m.libc = std::string("glibc ") + gnu_get_libc_version();
  m.mitigations = mitigations();
  return m;
}

void make_folder_of(const std::string& path) {
  const auto folder = std::filesystem::path(path).parent_path();
  if (folder.empty()) return;
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    throw std::runtime_error(
        fmt::format("the folder {} cannot be made: {}", folder.string(), error.message()));
  }
}

ResultsWriter::ResultsWriter(const std::string& path, ReportBuilder* report)
    : path_(path), report_(report) {
  if (path.empty()) return;
  make_folder_of(path);
  fd_ = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  if (fd_ < 0)
    throw std::runtime_error(fmt::format("cannot write {}: {}", path, std::strerror(errno)));
  try {
    take();
  } catch (...) {
    close(fd_);
    throw;
  }
}

// Empties the file, once nobody else has it. Several runs may write to /dev/stdout, which is no file.
void ResultsWriter::take() {
  struct stat info {};
  if (fstat(fd_, &info) != 0 || !S_ISREG(info.st_mode)) return;
  if (flock(fd_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    throw std::runtime_error(
        fmt::format("{}: another run is writing it; --out or --json names another place", path_));
  }
  if (ftruncate(fd_, 0) != 0)
    throw std::runtime_error(fmt::format("cannot write {}: {}", path_, std::strerror(errno)));
}

ResultsWriter::~ResultsWriter() {
  if (fd_ >= 0) close(fd_);
}

void ResultsWriter::line(const std::string& text) {
  if (fd_ < 0) return;
  const std::string whole = text + "\n";
  for (std::size_t done = 0; done < whole.size();) {
    const ssize_t n = ::write(fd_, whole.data() + done, whole.size() - done);
    if (n < 0)
      throw std::runtime_error(fmt::format("cannot write {}: {}", path_, std::strerror(errno)));
    done += static_cast<std::size_t>(n);
  }
}

void ResultsWriter::write(const ordered_json& row) {
  if (report_ != nullptr) report_->take(row);
  line(dump(row));
}

static ordered_json adapter_json(const AdapterRow& row) {
  return {{"name", row.name},         {"version", row.version}, {"build", row.build},
          {"promises", row.promises}, {"traits", row.traits},   {"file", row.file}};
}

void ResultsWriter::write(const RunRow& row) {
  const MachineFacts here = machine();
  ordered_json run{
      {"kind", "run"},
      {"version", row.version},
      {"build", row.build},
      {"command", row.command},
      {"isas", row.isas},
      {"left_out", row.left_out},
      {"seed", row.seed},
      {"shard", row.shard},
      {"selection", row.selection},
      {"started", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)))},
      {"machine",
       {{"cpus", here.cpus},
        {"kernel", here.kernel},
        {"cpu", here.cpu},
        {"least_signal_stack", here.least_signal_stack},
        {"xcr0", fmt::format("{:#x}", here.xcr0)},
        {"microcode", here.microcode},
        {"libc", here.libc},
        {"mitigations", here.mitigations}}}};
  if (!row.subject.empty()) run["subject"] = row.subject;
  if (row.adapter) run["adapter"] = adapter_json(*row.adapter);
  write(run);
}

void ResultsWriter::write(const CellRow& row) {
  ordered_json mismatches = nullptr;
  if (row.predicted) mismatches = row.predicted_mismatches;
  ordered_json stacks = ordered_json::object();
  for (const auto& [name, use] : row.stacks)
    stacks[name] = {{"used", use.used}, {"size", use.size}};
  cells_++;
  ordered_json json{{"kind", "cell"},           {"isa", row.isa},
                    {"protocol", row.protocol}, {"site", row.site},
                    {"handler", row.handler},   {"depth", row.form == "single" ? 1 : 2},
                    {"form", row.form},         {"inject", row.inject},
                    {"contain", row.contain},   {"boundaries", row.boundaries},
                    {"trials", row.trials},     {"requested", row.requested},
                    {"landed", row.landed},     {"unreached", row.unreached},
                    {"verdicts", row.verdicts}, {"predicted_mismatches", mismatches},
                    {"expected", row.expected}, {"map", row.map},
                    {"stacks", stacks},         {"seconds", row.seconds}};
  if (row.standing) {
    json["promised"] = row.standing->promised;
    json["observed"] = row.standing->observed;
  }
  if (row.jumped != 0) json["jumped"] = row.jumped;
  if (row.masked != 0) json["masked"] = row.masked;
  if (row.lost != 0) json["lost"] = row.lost;
  if (row.not_judged != 0) json["not_judged"] = row.not_judged;
  if (row.copies != 0) json["copies"] = row.copies;
  if (!row.left_out.empty()) json["left_out"] = row.left_out;
  write(json);
}

void ResultsWriter::write(const ClaimRow& row) {
  ordered_json json{{"kind", "claim"},
                    {"id", row.id},
                    {"isa", row.isa},
                    {"statement", row.statement},
                    {"holds", row.holds},
                    {"cells", row.cells},
                    {"pairs", row.pairs},
                    {"trials", row.trials},
                    {"landed", row.landed},
                    {"left_out", row.left_out},
                    {"counterexample", row.counterexample},
                    {"detail", row.detail},
                    {"seconds", row.seconds}};
  if (!row.finding.empty()) json["finding"] = row.finding;
  if (!row.contract.empty()) json["contract"] = row.contract;
  if (!row.only_isa.empty()) json["only_isa"] = row.only_isa;
  write(json);
}

static ordered_json latency_json(const LatencyRow& l) {
  return {{"count", l.count}, {"p50", l.p50}, {"p99", l.p99}, {"p999", l.p999}, {"max", l.max}};
}

static ordered_json counted(bool is_counted, std::uint64_t n) {
  return is_counted ? ordered_json(n) : ordered_json(nullptr);
}

void ResultsWriter::write(const StormRow& row) {
  ordered_json sources = ordered_json::array();
  for (const SourceRow& s : row.sources) {
    sources.push_back({{"source", s.name},
                       {"sent", counted(s.counts_sent, s.sent)},
                       {"delivered", s.delivered},
                       {"overruns", counted(s.counts_overruns, s.overruns)},
                       {"pending", counted(s.counts_sent, s.pending)},
                       {"rate_reached", s.rate_reached}});
  }
  ordered_json json{{"kind", "storm"},
                    {"isa", row.isa},
                    {"protocol", row.protocol},
                    {"ms", row.ms},
                    {"gs", row.gs},
                    {"mixes", row.mixes},
                    {"nest", row.nest},
                    {"hold_rate", row.hold_rate},
                    {"seconds", row.seconds},
                    {"rate_asked", row.rate_asked},
                    {"sources", sources},
                    {"operations", row.operations},
                    {"legal", row.legal},
                    {"calls", row.calls},
                    {"rejected", row.rejected},
                    {"ran", row.ran},
                    {"missed_reject", row.missed_reject},
                    {"false_reject", row.false_reject},
                    {"nested", row.nested},
                    {"wrong_stack", row.wrong_stack},
                    {"no_progress", row.no_progress},
                    {"backoffs", row.backoffs},
                    {"collections", row.collections},
                    {"handler_seconds", row.handler_seconds},
                    {"verdicts", row.verdicts},
                    {"first_violation", row.first_violation},
                    {"replay_tried", row.replay_tried},
                    {"replay_same", row.replay_same},
                    {"replay_apart", row.replay_apart},
                    {"latency", latency_json(row.latency)},
                    {"entry", latency_json(row.entry)},
                    {"expected", row.expected}};
  if (!row.finding.empty()) json["finding"] = row.finding;
  if (row.adapter) {
    json["adapter"] = adapter_json(*row.adapter);
    json["handlers"] = row.handlers;
    json["backtraces"] = row.backtraces;
  }
  write(json);
}

void ResultsWriter::write(const SkippedRow& row) {
  write(ordered_json{{"kind", "skipped"}, {"isa", row.isa}, {"what", row.what}, {"why", row.why}});
}

void ResultsWriter::write(const BaselineRow& row) {
  write(ordered_json{{"kind", "baseline"},
                     {"isa", row.isa},
                     {"protocol", row.protocol},
                     {"site", row.site},
                     {"verdict", row.verdict},
                     {"detail", row.detail}});
}

void ResultsWriter::write(const FindingRow& row) {
  ordered_json json{{"kind", "finding"},        {"id", row.id},           {"isa", row.isa},
                    {"protocol", row.protocol}, {"site", row.site},       {"handler", row.handler},
                    {"phase", row.phase},       {"verdict", row.verdict}, {"detail", row.detail},
                    {"schedule", row.schedule}, {"known", row.known}};
  if (row.known) json["reason"] = row.reason;
  if (!row.symbol.empty()) {
    json["symbol"] = row.symbol;
    json["offset"] = row.offset;
    json["binary"] = row.binary;
  }
  if (row.source_line != 0) {
    json["source_file"] = row.source_file;
    json["source_line"] = row.source_line;
  }
  if (!row.why.empty()) {
    json["why"] = row.why;
    json["facts"] = ordered_json::parse(row.facts);
  }
  write(json);
}

void ResultsWriter::write(const EndRow& row) {
  write(ordered_json{{"kind", "end"}, {"cells", row.cells}, {"status", row.status}});
}

int write_to_end(ResultsWriter* writer, const std::function<int()>& work) {
  int status = kHarnessFailed;
  try {
    status = work();
  } catch (const Failure& failure) {
    writer->end(status_of(failure));
    throw;
  } catch (...) {
    writer->end(status);
    throw;
  }
  writer->end(status);
  return status;
}

}  // namespace sigsweep
