// throws protocol= site= handler= seed=: a real throw in a child at every boundary.
#include "stress/runner/account.h"
#include "stress/runner/request.h"

namespace sigsweep {
namespace {

// What is wrong with the child's output and its end; empty: nothing.
std::string problem_of(const Runner& runner, const Forked& child) {
  std::string problem = runner.subject.check_throw_output(child.output, child.exit_status);
  if (child.signal == 0) return problem;
  return problem + " (died of signal " + std::to_string(child.signal) + ")";
}

}  // namespace

std::string throws(Runner& runner, const Record& command) {
  CellRequest request;
  CellSweeper sweeper(runner.traces);
  std::string trouble = read_request(runner, command, &request);
  if (trouble.empty()) trouble = find_handler(runner, command.text("handler"), &request.handler);
  if (trouble.empty()) trouble = sweeper.prepare(request.protocol, request.site, request.seed);
  if (!trouble.empty()) return trouble;
  flush();  // else each child would write the buffer once more
  for (unsigned b = 0; b < sweeper.trace().boundaries.size(); b++) {
    const Plan plan = sweeper.plan_for(request, Point{b, 0}, request.seed + b);
    const Forked& child = runner.engine.run(plan, Contain::fork).child;
    const std::string problem = problem_of(runner, child);
    Record r("throw");
    r.add("problem", problem).add("output", b == 0 || !problem.empty() ? child.output : "");
    encode(account_of(runner.subject, sweeper.trace().boundaries[b]), "", &r);
    send(r);
  }
  return {};
}

}  // namespace sigsweep
