// Nights of parts that are shell scripts, each in a process of its own.
#pragma once

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "stress/host/files.h"
#include "stress/host/is_gone.h"
#include "stress/host/nightly/night.h"
#include "stress/host/options.h"
#include "stress/host/runner_process.h"

namespace sigsweep {

class NightTest : public testing::Test {
 protected:
  struct Ran {
    int status = -1;  // -1: it was killed
    std::string output;
  };

  // A part: the script has the part's results file as $1, the test's folder as $2.
  PartSpec part(const std::string& name, const std::string& script) const {
    PartSpec spec;
    spec.name = name;
    spec.levels = {{0, {"sh", "-c", script, "sh", "{results}", folder_}}};
    return spec;
  }
  // What a script does to have done some work.
  static constexpr const char* kWork = "echo '{\"kind\":\"campaign\",\"execs\":5}' >>\"$1\"; ";

  std::filesystem::path nights() const { return temporary_.path() / "nights"; }

  // The night of these parts in a child; `resume`: the one without an end.
  pid_t start(const std::vector<PartSpec>& parts, bool resume = false, double budget = 3600,
              const std::function<void()>& prepare = {}) const {
    std::fflush(nullptr);
    const pid_t pid = fork();
    if (pid != 0) return pid;
    const int fd = open((folder_ + "/output").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    dup2(fd, STDOUT_FILENO);
    dup2(fd, STDERR_FILENO);
    stop_on_signals();
    if (prepare) prepare();
    _exit(night(parts, resume, budget));
  }
  Ran ended(pid_t pid) const {
    int status = 0;
    waitpid(pid, &status, 0);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, content(folder_ + "/output")};
  }
  Ran run(const std::vector<PartSpec>& parts, bool resume = false, double budget = 3600) const {
    return ended(start(parts, resume, budget));
  }

  static std::string content(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::string file(const std::string& name) const { return content(folder_ + "/" + name); }
  // The youngest night.
  std::filesystem::path last_night() const {
    std::vector<std::filesystem::path> all;
    for (const auto& entry : std::filesystem::directory_iterator(nights()))
      if (std::filesystem::exists(entry.path() / kNightFile)) all.push_back(entry.path());
    return all.empty() ? "" : *std::ranges::max_element(all);
  }
  // Rows of that kind in its file; each line must be one.
  std::vector<nlohmann::json> rows(const std::string& kind) const {
    std::vector<nlohmann::json> found;
    std::istringstream lines(content(last_night() / kNightFile));
    for (std::string line; std::getline(lines, line);) {
      const nlohmann::json row = nlohmann::json::parse(line);
      if (row["kind"] == kind) found.push_back(row);
    }
    return found;
  }
  // "NAME STATUS" of each row of a part.
  std::vector<std::string> statuses() const {
    std::vector<std::string> all;
    for (const auto& row : rows("part"))
      all.push_back(row["name"].get<std::string>() + " " + row["status"].get<std::string>());
    return all;
  }
  std::string summary() const { return content(last_night() / "summary.txt"); }

  static void wait_until(const std::function<bool()>& holds) {
    for (int i = 0; i < 60000 && !holds(); i++)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    EXPECT_TRUE(holds());
  }
  void wait_for(const std::string& name) const {
    wait_until([&] { return !file(name).empty(); });
  }
  pid_t pid_of(const std::string& name) const { return std::stoi("0" + file(name)); }

  std::string past_text_;  // that the history says
  const TemporaryFolder temporary_;
  const std::string folder_ = temporary_.path();

 private:
  int night(const std::vector<PartSpec>& parts, bool resume, double budget) const {
    try {
      const auto begun = Night::Clock::now();
      const NightsFolder folder(nights());
      std::vector<std::string> names;
      names.reserve(parts.size());
      for (const PartSpec& part : parts) names.push_back(part.name);
      NightRow row;
      row.budget = budget;
      row.build = "test 1";
      row.command = "sigsweep nightly";
      RunRow run;
      run.version = "1";
      run.build = "test 1";
      run.command = "sigsweep nightly";
      const NightRecord record = resume ? *folder.unfinished() : folder.begin(row, run, names);
      const NightPlace place{{}, folder_, {{"kept", folder.fuzz()}, {"nights", folder.path()}}, 2};
      return Night(record, parts, place, begun).run([this](const auto&) {
        return PastNights{past_text_, ""};
      });
    } catch (const Failure& failure) {
      fmt::print("{}\n", failure.what());
      std::fflush(nullptr);
      return status_of(failure);
    }
  }
};

}  // namespace sigsweep
