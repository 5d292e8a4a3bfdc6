// What is old goes, by one rule: runs that began before a day, with all that they did, and of nights
// also the folder, with its logs and corpora. Findings stay: in the history, with each run that
// showed them, and on disk, in folders of the name `findings`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "stress/host/history/history_file.h"
#include "stress/host/history/query.h"

namespace sigsweep {

struct RemovedRun {
  StoredRun run;
  std::uint64_t files = 0, bytes = 0, files_kept = 0;  // of its folder
  bool folder_left = false;  // it is there, and not, or no more, that of this night
};

// "30d" to "30 days"; also h and w. Throws Failure(kUsage).
std::string keep_time(const std::string& text);

// `keep`: of keep_time(), before now. Tells of each run once it is gone; killed in between, it goes
// on the next time. Throws Failure(kHarnessFailed) where a folder can't be removed.
void clean(HistoryFile* history, const std::string& keep,
           const std::function<void(const RemovedRun&)>& tell);

}  // namespace sigsweep
