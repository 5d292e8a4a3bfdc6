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

// A trial's number in a row: the cell and the boundary.
struct Place {
  std::uint32_t cell = 0, boundary = 0;

  std::uint64_t number() const { return std::uint64_t{cell} << 32 | boundary; }
  static Place of(std::uint64_t number) {
    return {static_cast<std::uint32_t>(number >> 32), static_cast<std::uint32_t>(number)};
  }
};

class Soak {
 public:
  Soak(const SoakRequest& request, Traces& traces)
      : request_(request), random_(request.seed), sweeper_(traces) {}
  SoakResult run(const std::function<void(std::uint64_t)>& report);

 private:
  void learn(unsigned protocol, unsigned site, unsigned handler);
  Plan plan_for(const CellRequest& request, unsigned boundary, Source source);
  void run_random(const std::function<void(std::uint64_t)>& report);
  void compare(const Place& place, const Judgement& now);

  const SoakRequest& request_;
  std::mt19937_64 random_;
  CellSweeper sweeper_;
  std::vector<Known> cells_;
  SoakResult result_;
};

Plan Soak::plan_for(const CellRequest& request, unsigned boundary, Source source) {
  Plan plan = sweeper_.plan_for(request, Point{boundary, 0}, random_());
  plan.injection[0].source = source;
  return plan;
}

void Soak::learn(unsigned protocol, unsigned site, unsigned handler) {
  Known cell;
  cell.request.protocol = protocol;
  cell.request.site = site;
  cell.request.handler = handler;
  cell.request.signal = *signal_number("SIGPROF");
  TrialRow row(sweeper_.engine(), Contain::place, [&](std::uint64_t, const TrialResult& ran) {
    cell.first.push_back(ran.judgement);
    return true;
  });
  for (unsigned b = 0; b < sweeper_.trace().boundaries.size(); b++) {
    row.run(plan_for(cell.request, b, Source::direct), b);
  }
  row.finish();
  result_.points += cell.first.size();
  cells_.push_back(std::move(cell));
}

void Soak::compare(const Place& place, const Judgement& now) {
  const Known& cell = cells_[place.cell];
  const Judgement& first = cell.first[place.boundary];
  if (now.verdict == first.verdict && now.slots == first.slots) return;
  if (result_.changes++ != 0) return;
  result_.problem = sweeper_.select(cell.request.protocol, cell.request.site);
  if (!result_.problem.empty()) return;
  const Boundary& at = sweeper_.trace().boundaries[place.boundary];
  const Subject& subject = sweeper_.engine().subject();
  result_.first_change =
      std::string(subject.protocols()[cell.request.protocol].name) + " " +
      std::string(subject.sites()[cell.request.site].name) + " at " + at.symbol + "+" +
      std::to_string(at.offset) + " " + at.phase.text() + ": " +
      std::string(verdict_name(first.verdict)) + " " + slot_names(subject, first.slots) +
      " became " + std::string(verdict_name(now.verdict)) + " " + slot_names(subject, now.slots);
}

void Soak::run_random(const std::function<void(std::uint64_t)>& report) {
  TrialRow row(sweeper_.engine(), Contain::place,
               [&](std::uint64_t number, const TrialResult& ran) {
                 result_.landed += ran.seen.landed;
                 compare(Place::of(number), ran.judgement);
                 if (++result_.trials % kReportEvery == 0) report(result_.trials);
                 return true;
               });
  for (std::uint64_t i = 0; i < request_.rounds; i++) {
    const auto cell = static_cast<std::uint32_t>(random_() % cells_.size());
    const Known& known = cells_[cell];
    const Place place{cell, static_cast<std::uint32_t>(random_() % known.first.size())};
    result_.problem = sweeper_.select(known.request.protocol, known.request.site);
    if (!result_.problem.empty()) return;
    const Source source = random_() % 2 == 0 ? Source::direct : Source::kill;
    row.run(plan_for(known.request, place.boundary, source), place.number());
  }
  row.finish();
}

SoakResult Soak::run(const std::function<void(std::uint64_t)>& report) {
  for (const unsigned protocol : request_.protocols) {
    for (const unsigned site : request_.sites) {
      result_.problem = sweeper_.prepare(protocol, site, request_.seed);
      if (!result_.problem.empty()) return result_;
      for (const unsigned handler : request_.handlers) learn(protocol, site, handler);
    }
  }
  run_random(report);
  return result_;
}

}  // namespace

SoakResult run_soak(const SoakRequest& request, Traces& traces,
                    const std::function<void(std::uint64_t)>& report) {
  return Soak(request, traces).run(report);
}

}  // namespace sigsweep
