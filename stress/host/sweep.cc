// Groups of cells (a protocol and a site, all handlers) go to runners; deaths are booked on their
// trials.
#include "stress/host/sweep.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "stress/host/progress.h"

namespace sigsweep {
namespace {

// A trial that ends its runner costs a start of the next, some 20 ms, and one that hangs, allowed
// or not, the watchdog's patience: of a sweep that has lost so many, the rest would take hours.
constexpr std::size_t kMostDeaths = 1000, kMostHangs = 100;

std::uint64_t hangs(const CellRow& row) {
  const auto hung = row.verdicts.find("hang");
  return hung == row.verdicts.end() ? 0 : hung->second;
}

// One group, run to its end through as many runners as it takes.
class GroupRun {
 public:
  GroupRun(const Session& session, const SweepPlan& plan, const CellGroup& group,
           RunnerProcess* runner)
      : session_(session), plan_(plan), group_(group), runner_(runner) {}

  // Rows of the cells that are whole, in order; false if the sweep must end.
  bool run();

  std::vector<CellRow> cells;
  std::vector<ReportedTrial> examples;
  std::vector<BaselineProblem> without_signal;
  OperationMap map;  // of the cells, if the plan asks for it
  std::string harness_problem;
  bool stopped = false;
  // Did it come to the end of each cell? If not, what is known of the rest.
  bool is_whole() const { return left().empty() || !without_signal.empty(); }
  std::string unfinished() const;
  // Trials that ended their runner by themselves; those that were ended are hung ones.
  std::uint64_t deaths() const {
    return static_cast<std::uint64_t>(std::ranges::count(deaths_, false, &Death::hung));
  }

 private:
  struct Death {
    std::string handler;
    std::uint64_t point;
    bool hung;
  };

  Record command() const;
  CellRow empty_row(const std::string& handler) const;
  void take(const Record& record);
  void take_cell(const Record& record);
  void leave_out(const Record& record);
  void take_deaths(CellRow* row) const;
  Standing standing(const CellRow& row, const VerdictSet& may_show) const;
  void take_map(const std::string& handler);
  void finish_cell(CellRow row);
  void forget_examples(const std::string& handler);
  // handlers: the command's, as it was given.
  bool book(const Outcome& outcome, const std::vector<std::string>& handlers);
  VerdictSet allowed(const std::string& handler) const;
  const std::string& inject() const { return group_.inject.empty() ? plan_.inject : group_.inject; }
  // The kernel delivers each signal as its own handler was installed: so where it does, they take
  // turns.
  std::string signal() const {
    return group_.inject == "kill" ? std::string(kEachSignal) : signal_for(inject());
  }
  // Handlers whose cell is still to be done.
  std::vector<std::string> left() const {
    return {group_.handlers.begin() + static_cast<long>(cells.size()), group_.handlers.end()};
  }

  const Session& session_;
  const SweepPlan& plan_;
  const CellGroup& group_;
  RunnerProcess* runner_;
  MapReader map_reader_;
  std::vector<Death> deaths_;
  bool began_ = false;  // the runner has got past the run without a signal
  bool anew_ = false;   // one has died in that run: the next is new
};

VerdictSet GroupRun::allowed(const std::string& handler) const {
  return session_.allowed(group_.protocol, group_.site, handler, plan_.assumed);
}

Record GroupRun::command() const {
  Record r("sweep");
  const auto handlers = left();
  std::string skip;
  for (const Death& death : deaths_) {
    const auto at = std::ranges::find(handlers, death.handler);
    if (at == handlers.end()) continue;
    skip += fmt::format("{}{}:{}", skip.empty() ? "" : ",", at - handlers.begin(), death.point);
  }
  r.add("protocol", group_.protocol)
      .add("site", group_.site)
      .add("handlers", fmt::format("{}", fmt::join(handlers, ",")));
  r.add("form", group_.form).add("contain", plan_.contain);
  r.add("inject", inject()).add("signal", signal()).add("seed", plan_.seed);
  r.add("no_red_zone", unsigned{plan_.no_red_zone});
  r.add("skip", skip).add("sample", group_.form == "single" ? 0 : plan_.sample);
  r.add("map", unsigned{plan_.per_boundary});
  const auto assumed = plan_.assumed.find(group_.protocol);
  if (assumed != plan_.assumed.end()) r.add("allowed", verdict_name(assumed->second));
  return r;
}

void GroupRun::take(const Record& record) {
  if (plan_.per_boundary) map_reader_.take(record);
  if (record.word() == "baseline") {
    if (!began_ && record.text("verdict") !=
                       verdict_name(session_.without_signal(group_.protocol, group_.site))) {
      without_signal.push_back(
          {group_.protocol, group_.site, record.text("verdict"), record.text("detail")});
    }
    began_ = true;
  } else if (record.word() == "example") {
    Account told = decode(record);
    const bool expected = told.expected && told.mismatch.empty();
    const std::uint64_t seed = told.seed;
    examples.push_back({session_.options.isa, group_.protocol, expected, seed, std::move(told),
                        session_.description.catalog.adapter});
  } else if (record.word() == "again") {
    forget_examples(record.text("handler"));
  } else if (record.word() == "cell") {
    take_cell(record);
  } else if (record.word() == "cell_left_out") {
    leave_out(record);
  }
}

CellRow GroupRun::empty_row(const std::string& handler) const {
  CellRow row;
  row.isa = session_.options.isa;
  row.protocol = group_.protocol;
  row.site = group_.site;
  row.handler = handler;
  row.inject = inject();
  row.form = group_.form;
  row.contain = plan_.contain;
  row.map = std::string(16, '0');
  return row;
}

void GroupRun::take_cell(const Record& record) {
  CellRow row = empty_row(record.text("handler"));
  row.boundaries = record.number("boundaries");
  row.trials = record.number("trials");
  row.requested = record.number("requested");
  row.landed = record.number("landed");
  row.unreached = record.number("unreached");
  row.jumped = record.number("jumped");
  row.masked = record.number("masked");
  // Of a library: it may take the handler away. A subject that is built in does not, so there the
  // injection has failed.
  if (session_.description.adapter) row.lost = record.number("lost");
  for (const std::string& item : record.list("verdicts")) {
    const std::size_t colon = item.find(':');
    row.verdicts[item.substr(0, colon)] = std::stoull(item.substr(colon + 1));
  }
  row.predicted = record.has("mismatches");
  row.predicted_mismatches = record.number("mismatches");
  row.map = record.text("map");
  row.not_judged = record.number("not_judged");
  row.copies = record.number("copies");
  for (const std::string& item : record.list("stacks")) {
    const std::size_t used = item.find(':') + 1, size = item.find(':', used) + 1;
    row.stacks[item.substr(0, used - 1)] = {std::stoull(item.substr(used)),
                                            std::stoull(item.substr(size))};
  }
  row.seconds = std::stod(record.text("seconds"));
  take_deaths(&row);
  if (plan_.per_boundary) take_map(row.handler);
  finish_cell(std::move(row));
}

void GroupRun::leave_out(const Record& record) {
  CellRow row = empty_row(record.text("handler"));
  row.left_out = record.text("why");
  finish_cell(std::move(row));
}

void GroupRun::take_map(const std::string& handler) {
  CellMap cell = std::exchange(map_reader_.cell, {});
  for (const Death& death : deaths_) {
    if (death.handler == handler) cell.book(death.point, death.hung ? "hang" : "crash");
  }
  const VerdictSet may_show = allowed(handler);
  for (BoundaryOutcome& outcome : cell.outcomes)
    outcome.allowed = contains(may_show, outcome.verdict);
  if (map.cells.empty()) {
    map = {session_.options.isa, group_.protocol,        group_.site, group_.form, inject(),
           plan_.contain,        map_reader_.boundaries, {}};
  }
  map.cells.push_back(std::move(cell));
}

void GroupRun::take_deaths(CellRow* row) const {
  for (const Death& death : deaths_) {
    if (death.handler != row->handler) continue;
    row->trials++;
    row->requested++;
    row->landed++;  // it was the signal that it died of, or what followed
    row->verdicts[death.hung ? "hang" : "crash"]++;
    if (row->predicted) row->predicted_mismatches++;
  }
}

void GroupRun::finish_cell(CellRow row) {
  row.expected = row.predicted_mismatches == 0;
  const VerdictSet may_show = allowed(row.handler);
  for (const auto& [verdict, count] : row.verdicts) {
    if (!contains(may_show, verdict)) row.expected = false;
  }
  if (session_.description.adapter) row.standing = standing(row, may_show);
  if (row.requested != row.landed + row.unreached + row.masked + row.lost &&
      harness_problem.empty()) {
    harness_problem =
        fmt::format("{} {} {}: {} signals asked for, {} landed: an injection did not land",
                    row.protocol, row.site, row.handler, row.requested, row.landed);
  }
  cells.push_back(std::move(row));
}

// Where nothing was promised, all verdicts but ok are observations.
Standing GroupRun::standing(const CellRow& row, const VerdictSet& may_show) const {
  Standing standing;
  standing.promised = session_.promised(row.protocol, row.handler);
  if (standing.promised) return standing;
  for (const auto& [verdict, count] : row.verdicts) {
    if (verdict != verdict_name(Verdict::ok) && contains(may_show, verdict))
      standing.observed[verdict] = count;
  }
  return standing;
}

// A death in a trial is that trial's verdict; any other ends the sweep. True: go on.
bool GroupRun::book(const Outcome& outcome, const std::vector<std::string>& handlers) {
  if (!outcome.in_trial) {
    harness_problem = outcome.message + ", outside a trial";
    return false;
  }
  if (!began_) {
    // A trial of an earlier group may have written anywhere: only a new runner's word counts.
    if (!std::exchange(anew_, true)) return true;
    without_signal.push_back(
        {group_.protocol, group_.site, outcome.hung ? "hang" : "crash", outcome.message});
    return false;
  }
  const std::string& handler = handlers.at(outcome.cell);
  deaths_.push_back(Death{handler, outcome.point, outcome.hung});
  forget_examples(handler);
  if (deaths_.size() < kMostDeaths) return true;
  CellRow row = empty_row(handler);  // what is known of a cell that no runner comes through
  take_deaths(&row);
  finish_cell(std::move(row));
  return false;
}

// Its cell is run again.
void GroupRun::forget_examples(const std::string& handler) {
  std::erase_if(examples, [&](const ReportedTrial& e) { return e.handler() == handler; });
}

// Of the cell under way, with what its trials have shown.
std::string GroupRun::unfinished() const {
  const std::string handler = left().front();
  std::map<std::string, std::uint64_t> seen;  // 0: at least once
  for (const ReportedTrial& e : examples) {
    if (e.handler() == handler) seen.try_emplace(std::string(e.verdict()));
  }
  for (const Death& death : deaths_) {
    if (death.handler == handler) seen[death.hung ? "hang" : "crash"]++;
  }
  std::string text = fmt::format("{} {} with handler {}", group_.protocol, group_.site, handler);
  for (const auto& [verdict, n] : seen) {
    text += (text.ends_with(handler) ? ", which has shown " : ", ") + verdict +
            (n == 0 ? "" : fmt::format(" {} times", n));
  }
  return text;
}

bool GroupRun::run() {
  while (!left().empty()) {
    const auto handlers = left();
    const Outcome outcome = runner_->command(command(), [&](const Record& r) { take(r); });
    switch (outcome.kind) {
      case Outcome::done:
        break;
      case Outcome::stopped:
        stopped = true;
        return false;
      case Outcome::trouble:
        // It does not work without a signal: that is the finding.
        if (!without_signal.empty()) return true;
        harness_problem = fmt::format("{} {}: {}", group_.protocol, group_.site, outcome.message);
        return false;
      case Outcome::died:
        if (!book(outcome, handlers)) return harness_problem.empty();
    }
  }
  return true;
}

// Groups handed out to workers, results taken in under one lock, cells in the order of their
// ending.
class Sweeper {
 public:
  Sweeper(const Session& session, const SweepPlan& plan, ResultsWriter* writer)
      : session_(session),
        plan_(plan),
        writer_(writer),
        progress_("groups", std::max<std::uint64_t>(1, plan.groups.size())) {}
  SweepResult run();

 private:
  void work();
  // rows: of its map
  void take(GroupRun* run, const std::vector<std::string>& rows);

  const Session& session_;
  const SweepPlan& plan_;
  ResultsWriter* writer_;
  ProgressBar progress_;
  std::size_t next_ = 0, done_ = 0;
  std::uint64_t deaths_ = 0, hangs_ = 0;
  bool ending_ = false;
  SweepResult result_;
  std::exception_ptr failure_;
  std::mutex mutex_;
};

void Sweeper::take(GroupRun* run, const std::vector<std::string>& rows) {
  const std::lock_guard lock(mutex_);
  deaths_ += run->deaths();
  const bool whole = run->is_whole();
  if (!whole) result_.unfinished.push_back(run->unfinished());
  for (CellRow& row : run->cells) {
    hangs_ += hangs(row);
    writer_->write(row);
    result_.cells.push_back(std::move(row));
  }
  for (const std::string& row : rows) writer_->write_line(row);
  if (!run->map.cells.empty()) result_.maps.push_back(std::move(run->map));
  std::ranges::move(run->examples, std::back_inserter(result_.examples));
  std::ranges::move(run->without_signal, std::back_inserter(result_.without_signal));
  if (result_.harness_problem.empty()) result_.harness_problem = run->harness_problem;
  result_.stopped = result_.stopped || run->stopped;
  if ((deaths_ >= kMostDeaths || hangs_ >= kMostHangs) && result_.cut_short.empty()) {
    result_.cut_short = fmt::format(
        "too many trials hung or ended their runner: cells were left unfinished, and {} of {} "
        "groups were not begun",
        plan_.groups.size() - next_, plan_.groups.size());
    fmt::print(stderr, "sigsweep: {}\n", result_.cut_short);
  }
  ending_ = ending_ || run->stopped || !run->harness_problem.empty() || !result_.cut_short.empty();
  if (!whole) return;
  result_.groups = ++done_;
  progress_.step(done_, fmt::format("({} cells)", result_.cells.size()));
}

void Sweeper::work() {
  RunnerProcess runner(session_.runner_path, session_.options.isa, session_.options.adapter);
  std::optional<Listing> listing;
  for (;;) {
    const CellGroup* group = nullptr;
    {
      const std::lock_guard lock(mutex_);
      if (ending_ || next_ == plan_.groups.size()) return;
      group = &plan_.groups[next_++];
    }
    GroupRun run(session_, plan_, *group, &runner);
    run.run();
    try {
      if (plan_.per_boundary && !listing)
        listing.emplace(session_.runner_path, session_.description.modules);
      take(&run, listing ? rows_of(run.map, &*listing) : std::vector<std::string>());
    } catch (...) {  // the results can't be written
      const std::lock_guard lock(mutex_);
      failure_ = std::current_exception();
      ending_ = true;
    }
  }
}

SweepResult Sweeper::run() {
  const auto start = std::chrono::steady_clock::now();
  std::vector<std::thread> workers;
  for (unsigned i = 1; i < session_.options.jobs; i++) workers.emplace_back([this] { work(); });
  work();
  for (auto& worker : workers) worker.join();
  if (failure_) std::rethrow_exception(failure_);
  result_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return std::move(result_);
}

}  // namespace

SweepResult sweep(const Session& session, const SweepPlan& plan, ResultsWriter* writer) {
  return Sweeper(session, plan, writer).run();
}

}  // namespace sigsweep
