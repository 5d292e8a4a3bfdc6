// What tests of the command share: a folder of their own, the command in it, its results.
#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <sstream>

#include "stress/host/files.h"

namespace sigsweep {

namespace fs = std::filesystem;
using nlohmann::json;

inline const std::string kBin = SIGSWEEP_BIN;
inline const std::string kSource = SIGSWEEP_SOURCE;

// Why a test of plain code cannot run here; null: it can. A sanitizer's code has other boundaries,
// takes malloc and the alternate stack for itself, and prints lines of its own.
inline const char* why_no_plain_code() {
  constexpr bool kSanitized =
#if defined(__SANITIZE_ADDRESS__)
      true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
      true;
#else
      false;
#endif
#else
      false;
#endif
  return kSanitized ? "a sanitizer is in the runner: its code has other boundaries" : nullptr;
}
#define SIGSWEEP_NEEDS_PLAIN_CODE() \
  if (const char* why = why_no_plain_code()) GTEST_SKIP() << why

struct Ran {
  int status;
  std::string output;  // stdout and stderr
};

inline Ran run(const std::string& command) {
  Ran ran{-1, {}};
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return ran;
  std::array<char, 4096> buffer;
  for (std::size_t n; (n = fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
    ran.output.append(buffer.data(), n);
  const int status = pclose(pipe);
  if (WIFEXITED(status)) ran.status = WEXITSTATUS(status);
  return ran;
}

class Command : public testing::Test {
 protected:
  Ran sigsweep(const std::string& arguments) {
    return run("cd " + folder_ + " && " + kBin + "/sigsweep " + arguments);
  }
  // A sweep by a runner that goes wrong on purpose (stress/runner/runner_sabotaged.cc), to r.jsonl.
  Ran sabotaged(const std::string& how, const std::string& arguments,
                const std::string& runner = "sabotaged") {
    return run("cd " + folder_ + " && SIGSWEEP_SABOTAGE=" + how + " " + kBin +
               "/sigsweep sweep --runner " + kBin + "/runner-amd64-" + runner + " --json r.jsonl " +
               arguments);
  }
  std::string write(const std::string& name, const std::string& text) {
    std::string path = folder_ + "/" + name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  static std::vector<json> rows(const std::string& path, const std::string& kind) {
    std::vector<json> found;
    std::ifstream in(path);
    for (std::string line; std::getline(in, line);) {
      json row = json::parse(line);
      if (row["kind"] == kind) found.push_back(row);
    }
    return found;
  }
  static Ran validate(const std::string& path) {
    return run("/usr/bin/python3 " + kSource + "/results/validate.py " + path);
  }
  // All that have a word of this test's in their environment.
  std::set<pid_t> processes() const {
    std::set<pid_t> found;
    for (const auto& entry : fs::directory_iterator("/proc")) {
      std::ifstream in(entry.path() / "environ", std::ios::binary);
      const std::string text(std::istreambuf_iterator<char>(in), {});
      if (text.find("SIGSWEEP_TEST=" + folder_) == text.npos) continue;
      found.insert(static_cast<pid_t>(std::stol(entry.path().filename().string())));
    }
    return found;
  }
  // Polls for what is bound to come.
  static bool await(const std::function<bool()>& there) {
    for (unsigned i = 0; i < 60000; i++) {
      if (there()) return true;
      usleep(1000);
    }
    return false;
  }
  // In a group of its own, as a shell's job is; its output in `log`.
  pid_t start(const std::string& arguments, const std::string& environment = "") const {
    const std::string line =
        environment + " exec " + kBin + "/sigsweep " + arguments + " >log 2>&1";
    const pid_t pid = fork();
    if (pid != 0) return pid;
    setpgid(0, 0);
    setenv("SIGSWEEP_TEST", folder_.c_str(), 1);
    if (chdir(folder_.c_str()) == 0) execl("/bin/sh", "sh", "-c", line.c_str(), nullptr);
    _exit(99);
  }

  const TemporaryFolder temporary_;
  const std::string folder_ = temporary_.path();
};

}  // namespace sigsweep
