// What a storm leaves when its process dies, or its tasks do not end: where each of its threads
// stands, and a core where the system writes one.
#pragma once

#include <string>

namespace sigsweep::storm {

// From here on a fault writes FOLDER/threads.txt and then ends the process as it would have: with a
// core in FOLDER, if the system's limit and its pattern allow that. FOLDER is made only then. Does
// nothing for a fault that somebody else handles, such as a sanitizer. REQUIRES: before the threads
// start. Not async-signal-safe.
void leave_last_words(const std::string& in_folder);

// The same file, of a process that goes on. Called by a thread that is none of the storm's.
void say_where_threads_stand(const char* why);

}  // namespace sigsweep::storm
