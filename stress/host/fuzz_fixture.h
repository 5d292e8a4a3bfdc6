// What tests of campaign, minimize, triage and reproduce share: a checkout in a folder whose name
// has a space, with a target that does what its inputs say (fake_target.cc), and the command.
#pragma once

#include <fcntl.h>

#include <chrono>
#include <thread>

#include "stress/host/command_fixture.h"
#include "stress/host/is_gone.h"

namespace sigsweep {

// kFaultySchedule is of no build, so its boundary is found by its phase: the sixth of a part that has
// C code, too, whose instructions another compiler counts otherwise. Preset release runs these tests.
#if defined(__clang__)
#define SIGSWEEP_NEEDS_CLANGS_PHASES() static_cast<void>(0)
#else
#define SIGSWEEP_NEEDS_CLANGS_PHASES() \
  GTEST_SKIP() << "the schedule's phase is counted in clang's code of the planted library"
#endif

class Fuzz : public Command {
 protected:
  Fuzz() {
    for (const char* folder : {"build/fuzz", "build/afl", "bin", "pids", "corpus/seeds/onm_fuzzer"})
      fs::create_directories(checkout() + "/" + folder);
    for (const char* name : {"build/fuzz/onm_fuzzer", "build/fuzz/adapter_fuzzer",
                             "build/afl/onm_fuzzer", "bin/afl-fuzz"})
      fs::create_symlink(kBin + "/fake_target", checkout() + "/" + name);
    write("a checkout/corpus/seeds/onm_fuzzer/seed.sched", "seed");
  }
  // An adapter with a planted fault, as FAKE_ADAPTER, and a schedule that shows it.
  static std::string faulty_adapter() {
    return "FAKE_ADAPTER=" + kBin + "/planted-parked_below-amd64.so";
  }
  static constexpr const char* kFaultySchedule =
      "sigsweep schedule 1\nisa amd64\nsubject adapter planted-parked_below faulty build=1\n"
      "protocol altstack\nop round_trip\n"
      "inject SIGURG at planted_switch+0x8 phase=resume/sp=host#6 handler=none\n"
      "expect state-leak\norigin adapter_fuzzer: not allowed\n";
  std::string checkout() const { return folder_ + "/a checkout"; }
  std::string out() const { return folder_ + "/its results"; }

  // The command, with the fake target and a fake AFL++, and with so much more of environment.
  std::vector<std::string> words(const std::string& command, const std::string& environment) const {
    return {"sh", "-c",
            "cd '" + checkout() + "' && export PATH=\"$PWD/bin:$PATH\" FAKE_PIDS=\"$PWD/pids\" " +
                "FAKE_LOG=\"$PWD/log\" " + environment + " && exec " + kBin + "/sigsweep " +
                command};
  }
  Ran fuzz(const std::string& command, const std::string& environment = "") const {
    const pid_t pid = start(command, environment);
    return ended(pid);
  }
  std::string campaign(const std::string& engine) const {
    return "campaign --builds build --target onm_fuzzer --duration 1 --out '" + out() +
           "' --engine " + engine;
  }

  pid_t start(const std::string& command, const std::string& environment) const {
    const std::vector<std::string> all = words(command, environment);
    const pid_t pid = fork();
    if (pid != 0) return pid;
    const int fd = open((folder_ + "/output").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    dup2(fd, STDOUT_FILENO);
    dup2(fd, STDERR_FILENO);
    execlp("sh", "sh", "-c", all[2].c_str(), nullptr);
    _exit(127);
  }
  Ran ended(pid_t pid) const {
    int status = 0;
    waitpid(pid, &status, 0);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, content(folder_ + "/output")};
  }

  void wait_for_a_stall() const {
    for (int i = 0; i < 60000; i++) {
      if (pid_of("inner") > 0 && pid_of("outer") > 0) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    ADD_FAILURE() << "nothing stalls: " << content(folder_ + "/output");
  }
  pid_t pid_of(const std::string& name) const {
    return std::stoi("0" + content(checkout() + "/pids/" + name));
  }
  void end_what_stalls() const {
    for (const char* name : {"inner", "outer"}) {
      if (const pid_t pid = pid_of(name); pid > 0) kill(pid, SIGKILL);
      fs::remove(checkout() + "/pids/" + name);
    }
  }
  // Starts it, sends the signal once a part of it stalls, and expects that nothing of it is left.
  Ran stopped(const std::string& part, const std::string& command, int signal_number,
              const std::string& environment = "") const {
    const pid_t pid = start(command, environment + " FAKE_STALLS=" + part);
    wait_for_a_stall();
    kill(pid, signal_number);
    Ran ran = ended(pid);
    for (const char* name : {"inner", "outer"})
      EXPECT_TRUE(is_gone(pid_of(name))) << name << " of " << part << " is left";
    end_what_stalls();
    return ran;
  }

  static std::string content(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  // Names of the files of a folder.
  static std::set<std::string> names(const std::string& folder) {
    std::set<std::string> found;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error))
      found.insert(entry.path().filename());
    return found;
  }
  static std::size_t readable(const std::set<std::string>& files) {
    std::size_t count = 0;
    for (const std::string& name : files) count += name.ends_with(".sched");
    return count;
  }
};

}  // namespace sigsweep
