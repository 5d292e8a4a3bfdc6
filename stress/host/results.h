// The rows of a results file (JSON lines; results/schema.json is the contract) and their writer.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace sigsweep {

// What the program runs on.
struct MachineFacts {
  unsigned cpus = 0;
  std::string kernel, cpu;
  // What decides a signal's frame, and what a signal costs. 0 or empty: unknown here.
  std::uint64_t least_signal_stack = 0;  // AT_MINSIGSTKSZ, in bytes
  std::uint64_t xcr0 = 0;                // the processor's state components that are in use
  std::string microcode, libc;
  std::map<std::string, std::string> mitigations;  // those that are at work, by vulnerability
};
MachineFacts machine();

// Of a run with an adapter: whose library it is, and what was promised of it.
struct AdapterRow {
  std::string name, version, build, file;
  std::vector<std::string> promises, traits;
};

struct RunRow {  // provenance: the first line
  std::string version, build, command;
  std::vector<std::string> isas;
  std::vector<std::string> left_out;  // "ISA: reason"
  std::uint64_t seed = 0;
  std::string shard;                       // "1/2"; empty: all of it
  std::string selection;                   // what was asked for, in one canonical form
  std::string subject;                     // the code under test, without its version
  std::optional<AdapterRow> adapter = {};  // none: a subject that is built in
};

struct StackUse {  // bytes
  std::uint64_t used = 0, size = 0;
};

// Of a cell of an adapter.
struct Standing {
  bool promised = true;  // one verdict was promised, so that any other is a finding
  // Trials that were not ok, by verdict, against which nothing was promised: never a finding.
  std::map<std::string, std::uint64_t> observed;
};

struct CellRow {
  std::string isa, protocol, site, handler, inject;
  std::string form = "single";  // single (depth 1); nested, two (depth 2)
  std::string contain = "place";
  std::uint64_t boundaries = 0, trials = 0, requested = 0, landed = 0, unreached = 0;
  std::map<std::string, std::uint64_t> verdicts;
  bool predicted = false;  // else predicted_mismatches is null
  std::uint64_t predicted_mismatches = 0;
  bool expected = true;
  std::string map;
  // Of each stack what was used at most since the runner began, and its size, in bytes.
  std::map<std::string, StackUse> stacks;
  std::uint64_t jumped =
      0;  // of --inject user: signals that landed without the kernel; 0: not written
  std::uint64_t masked = 0;  // signals that the code keeps away at their boundary; 0: not written
  std::uint64_t lost = 0;  // signals that were sent and never handled: lost-signal; 0: not written
  // Trials among those with the verdict ok whose backtrace nobody can judge; 0: not written.
  std::uint64_t not_judged = 0;
  std::uint64_t copies = 0;          // of the runner, thrown away after a trial; 0: not written
  std::optional<Standing> standing;  // none: of a subject that is built in
  std::string left_out;              // why nothing of it was tried; empty: it was; not written
  double seconds = 0;
};

struct ClaimRow {
  unsigned id = 0;
  std::string isa;
  std::string statement;
  bool holds = false;
  std::uint64_t cells = 0, pairs = 0, trials = 0, landed = 0;  // pairs: of the trials, at depth 2
  std::vector<std::string> left_out;  // of the statement's quantifiers, what was not tried
  std::string counterexample, detail;
  double seconds = 0;
  std::string finding;   // the id of the counterexample; empty: there is none
  std::string contract;  // the check without a signal that failed first; empty: none did
  std::string only_isa;  // it speaks of no other; empty: of all
};

// What was not tried here, and why.
struct SkippedRow {
  std::string isa, what, why;
};

// An operation that is not ok with no signal at all.
struct BaselineRow {
  std::string isa, protocol, site, verdict, detail;
};

struct FindingRow {
  std::string id, isa, protocol, site, handler, phase, verdict, detail, schedule;
  bool known = false;
  std::string reason = {};           // known: why
  std::string symbol = {};           // in front of which instruction; empty: nothing was injected
  std::uint64_t offset = 0;          // bytes from the symbol's start
  std::string binary = {};           // the file that the instruction is in
  std::string source_file = {};      // where its source is ...
  unsigned source_line = 0;          // ... 0: the binary does not tell
  std::string why = {}, facts = {};  // facts: JSON. Both are empty where it was not looked into
};

struct EndRow {             // the last line of a run; missing where it was killed
  std::uint64_t cells = 0;  // those written
  int status = 0;           // the command's exit status
};

struct SourceRow {
  std::string name;
  bool counts_sent = false;  // else sent and pending are null
  std::uint64_t sent = 0, delivered = 0;
  bool counts_overruns = false;  // else null
  std::uint64_t overruns = 0, pending = 0;
  std::uint64_t rate_asked = 0;  // a second, of all Ms
  double rate_reached = 0;       // delivered a second, of all Ms
};

struct LatencyRow {  // ns
  std::uint64_t count = 0, p50 = 0, p99 = 0, p999 = 0, max = 0;
};

struct StormRow {
  std::string isa, protocol;
  std::optional<AdapterRow> adapter = {};  // none: a subject that is built in
  std::vector<std::string> handlers;       // of an adapter only
  std::uint64_t backtraces = 0;            // likewise: taken by handlers
  unsigned ms = 0, gs = 0;
  std::vector<std::string> mixes;
  bool nest = false;
  bool hold_rate = false;  // timers are not slowed down
  double seconds = 0;
  std::uint64_t rate_asked = 0;  // signals a second, of each source
  std::vector<SourceRow> sources;
  std::map<std::string, std::uint64_t> operations;  // by mix
  std::uint64_t legal = 0;                          // legal calls that ran
  std::uint64_t calls = 0, rejected = 0, ran = 0;   // from handlers
  std::uint64_t missed_reject = 0, false_reject = 0;
  std::uint64_t nested = 0, no_progress = 0, backoffs = 0, collections = 0;
  // Handlers entered on another stack than the alternate one, or against the ABI.
  std::uint64_t wrong_stack = 0;
  double handler_seconds = 0;
  std::map<std::string, std::uint64_t> verdicts;  // but ok
  std::string finding;                            // what is not as promised; empty: nothing
  double first_violation = 0;                     // seconds after the start; 0: none
  std::uint64_t replay_tried = 0, replay_same = 0, replay_apart = 0;
  LatencyRow latency, entry;
  bool expected = true;
};

class ReportBuilder;

// Writes each line as it comes, by one write(2): a run that is killed loses at most the last.
// Nobody else can write the file meanwhile.
class ResultsWriter {
 public:
  // An empty path writes nothing. The report, if there is one, takes each row, too. Throws
  // std::runtime_error, with the reason, where the file can't be made, another run writes it, or a
  // line can't be written.
  explicit ResultsWriter(const std::string& path, ReportBuilder* report = nullptr);
  ~ResultsWriter();
  ResultsWriter(const ResultsWriter&) = delete;
  ResultsWriter& operator=(const ResultsWriter&) = delete;

  void write(const RunRow& row);
  void write(const CellRow& row);
  void write(const ClaimRow& row);
  void write(const SkippedRow& row);
  void write(const BaselineRow& row);
  void write(const FindingRow& row);
  void write(const StormRow& row);
  void write(const EndRow& row);
  void end(int status) { write(EndRow{cells_, status}); }

  // A row that is JSON already.
  void write(const nlohmann::ordered_json& row);
  // Such a row as text, of a kind that no report speaks of.
  void write_line(const std::string& json) { line(json); }

  ReportBuilder* report() const { return report_; }  // null: nobody asks for one

 private:
  void line(const std::string& text);
  void take();
  std::string path_;
  ReportBuilder* report_;
  int fd_ = -1;
  std::uint64_t cells_ = 0;  // written
};

// Calls work(), which writes rows, and then writes the last row: the status. Returns that status, or
// rethrows what work() threw.
int write_to_end(ResultsWriter* writer, const std::function<int()>& work);

// Makes the folder that a file is to lie in. Throws std::runtime_error, with the reason.
void make_folder_of(const std::string& path);

}  // namespace sigsweep
