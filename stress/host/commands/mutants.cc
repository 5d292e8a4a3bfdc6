// From flags to mutants, side by side; a row and a line for each.
#include "stress/host/commands/mutants.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>

#include "stress/host/commands/mutants_print.h"
#include "stress/host/commands/run_row.h"
#include "stress/host/commands/storm.h"
#include "stress/host/files.h"
#include "stress/host/mutants/equivalent.h"
#include "stress/host/mutants/mutant_file.h"
#include "stress/host/mutants/mutant_run.h"
#include "stress/host/progress.h"

namespace sigsweep {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;
using std::chrono::milliseconds;

// ---- the stages

std::vector<std::string> claims_where(const ClaimBook& book, const std::string& isa,
                                      const std::function<bool(const ClaimSpec&)>& wanted) {
  std::vector<std::string> ids;
  for (const ClaimSpec& claim : book.claims) {
    if (claim.speaks_of_isa(isa) && wanted(claim)) ids.push_back(std::to_string(claim.id));
  }
  return ids;
}

// From the fastest to the slowest. `contracts` and `depth 1` at the site that stands for all see
// nearly everything, and the second is quick enough to record what fires for each mutant.
std::vector<MutantStage> stages_of(const Session& session, const ClaimBook& book) {
  const Options& o = session.options;
  const auto is_contract = [](const ClaimSpec& c) { return c.kind == ClaimKind::contracts; };
  const auto is_storm = [](const ClaimSpec& c) { return c.kind == ClaimKind::storm; };
  const auto has_pairs = [](const ClaimSpec& c) { return c.forms.size() > 1; };
  const auto prove = [&](const std::function<bool(const ClaimSpec&)>& wanted,
                         const std::vector<std::string>& more) {
    std::vector<std::string> words = {"prove", "--isa", o.isa, "--seed", std::to_string(o.seed)};
    words.emplace_back("--claim");
    words.push_back(fmt::format("{}", fmt::join(claims_where(book, o.isa, wanted), ",")));
    words.insert(words.end(), more.begin(), more.end());
    return words;
  };
  const auto single = [&](const ClaimSpec& c) { return !is_storm(c); };
  std::vector<MutantStage> stages = {
      {"contracts", prove(is_contract, {"--site", book.site, "--handler", "none"}), true},
      {"one-site", prove(single, {"--depth", "1", "--site", book.site, "--handler", book.site}),
       true},
      {"depth-1", prove(single, {"--depth", "1"})},
      {"pairs", prove(has_pairs, {"--site", book.site})}};
  if (!claims_where(book, o.isa, is_storm).empty() && !storm_runner(session).empty()) {
    stages.push_back({"storm", prove(is_storm, {"--duration", "3s"}), false, true});
  }
  return stages;
}

// ---- what is run

// A runner may say of which functions mutants are made; else --stub may name any that it has.
std::vector<std::string> stubs_of(const Options& options, const ClaimBook& book) {
  const std::vector<std::string>& given = options.mutants.stubs;
  if (book.mutated.empty() && given.empty()) {
    throw Failure(kUsage, fmt::format("mutants --subject {}: its runner does not say of which "
                                      "functions mutants are made; --stub names some",
                                      options.subject));
  }
  for (const std::string& stub : given) {
    if (book.mutated.empty() || has_word(book.mutated, stub)) continue;
    throw Failure(kUsage, fmt::format("--stub {}: no such stub; allowed: {}", stub,
                                      fmt::join(book.mutated, ", ")));
  }
  return given.empty() ? book.mutated : given;
}

// As the runner says.
UnreadBy unread_of(const Session& session) {
  UnreadBy unread;
  session.runner->command(Record("describe"), [&](const Record& r) {
    if (r.word() != "unread") return;
    for (const std::string& stub : words_of(r.text("stubs"))) {
      for (const std::string& word : r.list("words")) unread[stub].words.insert(std::stoll(word));
      for (const std::string& reg : r.list("registers")) unread[stub].registers.insert(reg);
    }
  });
  return unread;
}

// In the order of the code.
std::vector<Mutant> sampled(std::vector<Mutant> all, const Options& options) {
  for (const std::string& id : options.files) {
    if (std::ranges::find(all, id, &Mutant::id) != all.end()) continue;
    throw Failure(kUsage, fmt::format("{}: no such mutant; --list prints all", id));
  }
  if (!options.files.empty()) {
    std::erase_if(all, [&](const Mutant& each) { return !has_word(options.files, each.id); });
  }
  if (options.mutants.sample == 0 || options.mutants.sample >= all.size()) return all;
  std::vector<Mutant> drawn;
  std::mt19937_64 random(options.seed);
  std::ranges::sample(all, std::back_inserter(drawn),
                      static_cast<std::ptrdiff_t>(options.mutants.sample), random);
  return drawn;
}

// ---- running them

class MutantsCampaign {
 public:
  MutantsCampaign(const Session& session, const ClaimBook& book, ResultsWriter* writer)
      : session_(session),
        runner_(session.runner_path, session.options.isa, stubs_of(session.options, book)),
        unread_(unread_of(session)),
        stages_(stages_of(session, book)),
        writer_(writer) {
    const std::string storm = storm_runner(session);
    if (!storm.empty()) {
      storm_ = std::make_unique<MutableProgram>(storm, session.options.isa,
                                                stubs_of(session.options, book));
    }
  }

  const MutableProgram& runner() const { return runner_; }
  // The rule by which nothing can tell it from the original; empty: none.
  std::string rule_for(const Mutant& mutant) const {
    return equivalent_by(runner_.code(), runner_.code().function(mutant.symbol), mutant, unread_);
  }

  // First the stages that every mutant goes through; then, for those that are alive, the others, which
  // take longer.
  std::vector<MutantResult> run(const std::vector<Mutant>& mutants) {
    std::vector<MutantResult> alive;
    for (const Mutant& mutant : mutants) {
      MutantResult result;
      result.mutant = mutant;
      result.rule = rule_for(mutant);
      if (result.rule.empty()) {
        alive.push_back(result);
      } else {
        result.status = "equivalent";
        take(result);
      }
    }
    for (const bool records : {true, false}) {
      std::vector<MutantStage> stages = stages_;
      std::erase_if(stages, [&](const MutantStage& stage) { return stage.records != records; });
      if (!alive.empty() && !stop_requested) alive = survivors_of(stages, std::move(alive));
    }
    if (!stop_requested) {
      for (const MutantResult& result : alive) take(result);
    }
    return std::move(results_);
  }

 private:
  struct Running {
    fs::path folder;
    std::unique_ptr<MutantRun> run;
  };
  static constexpr double kLeastLimit = 120;  // seconds

  static void wait() { std::this_thread::sleep_for(milliseconds(10)); }

  // The unchanged runner must pass each stage; its times set the limits.
  void measure(std::vector<MutantStage>* stages) {
    const fs::path folder = folder_.path() / "unchanged";
    for (MutantStage& stage : *stages) {
      constexpr auto kLongest = std::chrono::minutes(10);
      stage.limit = kLongest;
      MutantRun run({}, {stage}, session_.runner_path, folder);
      while (!run.look()) wait();
      if (stop_requested) throw Failure(kStopped, "stopped");
      if (run.result().status != "survived") {
        throw Failure(kHarnessFailed, fmt::format("the unchanged runner does not pass {}: {}",
                                                  stage.name, run.result().by));
      }
      constexpr double kTimes = 10;
      const double seconds = std::max(kLeastLimit, kTimes * run.result().seconds);
      stage.limit = milliseconds(static_cast<std::int64_t>(seconds * 1000));
      const std::string& given = session_.options.mutants.limit;
      if (!given.empty()) {
        stage.limit = milliseconds(static_cast<std::int64_t>(parse_duration(given) * 1000));
      }
    }
  }

  std::vector<MutantResult> survivors_of(std::vector<MutantStage> stages,
                                         std::vector<MutantResult> todo) {
    measure(&stages);
    std::vector<MutantResult> survivors;
    std::size_t next = 0;
    ProgressBar progress("mutants", todo.size());
    while (!stop_requested && (next < todo.size() || !running_.empty())) {
      while (next < todo.size() && running_.size() < session_.options.jobs)
        begin(todo[next++], stages);
      std::erase_if(running_, [&](Running& each) {
        if (!each.run->look()) return false;
        if (each.run->result().status == "survived") {
          survivors.push_back(each.run->result());
        } else {
          take(each.run->result());
        }
        std::error_code error;
        fs::remove_all(each.folder, error);
        return true;
      });
      progress.step(next - running_.size());
      wait();
    }
    return survivors;
  }

  void begin(const MutantResult& so_far, std::vector<MutantStage> stages) {
    const std::string& id = so_far.mutant.id;
    const fs::path folder = folder_.path() / std::to_string(++folders_);
    fs::create_directories(folder);
    const fs::path file = folder / "runner";
    runner_.write(id, file);
    if (storm_ == nullptr || !storm_->write(id, folder / "runner-storm")) {
      std::erase_if(stages, [](const MutantStage& stage) { return stage.needs_storm; });
    }
    running_.push_back({folder, std::make_unique<MutantRun>(so_far, stages, file, folder)});
  }

  void take(const MutantResult& result) {
    const Mutant& mutant = result.mutant;
    ordered_json stages = ordered_json::object();
    for (const StageSeconds& each : result.stages) stages[each.stage] = each.seconds;
    ordered_json row{
        {"kind", "mutant"},        {"isa", mutant.isa},           {"id", mutant.id},
        {"symbol", mutant.symbol}, {"offset", mutant.offset},     {"mutation", mutant.kind},
        {"before", mutant.before}, {"after", mutant.after},       {"status", result.status},
        {"claims", result.claims}, {"verdicts", result.verdicts}, {"seconds", result.seconds},
        {"stages", stages}};
    if (!result.rule.empty()) row["rule"] = result.rule;
    if (result.status == "killed") {
      row["stage"] = result.stage;
      row["by"] = result.by;
      row["hung"] = result.hung;
    }
    writer_->write_line(row.dump(-1, ' ', false, ordered_json::error_handler_t::replace));
    fmt::print("{}", mutant_line(result));
    results_.push_back(result);
  }

  const Session& session_;
  MutableProgram runner_;
  UnreadBy unread_;
  std::unique_ptr<MutableProgram> storm_;
  std::vector<MutantStage> stages_;
  ResultsWriter* writer_;
  TemporaryFolder folder_;
  std::size_t folders_ = 0;
  std::vector<Running> running_;
  std::vector<MutantResult> results_;
};

std::string hex_of(const std::string& bytes) {
  std::string hex;
  for (const char byte : bytes) hex += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return hex;
}

int list(const MutantsCampaign& campaign, const std::vector<Mutant>& mutants) {
  for (const Mutant& mutant : mutants) {
    const std::string rule = campaign.rule_for(mutant);
    fmt::print("{}  {} -> {}  {} -> {}{}\n", mutant.id, hex_of(mutant.old_bytes),
               hex_of(mutant.new_bytes), mutant.before, mutant.after,
               rule.empty() ? "" : "  equivalent: " + rule);
  }
  fmt::print("{} mutants\n", mutants.size());
  return kAsExpected;
}

int run_all(MutantsCampaign* campaign, const std::vector<Mutant>& mutants, const ClaimBook& book,
            const Options& options) {
  const auto results = campaign->run(mutants);
  fmt::print("{}", mutants_summary(results, book, options.isa));
  if (stop_requested) throw Failure(kStopped, "stopped; all lines written so far are complete");
  const bool survived = std::ranges::any_of(
      results, [](const MutantResult& each) { return each.status == "survived"; });
  return survived ? kFinding : kAsExpected;
}

}  // namespace

void add_mutant_flags(CLI::App* app, Options* o) {
  MutantFlags* const flags = &o->mutants;
  app->add_option("mutants", o->files, "only these, by their names in the list");
  app->add_option("--stub", flags->stubs, "the stubs that are changed, comma-separated [all]")
      ->delimiter(',');
  app->add_option("--sample", flags->sample, "so many mutants, drawn from the seed; 0: all")
      ->capture_default_str();
  app->add_option("--limit", flags->limit,
                  "the time of a stage, as in 500ms, 10s; what takes longer hangs [ten times that "
                  "of the unchanged runner, and two minutes at least]");
  app->add_flag("--list", flags->list, "print the mutants, and run none");
}

int mutants_command(const Options& options) {
  const Session session = open_session(options);
  const ClaimBook book = read_claims(session);
  print_provenance(session);
  if (options.mutants.list) {
    ResultsWriter nowhere("");
    const MutantsCampaign campaign(session, book, &nowhere);
    return list(campaign, sampled(campaign.runner().mutants(), options));
  }
  ResultsWriter writer(options.json.empty() && !options.out.empty() ? options.out + "/mutants.jsonl"
                                                                    : options.json);
  writer.write(run_row(session));
  return write_to_end(&writer, [&] {
    MutantsCampaign campaign(session, book, &writer);
    return run_all(&campaign, sampled(campaign.runner().mutants(), options), book, options);
  });
}

}  // namespace sigsweep
