// Folders and night.jsonl: each row is added by one write, so that a kill loses at most the last.
#include "stress/host/nightly/night_folder.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <nlohmann/json.hpp>
#include <sstream>

#include "stress/host/files.h"
#include "stress/host/options.h"

namespace sigsweep {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr const char* kSelection = "parts=";

// A folder that can't be written is a failure of the harness here: nobody waits at a terminal.
template <class Work>
auto or_harness_failure(const Work& work) {
  try {
    return work();
  } catch (const Failure& failure) {
    throw Failure(kHarnessFailed, failure.what());
  } catch (const std::exception& error) {
    throw Failure(kHarnessFailed, error.what());
  }
}

std::string name_now() {
  return fmt::format("{:%Y%m%dT%H%M%SZ}", fmt::gmtime(std::time(nullptr)));
}

bool is_night_name(const std::string& name) {
  return name.size() >= 16 && name.find_first_not_of("0123456789TZ-") == name.npos;
}

// Of what earlier nights have found, each folder by one rename.
void put_findings_away(const NightsFolder& nights, const std::string& name) {
  std::error_code error;
  for (const auto& campaign : fs::directory_iterator(nights.fuzz(), error)) {
    for (const char* kind : {"findings", "failures"}) {
      const fs::path found = campaign.path() / kind;
      if (files_in(found).empty()) continue;
      const fs::path to = nights.earlier() / name / campaign.path().filename();
      fs::create_directories(to);
      fs::rename(found, to / kind);
    }
  }
}

void take_row(const ResultLine& row, NightRecord* record) {
  const std::string kind = row.text("kind");
  if (kind == "night") record->night = night_of(row);
  if (kind == "end") record->ended = true;
  if (kind == "run") {
    const std::string selection = row.text("selection");
    std::istringstream names(selection.substr(std::min(selection.size(), strlen(kSelection))));
    for (std::string name; std::getline(names, name, ',');) record->only.push_back(name);
  }
  if (kind != "part") return;
  PartRow part = part_of(row);
  std::erase_if(record->parts, [&](const PartRow& other) { return other.name == part.name; });
  record->parts.push_back(std::move(part));
}

NightRecord read_night(const fs::path& folder) {
  NightRecord record;
  record.folder = folder;
  const fs::path file = folder / kNightFile;
  const std::string text = content_of(file);
  std::size_t at = 0;
  for (unsigned number = 1; at < text.size(); number++) {
    const std::size_t end = text.find('\n', at);
    if (end == text.npos) break;
    ResultLine row{fmt::format("{}:{}:1", file.string(), number),
                   ordered_json::parse(text.substr(at, end - at), nullptr, false)};
    if (!row.json.is_object())
      throw Failure(kUsage, row.place + ": no row; a JSON object is expected");
    take_row(row, &record);
    at = end + 1;
  }
  if (at != text.size()) fs::resize_file(file, at);
  return record;
}

}  // namespace

const PartRow* NightRecord::part(const std::string& name) const {
  const auto at = std::ranges::find(parts, name, &PartRow::name);
  return at == parts.end() ? nullptr : &*at;
}

NightsFolder::NightsFolder(const fs::path& out) : path_(fs::absolute(out).lexically_normal()) {
  or_harness_failure([&] {
    need_folder(path_);
    lock_ = std::make_unique<FolderLock>(path_, "night");
    need_folder(fuzz());
    need_folder(earlier());
    if (const std::string full = why_full(path_); !full.empty())
      throw Failure(kHarnessFailed, full);
  });
}

NightRecord NightsFolder::begin(NightRow night, RunRow run,
                                const std::vector<std::string>& parts) const {
  return or_harness_failure([&] {
    NightRecord record;
    std::string name = name_now();
    for (unsigned i = 2; fs::exists(path_ / name); i++) name = fmt::format("{}-{}", name_now(), i);
    put_findings_away(*this, name);
    record.folder = path_ / name;
    record.only = parts;
    night.id = name;
    night.started = time_now();
    run.selection = fmt::format("{}{}", kSelection, fmt::join(parts, ","));
    const fs::path fresh = path_ / ".new";  // what an earlier command has left there is no night
    fs::remove_all(fresh);
    {
      ResultsWriter writer(fresh / kNightFile);
      writer.write(run);
      writer.write_line(line_of(night));
    }
    fs::rename(fresh, record.folder);
    record.night = std::move(night);
    return record;
  });
}

std::optional<NightRecord> NightsFolder::unfinished() const {
  std::vector<fs::path> folders;
  for (const auto& entry : fs::directory_iterator(path_)) {
    if (is_night_name(entry.path().filename()) && fs::exists(entry.path() / kNightFile))
      folders.push_back(entry.path());
  }
  std::ranges::sort(folders, std::greater<>());
  for (const fs::path& folder : folders) {
    NightRecord record = read_night(folder);
    if (!record.ended) return record;
  }
  return std::nullopt;
}

NightWriter::NightWriter(const fs::path& folder) : path_(folder / kNightFile) {
  fd_ = open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (fd_ < 0)
    throw Failure(kHarnessFailed,
                  fmt::format("{}: cannot be written: {}", path_, std::strerror(errno)));
}

NightWriter::~NightWriter() {
  close(fd_);
}

void NightWriter::add(const std::string& line) {
  const std::string whole = line + "\n";
  for (std::size_t done = 0; done < whole.size();) {  // a full disk takes a part, then nothing
    const ssize_t n = write(fd_, whole.data() + done, whole.size() - done);
    if (n < 0)
      throw Failure(kHarnessFailed,
                    fmt::format("{}: cannot be written: {}", path_, std::strerror(errno)));
    done += static_cast<std::size_t>(n);
  }
}

std::string end_line(int status) {
  return ordered_json{{"kind", "end"}, {"cells", 0}, {"status", status}}.dump();
}

std::string time_now() {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
}

}  // namespace sigsweep
