// What a target says of inputs, for a program to read: records (stress/base/wire.h), one a line, on
// standard output. No engine is needed.
//
//   target name=NAME takes_schedules=0|1 lands_signals=0|1 may_be_destroyed=0|1 adapter=FILE
//   judged file=FILE ended=HOW why=LINE cause=LINE text=TEXT
//   canary what=LINE inputs=N
//
// adapter: what it has loaded; empty: its subject is built in. HOW: ok; stopped, at a finding; failed, by a failure of the harness; died; late, it had not ended
// after a minute; refused, it is no input of the target. why: of all but ok. cause: alike in what
// is the same fault. text: the readable form of the input; of stopped and failed as far as it was
// run, and a schedule then has `expect` and `origin`, as that of one that died has. what: what the
// target does wrong on purpose; empty: it has nothing that it could. An empty FILE: the target stops before any input.
#pragma once

#include <span>
#include <string>

namespace sigsweep::fuzz {

int describe();
// Says what is wrong with the target now, and how many inputs it is going to get.
void say_canary(const std::string& what, long inputs);
// Prepares once; each file is run in a fork, so that one that ends its process ends no other. A
// file *.sched or *.txt is the readable form of an input. REQUIRES: the target is prepared; `start`
// does in a fork what it does not inherit.
int judge(std::span<char*> files, void (*start)());

}  // namespace sigsweep::fuzz
