// Shared by the commands: sending, and names as indices.
#include "stress/runner/command.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "stress/campaign/resolve.h"
#include "stress/trap/arch.h"

namespace sigsweep {
namespace {

struct {
  std::FILE *commands = stdin, *records = stdout;
  int errors = STDERR_FILENO;
} wire;

// A copy of the descriptor that lies beyond those that programs close by number.
int apart(int fd) {
  constexpr int kFirst = 200;
  return fcntl(fd, F_DUPFD_CLOEXEC, kFirst);
}

std::string index_or_trouble(const char* kind, const std::string& name, int found,
                             unsigned* index) {
  if (found < 0) return std::string("no ") + kind + " " + name;
  *index = static_cast<unsigned>(found);
  return {};
}

}  // namespace

std::string set_wire_apart() {
  const int in = apart(STDIN_FILENO), out = apart(STDOUT_FILENO);
  wire.errors = apart(STDERR_FILENO);
  const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (in >= 0 && out >= 0 && wire.errors >= 0 && nothing >= 0 && dup2(nothing, STDIN_FILENO) >= 0 &&
      dup2(STDERR_FILENO, STDOUT_FILENO) >= 0) {
    close(nothing);
    wire.commands = fdopen(in, "r");
    wire.records = fdopen(out, "w");
    std::setvbuf(stdout, nullptr, _IOLBF, 0);  // a line comes out before the process may die
    if (wire.commands != nullptr && wire.records != nullptr) return {};
  }
  return std::string("descriptors for commands and records: ") + std::strerror(errno);
}

void reopen_streams() {
  if (fcntl(STDIN_FILENO, F_GETFD) < 0 && open("/dev/null", O_RDONLY) != STDIN_FILENO) _exit(3);
  for (const int fd : {STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(fd, F_GETFD) < 0) dup2(wire.errors, fd);
  }
}

bool receive(std::string* line) {
  char* text = nullptr;
  std::size_t room = 0;
  const ssize_t length = getline(&text, &room, wire.commands);
  if (length > 0) line->assign(text, static_cast<std::size_t>(length - (text[length - 1] == '\n')));
  std::free(text);
  return length > 0;
}

void receive_bytes(std::string* bytes) {
  bytes->resize(std::fread(bytes->data(), 1, bytes->size(), wire.commands));
}

void send(const Record& record) {
  const std::string line = record.encode() + "\n";
  std::fwrite(line.data(), 1, line.size(), wire.records);
}

void flush() {
  std::fflush(wire.records);
}

std::string find_protocol(const Runner& runner, const std::string& name, unsigned* index) {
  return index_or_trouble("protocol", name, find_protocol(runner.subject, name), index);
}

std::string find_site(const Runner& runner, const std::string& name, unsigned* index) {
  return index_or_trouble("site", name, find_site(runner.subject, name), index);
}

std::string find_handler(const Runner& runner, const std::string& name, unsigned* index) {
  const Subject& subject = runner.subject;
  if (name == kObserveName && !trap::kUnwindsAnywhere) {
    return "handler observe: no backtrace on this ISA";
  }
  *index = handler_named(subject, name);
  if (!calls_subject(*index) && handler_name(subject, *index) == name) return {};
  return find_site(runner, name, index);
}

std::string joined(const std::vector<std::string>& parts) {
  std::string all;
  for (const std::string& part : parts) all += (all.empty() ? "" : ",") + part;
  return all;
}

}  // namespace sigsweep
