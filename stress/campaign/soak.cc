// First every boundary of every cell in order, then random ones; sources direct and kill in turn.
#include "stress/campaign/soak.h"

#include <random>

#include "stress/campaign/cell.h"
#include "stress/campaign/resolve.h"

namespace sigsweep {
namespace {

constexpr std::uint64_t kReportEvery = 100000;

// One cell and the first verdict of each of its boundaries.
struct Known {
  CellRequest request;
  std::vector<Judgement> first;
};

class Soak {
 public:
  Soak(const SoakRequest& request, Traces& traces)
      : request_(request), random_(request.seed), sweeper_(traces) {}
  SoakResult run(const std::function<void(std::uint64_t)>& report);

 private:
  void learn(unsigned protocol, unsigned site, unsigned handler);
  Judgement trial(const CellRequest& request, unsigned boundary, Source source);
  void compare(const Known& cell, unsigned boundary, const Judgement& now);

  const SoakRequest& request_;
  std::mt19937_64 random_;
  CellSweeper sweeper_;
  std::vector<Known> cells_;
  SoakResult result_;
};

Judgement Soak::trial(const CellRequest& request, unsigned boundary, Source source) {
  Plan plan = sweeper_.plan_for(request, Point{boundary, 0}, random_());
  plan.injection[0].source = source;
  const TrialResult result = sweeper_.engine().run(plan);
  result_.landed += result.seen.landed;
  result_.trials++;
  return result.judgement;
}

void Soak::learn(unsigned protocol, unsigned site, unsigned handler) {
  Known cell;
  cell.request.protocol = protocol;
  cell.request.site = site;
  cell.request.handler = handler;
  cell.request.signal = *signal_number("SIGPROF");
  for (unsigned b = 0; b < sweeper_.trace().boundaries.size(); b++) {
    cell.first.push_back(trial(cell.request, b, Source::direct));
  }
  result_.points += cell.first.size();
  cells_.push_back(std::move(cell));
}

void Soak::compare(const Known& cell, unsigned boundary, const Judgement& now) {
  const Judgement& first = cell.first[boundary];
  if (now.verdict == first.verdict && now.slots == first.slots) return;
  if (result_.changes++ != 0) return;
  const Boundary& at = sweeper_.trace().boundaries[boundary];
  const Subject& subject = sweeper_.engine().subject();
  result_.first_change =
      std::string(subject.protocols()[cell.request.protocol].name) + " " +
      std::string(subject.sites()[cell.request.site].name) + " at " + at.symbol + "+" +
      std::to_string(at.offset) + " " + at.phase.text() + ": " +
      std::string(verdict_name(first.verdict)) + " " + slot_names(subject, first.slots) +
      " became " + std::string(verdict_name(now.verdict)) + " " + slot_names(subject, now.slots);
}

SoakResult Soak::run(const std::function<void(std::uint64_t)>& report) {
  for (const unsigned protocol : request_.protocols) {
    for (const unsigned site : request_.sites) {
      result_.problem = sweeper_.prepare(protocol, site, request_.seed);
      if (!result_.problem.empty()) return result_;
      for (const unsigned handler : request_.handlers) learn(protocol, site, handler);
    }
  }
  result_.trials = result_.landed = 0;
  while (result_.trials < request_.rounds) {
    const Known& cell = cells_[static_cast<std::size_t>(random_() % cells_.size())];
    const auto boundary = static_cast<unsigned>(random_() % cell.first.size());
    result_.problem = sweeper_.select(cell.request.protocol, cell.request.site);
    if (!result_.problem.empty()) return result_;
    const Source source = random_() % 2 == 0 ? Source::direct : Source::kill;
    compare(cell, boundary, trial(cell.request, boundary, source));
    if (result_.trials % kReportEvery == 0) report(result_.trials);
  }
  return result_;
}

}  // namespace

SoakResult run_soak(const SoakRequest& request, Traces& traces,
                    const std::function<void(std::uint64_t)>& report) {
  return Soak(request, traces).run(report);
}

}  // namespace sigsweep
