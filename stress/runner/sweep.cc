// sweep protocol= site= handlers= form= inject= contain= signal= seed= allowed= map=
// skip=CELL:POINT,...: a signal at every boundary of a cell, for each handler. With map=1 also a
// record `boundary` for each boundary of the operation, and before each record `cell` a record
// `inner` for each boundary of the handler (form=nested), and the outcome at each point.
#include <cstdio>
#include <optional>

#include "stress/campaign/resolve.h"
#include "stress/runner/account.h"
#include "stress/runner/outcome_map.h"
#include "stress/runner/request.h"
#include "stress/trap/sources.h"

namespace sigsweep {
namespace {

std::set<std::uint64_t> skipped(const Record& command, unsigned cell) {
  std::set<std::uint64_t> points;
  for (const std::string& item : command.list("skip")) {
    const std::size_t colon = item.find(':');
    if (std::stoul(item.substr(0, colon)) == cell)
      points.insert(std::stoull(item.substr(colon + 1)));
  }
  return points;
}

// For each stack: the most bytes used since this process began, and its size.
std::string stacks_used(Runner& runner) {
  const trap::StackPaint& paint = runner.engine.look_at_stacks();
  std::string used;
  for (unsigned i = 0; i < paint.count(); i++) {
    used += (used.empty() ? "" : ",") + std::string(runner.subject.stack_name(i)) + ":" +
            std::to_string(paint.used(i)) + ":" + std::to_string(paint.size(i));
  }
  return used;
}

void send_cell(Runner& runner, const std::string& handler, const CellResult& result) {
  std::string counts;
  for (unsigned v = 0; v < kVerdicts; v++) {
    if (result.verdicts[v] == 0) continue;
    counts += (counts.empty() ? "" : ",") + std::string(kVerdictNames[v]) + ":" +
              std::to_string(result.verdicts[v]);
  }
  char map[20], seconds[32];
  std::snprintf(map, sizeof map, "%016llx", static_cast<unsigned long long>(result.map));
  std::snprintf(seconds, sizeof seconds, "%.6f", result.seconds);
  Record r("cell");
  r.add("handler", handler)
      .add("boundaries", result.boundaries)
      .add("trials", result.trials)
      .add("requested", result.requested)
      .add("landed", result.landed)
      .add("unreached", result.unreached)
      .add("verdicts", counts)
      .add("map", map)
      .add("seconds", seconds);
  if (result.copies != 0) r.add("copies", result.copies);
  if (result.jumped != 0) r.add("jumped", result.jumped);
  if (result.masked != 0) r.add("masked", result.masked);
  if (result.lost != 0) r.add("lost", result.lost);
  if (result.unjudged != 0) r.add("not_judged", result.unjudged);
  if (result.predicted) r.add("mismatches", result.mismatches);
  r.add("stacks", stacks_used(runner));
  send(r);
  flush();
}

// A sweep command under way: cells of one protocol and site.
class Sweep {
 public:
  Sweep(Runner& runner, const Record& command)
      : runner_(runner), command_(command), sweeper_(runner.traces) {}
  // Empty, or the trouble.
  std::string run();

 private:
  std::string read();
  bool wants_map() const { return command_.number("map") != 0; }
  std::string start();
  void send_boundaries(const char* word, const Trace& trace) const;
  OutcomeMap empty_map() const;
  std::string sweep_cell(unsigned cell);
  std::string leave_out(const std::string& handler, const std::string& why);
  std::string allow(CellRequest* request) const;
  CellSweeper::Listener listener_of(const CellRequest& request, const std::string& handler);
  Account account_of_example(const CellRequest& request, const Example& example);

  Runner& runner_;
  const Record& command_;
  CellSweeper sweeper_;
  CellRequest request_;  // of every cell, without the handler
  std::vector<unsigned> handlers_;
  std::optional<OutcomeMap> map_;  // of the cell under way, if the command asks for it
};

std::string Sweep::read() {
  std::string trouble = read_request(runner_, command_, &request_);
  for (const std::string& name : command_.list("handlers")) {
    if (!trouble.empty()) return trouble;
    handlers_.push_back(kNoHandler);
    trouble = find_handler(runner_, name, &handlers_.back());
  }
  return trouble.empty() ? trap::prepare(request_.source) : trouble;
}

// The trace, and the operation without a signal.
std::string Sweep::start() {
  std::string trouble = sweeper_.prepare(request_.protocol, request_.site, request_.seed);
  const Judgement& before = sweeper_.without_signal();
  send(Record("baseline")
           .add("verdict", verdict_name(before.verdict))
           .add("detail", std::string(before.detail == nullptr ? "" : before.detail) +
                              (sweeper_.lost().empty() ? "" : ": " + sweeper_.lost()))
           .add("boundaries", std::uint64_t{sweeper_.trace().boundaries.size()}));
  flush();  // send all records before a trial can end this process
  if (trouble.empty() && (before.verdict == Verdict::crash || before.verdict == Verdict::hang)) {
    return "the operation does not come to its end without a signal";
  }
  return trouble;
}

void Sweep::send_boundaries(const char* word, const Trace& trace) const {
  for (const Boundary& b : trace.boundaries) {
    Record r(word);
    encode(account_of(runner_.subject, b), "", &r);
    send(r);
  }
}

std::string Sweep::run() {
  std::string trouble = read();
  if (trouble.empty()) trouble = start();
  if (!trouble.empty()) return trouble;
  if (wants_map()) send_boundaries("boundary", sweeper_.trace());
  for (unsigned cell = 0; cell < handlers_.size() && trouble.empty(); cell++) {
    trouble = sweep_cell(cell);
  }
  return trouble;
}

// The verdicts that the cell may show: the protocol's own, or the command's.
std::string Sweep::allow(CellRequest* request) const {
  const bool calls = calls_subject(request->handler);
  request->allowed = runner_.subject.allowed(request->protocol, request->handler);
  if (command_.has("allowed") && calls) {
    const std::string& text = command_.text("allowed");
    const auto given = VerdictSet::from_text(text);
    if (!given) return "allowed=" + text + ": no such verdict";
    request->allowed = *given;
  }
  if (!calls && runner_.subject.rejects(request->protocol, request->site)) {
    request->allowed = {Verdict::false_reject};
  }
  return {};
}

std::string Sweep::sweep_cell(unsigned cell) {
  const std::string handler = command_.list("handlers")[cell];
  CellRequest request = request_;
  request.handler = handlers_[cell];
  std::string trouble = allow(&request);
  if (!trouble.empty()) return trouble;
  request.skip = skipped(command_, cell);
  runner_.progress.cell = cell;
  if (request.form == Form::nested) {
    trouble = sweeper_.room_problem(request);
    if (trouble.empty()) trouble = sweeper_.prepare_handler(request.protocol, request.handler);
    if (!trouble.empty()) return leave_out(handler, trouble);
  }
  if (wants_map()) map_ = empty_map();
  const CellResult result = sweeper_.run(request, listener_of(request, handler));
  if (map_) {
    if (request.form == Form::nested) send_boundaries("inner", sweeper_.handler_trace());
    map_->send(runner_.subject, handler);
  }
  send_cell(runner_, handler, result);
  return {};
}

// A handler's way through a library at fault may have no recording. That says nothing of the other
// cells: this one is left out. With any other subject it is the harness that fails.
std::string Sweep::leave_out(const std::string& handler, const std::string& why) {
  if (!runner_.subject.is_fragile()) return why;
  send(Record("cell_left_out").add("handler", handler).add("why", why));
  flush();
  return {};
}

OutcomeMap Sweep::empty_map() const {
  const std::size_t rows = sweeper_.trace().boundaries.size();
  switch (request_.form) {
    case Form::nested:
      return {rows, sweeper_.handler_trace().boundaries.size()};
    case Form::two:
      return {rows, rows};
    default:
      return {rows, 1};
  }
}

// CAVEAT: the result refers to `request` and `handler`.
CellSweeper::Listener Sweep::listener_of(const CellRequest& request, const std::string& handler) {
  CellSweeper::Listener listener;
  listener.starting = [this](const Point& point) { runner_.progress.boundary = point.number(); };
  // The host may stop this process, or it may die: what is known by then is told.
  listener.example = [&, this](const Example& e) {
    send(encode(account_of_example(request, e)));
    flush();
  };
  listener.again = [&, this] {
    send(Record("again").add("handler", handler));
    if (map_) map_->clear();
  };
  if (!map_) return listener;
  listener.at = [this](const Point& point, const Judgement& judgement) {
    map_->add(point, judgement);
  };
  return listener;
}

// Runs the trial of an example once more, and looks at the parts that the sweep leaves out.
Account Sweep::account_of_example(const CellRequest& request, const Example& e) {
  const Plan plan = sweeper_.plan_for(request, e.point, e.seed);
  const auto boundaries = sweeper_.boundaries_of(request, e.point);
  const Judgement judgement = e.judgement;
  Engine& engine = runner_.engine;
  const unsigned blame =
      plan.injections < 2
          ? 0
          : blamed_injection(engine, plan, judgement, engine.run(plan, request.contain).seen);
  const TrialResult again = engine.run(plan, request.contain);
  Account account =
      account_of(runner_.subject, plan, {boundaries.data(), plan.injections}, again, judgement);
  account.kind = AccountKind::example;
  account.blame = blame;
  account.seed = e.seed;
  account.expected = e.expected;
  account.mismatch = e.reason;
  return account;
}

}  // namespace

std::string sweep(Runner& runner, const Record& command) {
  return Sweep(runner, command).run();
}

}  // namespace sigsweep
