// What a part's results files say: how much was done, and what was found.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace sigsweep {

// Gives each row of a results file (JSON lines) to `take`. A line that is none is passed over: the
// part's process may have been killed while it wrote. None where there is no such file.
void each_row(const std::filesystem::path& file,
              const std::function<void(const nlohmann::ordered_json&)>& take);

// The results files of a part, in its folder. JSON of Google Benchmark that is not whole is none: its
// process was killed.
std::vector<std::filesystem::path> results_in(const std::filesystem::path& folder);

// The work in counts, by what is counted: trials, execs, operations... Of Google Benchmark's JSON:
// the benchmarks. Counts of 0 only where all are.
std::map<std::string, std::uint64_t> work_in(const std::vector<std::filesystem::path>& files);
// The machine's floor in microseconds: the median time of a bare breakpoint in the files of Google
// Benchmark. None where they have no such benchmark.
std::optional<double> floor_in(const std::vector<std::filesystem::path>& files);
// "813711 trials, 10938 cells".
std::string work_text(const std::map<std::string, std::uint64_t>& work);

}  // namespace sigsweep
