// A fuzz target, as the one driver sees it, which runs it under any engine (driver.cc). A target's
// own file says which protocols and operations its inputs choose from, and at which results it
// stops.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sigsweep::fuzz {

class Target {
 public:
  virtual ~Target() = default;
  virtual const char* name() const = 0;
  // The adapter's file that it has loaded; empty: its subject is built in. After configure().
  virtual std::string adapter_file() const { return {}; }
  // "-max_len=...", for libFuzzer, if they are not given.
  virtual std::span<const char* const> engine_options() const { return {}; }
  // Do its inputs land signals? Then the process is taken over for them.
  virtual bool lands_signals() const { return false; }
  // If they land none: the names of what it counts instead, in Stats::own in this order.
  virtual std::span<const char* const> figures() const { return {}; }
  // Is the readable form of its inputs a schedule? Else it is a text of the target's own.
  virtual bool takes_schedules() const { return false; }
  // May an input leave behind what ends the process at a later input, which is then not to blame?
  virtual bool may_be_destroyed() const { return false; }
  // Byte strings worth inserting into an input. After configure().
  virtual std::vector<std::string> dictionary() const { return {}; }
  // Does wrong on purpose from here on, so that it must stop at a random input. Says what is wrong;
  // empty: it has nothing that it could do wrong. Between configure() and prepare().
  virtual std::string become_canary() { return {}; }
  // Before the engine has started; reads the environment. An unknown name there ends the process
  // with status 2.
  virtual void configure() {}
  // Before the first input, once; in the process that runs it, or in the process that it was forked
  // from.
  virtual void prepare() {}
  // What a later process need not record again, as bytes that the build keeps in the program
  // (kept_ways.h); nullopt: there is nothing that can be kept. After prepare().
  virtual std::optional<std::string> ways_to_keep() { return std::nullopt; }
  // After prepare(), at the first input of a process: starts the parts that a fork does not
  // inherit.
  virtual void start() {}
  // Runs an input; stops at a finding (engine.h). Nothing of it remains for the next.
  virtual void run(std::span<const std::uint8_t> input) = 0;
  // All results that must be equal in two runs of an input.
  virtual std::string account() const = 0;
  // The readable form of an input, and the input of a readable form; false, and why.
  virtual std::string text_of(std::span<const std::uint8_t> input) = 0;
  virtual bool input_of(std::string_view text, const std::string& file,
                        std::vector<std::uint8_t>* input, std::string* why) = 0;
};

// The target that this program was linked with.
Target& target();

}  // namespace sigsweep::fuzz
