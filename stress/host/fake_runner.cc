// A runner for tests of the command. It answers each command with the lines of the file of that name
// beside itself, and `done`. With --check it prints the file `check`, and ends with the status in
// `check_status` [0], its standard error is `check_errors`. Where a file `start` lies there, it writes that to standard error and
// ends at once, with the status in `status`. Its arguments go to `words`, a payload to `sent`.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include "stress/base/wire.h"

namespace {

namespace fs = std::filesystem;

std::string content(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

int main(int argc, char** argv) {
  const fs::path folder = fs::path(argv[0]).parent_path();
  std::ofstream words(folder / "words", std::ios::app);
  for (int i = 1; i < argc; i++) words << argv[i] << (i + 1 < argc ? " " : "\n");
  words.close();
  if (fs::exists(folder / "start")) {
    std::cerr << content(folder / "start");
    return std::stoi(content(folder / "status"));
  }
  if (std::string(argv[argc - 1]) == "--check") {
    std::cout << content(folder / "check");
    std::cerr << content(folder / "check_errors");
    const std::string status = content(folder / "check_status");
    return status.empty() ? 0 : std::stoi(status);
  }
  for (std::string line; std::getline(std::cin, line);) {
    const sigsweep::Record command = sigsweep::Record::decode(line);
    std::string payload(command.number("bytes"), '\0');
    std::cin.read(payload.data(), static_cast<std::streamsize>(payload.size()));
    if (!payload.empty()) std::ofstream(folder / "sent", std::ios::binary) << payload;
    std::cout << content(folder / command.word()) << "done\n" << std::flush;
  }
  return 0;
}
