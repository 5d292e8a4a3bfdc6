// The runner of a subject: stress/runner/main.cc says what it reads and writes.
#pragma once

#include <ucontext.h>

#include "stress/subject/subject.h"

// Returns the process's exit status. Once a process. `sabotage`: Engine::sabotage, for tests; null:
// nothing.
int runner_main(int argc, char** argv, sigsweep::Subject& subject, void (*sabotage)(ucontext_t*));
