// A target whose inputs are schedules: runs their operations one after the other, tells the engine
// the results, and stops where the target says. A base class.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/ground.h"
#include "fuzz/input.h"
#include "fuzz/target.h"

namespace sigsweep::fuzz {

// Environment of all of them (an unknown name: status 2, and the names that there are):
//   SIGSWEEP_INJECT=SOURCE,...    kill, direct and itimer by default; peer by name only
//   SIGSWEEP_PROTOCOL=NAME,...    the target's own by default
//   SIGSWEEP_SHAPE=NAME           the part of an input that is run. any (the default): all of
//                                 it; one: its first operation with the first signal; plain: only
//                                 that operation; none: nothing (scripts/fuzz_rates)
//   ASYNC=1                       beside the input's signals, others that come at any time: a timer
//                                 of the thread's own sends them for ever, and their handlers are
//                                 the exact lane's (Engine::expect_strays). libFuzzer's and AFL++'s
//                                 alarm and interval timer are not touched.
class TrialTarget : public Target {
 public:
  std::span<const char* const> engine_options() const override;
  bool lands_signals() const override { return true; }
  bool takes_schedules() const override { return true; }
  std::string adapter_file() const override;
  std::vector<std::string> dictionary() const override;
  std::string become_canary() override;
  void configure() override;
  void prepare() override;
  std::optional<std::string> ways_to_keep() override;
  void start() override;
  void run(std::span<const std::uint8_t> input) override;
  std::string account() const override;
  std::string text_of(std::span<const std::uint8_t> input) override;
  bool input_of(std::string_view text, const std::string& file, std::vector<std::uint8_t>* input,
                std::string* why) override;

 protected:
  // Does this verdict break the protocol's promise? If the protocol promises one verdict: at any
  // depth. Else only for a single signal, because its list of verdicts is about one signal. Of a
  // canary, which promises what it does not keep: is it harmful?
  bool is_violation(const Planned& planned, Verdict verdict) const;
  // An entry for each operation of the last input.
  std::span<const Judgement> judgements() const { return judgements_; }
  // The protocols by default, by name; which sites inputs may name.
  virtual std::vector<std::string_view> default_protocols() const = 0;
  virtual bool has_site(const Site& /*site*/) const { return true; }
  // Why to stop at the operation that has just been run; empty: go on.
  virtual std::string finding(const Planned& planned, const Observation& seen,
                              const Judgement& judgement) const = 0;

 private:
  static std::uint32_t interrupted_for_good(const Planned& planned, const Observation& seen);
  static std::string harness_failure(const Planned& planned, const Observation& seen,
                                     Verdict verdict);
  void note(const Planned& planned, const Observation& seen, Verdict verdict);
  // What is said of stopping at the last of an input's first `operations`.
  Stop stop_at(std::span<const std::uint8_t> input, std::size_t operations,
               const Judgement& judgement, const std::string& why) const;

  void start_strays();
  void count_recorded();
  // As schedule_of() makes it, for the adapter's library.
  Schedule schedule(std::span<const Planned> operations, std::uint64_t seed,
                    const Judgement* judgement) const;

  Choice choice_;
  Feedback feedback_;
  Ground ground_;
  Planned planned_;                    // the operation under way
  std::vector<Judgement> judgements_;  // of the last input: so many
  std::size_t judged_ = 0;
  bool async_ = false;
  bool is_canary_ = false;
  std::optional<AdapterIdentity> library_;  // that schedules are for; none: the subject is built in
};

std::vector<std::string_view> safe_protocols();

// "verdict slots: detail"
std::string told(const Judgement& judgement);

}  // namespace sigsweep::fuzz
