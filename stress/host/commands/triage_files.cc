// By the folders of campaigns, and by how names end.
#include "stress/host/commands/triage_files.h"

#include <fmt/format.h>
#include <unistd.h>

#include <set>

#include "stress/host/files.h"
#include "stress/host/fuzz_engine.h"
#include "stress/host/options.h"

namespace sigsweep {
namespace {

namespace fs = std::filesystem;

// How many campaigns have left something there: inputs, or what they found.
std::size_t campaigns_below(const fs::path& folder) {
  std::set<fs::path> campaigns;
  for (const fs::path& file : files_below(fs::is_directory(folder) ? folder : fs::path())) {
    const fs::path kind = file.parent_path().filename();
    if (kind == "corpus" || kind == "findings" || kind == CampaignFolder::kFailures)
      campaigns.insert(file.parent_path().parent_path());
  }
  return campaigns.size();
}

}  // namespace

bool is_harness_failure(const fs::path& file) {
  return file.parent_path().filename() == CampaignFolder::kFailures;
}

TriageFiles sorted_out(const std::vector<std::string>& paths) {
  std::set<fs::path> all;
  for (const std::string& path : paths) {
    if (access(path.c_str(), R_OK) != 0)
      throw Failure(kUsage, fmt::format("{}: no file or folder that can be read", path));
    const fs::path whole = fs::absolute(path).lexically_normal();
    if (!fs::is_directory(whole)) all.insert(whole);
    for (const fs::path& file : files_below(fs::is_directory(whole) ? whole : fs::path()))
      all.insert(file);
  }
  TriageFiles given;
  for (const std::string& path : paths) given.folders += campaigns_below(path);
  for (const fs::path& file : all) {
    const bool found = file.parent_path().filename() == "findings" || is_harness_failure(file);
    const std::string extension = file.extension();
    const auto has = [&](const char* suffix) { return all.contains(file.string() + suffix); };
    if (extension == ".sched") given.schedules.push_back(file);
    if (found && extension != ".sched" && (extension == ".txt" || (!has(".sched") && !has(".txt"))))
      given.others.push_back(file);
  }
  return given;
}

}  // namespace sigsweep
