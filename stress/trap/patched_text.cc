// The second mappings. Built without instrumentation.
#include "stress/trap/patched_text.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <vector>

namespace sigsweep::trap {
namespace {

constexpr std::uint64_t kPage = 4096;  // bytes; an ISA whose code is not watched uses it

// A line of /proc/self/maps.
struct Mapping {
  std::uint64_t begin, end;
  std::string access;  // "r-xp"
  std::string what;    // a file's path, "[stack]"; empty: anonymous
};

// Empty if there is no /proc.
std::vector<Mapping> read_mappings() {
  std::vector<Mapping> all;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    std::uint64_t begin = 0, end = 0;
    char access[5] = {};
    int path = 0;  // the offset at which it starts
    if (std::sscanf(line.c_str(), "%" SCNx64 "-%" SCNx64 " %4s %*s %*s %*s %n", &begin, &end,
                    access, &path) >= 3) {
      all.push_back(
          {begin, end, access, path > 0 ? line.substr(static_cast<std::size_t>(path)) : ""});
    }
  }
  return all;
}

std::string hex(std::uint64_t value) {
  char text[2 + 16 + 1];
  std::snprintf(text, sizeof text, "0x%" PRIx64, value);
  return text;
}

// Why pages with this access cannot be patched; null: they can.
const char* access_problem(const std::string& access) {
  struct {
    std::size_t index;
    char wanted;
    const char* problem;
  } constexpr kRules[] = {{2, 'x', "is not executable"},
                          {1, '-', "is writable: a page that is data, too, cannot be patched"},
                          {0, 'r', "is not readable"},
                          {3, 'p', "is shared: a patch would need the other mappings"}};
  for (const auto& rule : kRules) {
    if (access[rule.index] != rule.wanted) return rule.problem;
  }
  return nullptr;
}

// Can each page from the one of range.begin on be patched? Empty, or what is wrong.
std::string range_problem(const CodeRanges::Range& range, std::uint64_t page,
                          const std::vector<Mapping>& mappings) {
  const std::string name = "the code " + hex(range.begin) + "-" + hex(range.end) + ": the page ";
  for (std::uint64_t at = range.begin / page * page; at < range.end;) {
    const auto mapping = std::find_if(mappings.begin(), mappings.end(), [&](const Mapping& m) {
      return at >= m.begin && at < m.end;
    });
    if (mapping == mappings.end()) return name + hex(at) + " is not mapped";
    if (const char* problem = access_problem(mapping->access); problem != nullptr) {
      return name + hex(at) + " " + problem + " (" + mapping->access + ", " +
             (mapping->what.empty() ? "anonymous" : mapping->what) + ")";
    }
    at = mapping->end;
  }
  return {};
}

std::string failed(const char* what) {
  return std::string(what) + ": " + std::strerror(errno);
}

}  // namespace

std::string PatchedText::attach(const CodeRanges& code) {
  const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  const std::vector<Mapping> mappings = read_mappings();
  if (code.empty()) return "there is no code to patch";
  if (mappings.empty()) return "/proc/self/maps cannot be read: is /proc mounted?";
  std::vector<Run> runs;
  for (const CodeRanges::Range& range : code) {
    std::string problem = range_problem(range, page, mappings);
    if (!problem.empty()) return problem;
    const std::uint64_t begin = range.begin / page * page;
    const std::uint64_t end = (range.end + page - 1) / page * page;
    if (!runs.empty() && begin <= runs.back().end) {
      runs.back().end = end;
    } else {
      runs.push_back({begin, end, nullptr, nullptr});
    }
  }
  if (runs.size() > kMostRuns) {
    return "the code lies in " + std::to_string(runs.size()) + " runs of pages; at most " +
           std::to_string(kMostRuns) + " can be patched";
  }
  for (Run& run : runs) {
    std::string problem = map(&run);
    if (!problem.empty()) return problem;
    runs_[count_++] = run;
  }
  return {};
}

std::string PatchedText::map(Run* run) {
  const auto size = static_cast<std::size_t>(run->end - run->begin);
  void* first = as_pointer<void>(run->begin);
  const int fd = memfd_create("sigsweep-text", MFD_CLOEXEC);
  if (fd < 0 || ftruncate(fd, static_cast<off_t>(size)) != 0) return failed("memfd for the text");
  void* second = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (second == MAP_FAILED) return failed("second mapping of the text");
  void* kept = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (kept == MAP_FAILED) return failed("memory for the text as it was");
  std::memcpy(second, first, size);
  std::memcpy(kept, first, size);
  if (mmap(first, size, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED) {
    return failed("mapping of the text");
  }
  close(fd);
  run->writable = static_cast<unsigned char*>(second);
  run->pristine = static_cast<unsigned char*>(kept);
  return {};
}

// For a processor that does not look for changes of the code by itself. An emulator sees only
// changes of pages that it knows as writable.
void PatchedText::code_changed([[maybe_unused]] std::uint64_t begin,
                               [[maybe_unused]] std::uint64_t end) {
  if constexpr (!kCodeIsWatched) {
    const std::uint64_t page = begin & ~(kPage - 1);
    const auto size = static_cast<std::size_t>(((end + kPage - 1) & ~(kPage - 1)) - page);
    mprotect(as_pointer<void>(page), size, PROT_READ | PROT_WRITE);
    mprotect(as_pointer<void>(page), size, PROT_READ | PROT_EXEC);
    __builtin___clear_cache(as_pointer<char>(begin), as_pointer<char>(end));
  }
}

void PatchedText::stage_breaks(std::uint64_t begin, std::uint64_t end) {
  const Run& run = run_of(begin);
  for (std::uint64_t at = begin; at < end; at += sizeof(BreakCode)) *cell(run, at) = kBreakCode;
}

void PatchedText::stage_original(std::uint64_t begin, std::uint64_t end) {
  const Run& run = run_of(begin);
  const std::uint64_t offset = begin - run.begin;
  raw_copy(run.writable + offset, run.pristine + offset, static_cast<std::size_t>(end - begin));
}

void PatchedText::stage_all_original() {
  for (unsigned i = 0; i < count_; i++) {
    const Run& run = runs_[i];
    std::copy_n(run.pristine, static_cast<std::size_t>(run.end - run.begin), run.writable);
  }
}

void PatchedText::publish() {
  for (unsigned i = 0; i < count_; i++) code_changed(runs_[i].begin, runs_[i].end);
}

bool PatchedText::is_pristine() const {
  for (unsigned i = 0; i < count_; i++) {
    const Run& run = runs_[i];
    const auto* text = as_pointer<const void>(run.begin);
    if (std::memcmp(run.pristine, text, static_cast<std::size_t>(run.end - run.begin)) != 0) {
      return false;
    }
  }
  return true;
}

std::uint64_t PatchedText::first_patch() const {
  for (unsigned i = 0; i < count_; i++) {
    const Run& run = runs_[i];
    const auto* text = as_pointer<const unsigned char>(run.begin);
    const unsigned char* const end = run.pristine + (run.end - run.begin);
    const auto at = std::mismatch(static_cast<const unsigned char*>(run.pristine), end, text);
    if (at.first != end) return as_address(at.second);
  }
  return 0;
}

}  // namespace sigsweep::trap
