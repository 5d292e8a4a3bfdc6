// count protocol= site= handlers= form= seed=: how many points each of these cells has, without a
// trial. A record `points` for each handler; 0 if its cell can't be swept.
#include "stress/runner/request.h"

namespace sigsweep {
namespace {

std::uint64_t points_of(const CellSweeper& sweeper, Form form) {
  std::uint64_t points = 0;
  sweeper.each_point(form, [&](const Point&) {
    points++;
    return true;
  });
  return points;
}

}  // namespace

std::string count(Runner& runner, const Record& command) {
  CellRequest request;
  std::string trouble = read_request(runner, command, &request);
  if (!trouble.empty()) return trouble;
  CellSweeper sweeper(runner.traces);
  const bool swept = sweeper.prepare(request.protocol, request.site, request.seed).empty();
  for (const std::string& name : command.list("handlers")) {
    trouble = find_handler(runner, name, &request.handler);
    if (!trouble.empty()) return trouble;
    const bool whole =
        swept && (request.form != Form::nested ||
                  sweeper.prepare_handler(request.protocol, request.handler).empty());
    const std::uint64_t points = whole ? points_of(sweeper, request.form) : 0;
    send(Record("points").add("handler", name).add("points", points));
  }
  flush();
  return {};
}

}  // namespace sigsweep
