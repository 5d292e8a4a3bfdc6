// The traces of a subject's operations and handlers, each taken once.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "stress/engine/engine.h"

namespace sigsweep {

// The level of a handler's nonces: the first injection's; 0 is the operation's.
inline constexpr unsigned kHandlerLevel = 2;

// Takes each trace once for all the protocols that share what it shows.
class Traces {
 public:
  explicit Traces(Engine& engine) : engine_(engine) {}

  Engine& engine() const { return engine_; }
  Subject& subject() const { return engine_.subject(); }
  // Empty, or what is wrong with the harness: at each call, not only at the first.
  std::string of_operation(unsigned protocol, unsigned site, const Trace** out);
  std::string of_handler(unsigned protocol, unsigned handler, const Trace** out);
  // How many were taken.
  std::size_t taken() const { return operations_.size() + handlers_.size(); }

 private:
  using Key = std::pair<unsigned, unsigned>;  // a side's number; a site
  struct Taken {
    Trace trace;
    std::string problem;
  };
  std::string take_handler(unsigned protocol, unsigned handler, Trace* out);

  Engine& engine_;
  std::map<Key, Taken> operations_, handlers_;
};

}  // namespace sigsweep
