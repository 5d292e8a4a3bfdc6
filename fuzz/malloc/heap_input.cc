#include "fuzz/malloc/heap_input.h"

#include <algorithm>
#include <charconv>
#include <sstream>

namespace sigsweep::fuzz::heap {
namespace {

constexpr struct {
  std::string_view name;
  std::string_view label[3];                       // of its values; empty: no value
} kKinds[] = {{"alloc", {"to", "", "size"}},       // a new object at a place
              {"churn", {"", "times", "size"}},    // new objects that no place keeps
              {"link", {"at", "to", "word"}},      // a word points to another object
              {"load", {"to", "from", "link"}},    // a place takes a link's target
              {"inside", {"to", "of", "offset"}},  // a place points into an object
              {"drop", {"at", "", ""}},            // a place points to nothing
              {"write", {"at", "", ""}},           // new content, no links
              {"collect", {"", "eager", ""}}};
constexpr unsigned kLimit[3] = {0x100, 0x100, 0x10000};  // of a value
constexpr std::string_view kHead = "sigsweep allocations 1";

// ---- bytes

HeapOperation decoded(const std::uint8_t* bytes) {
  return {static_cast<Kind>(bytes[0] % std::size(kKinds)),
          {bytes[1], bytes[2], bytes[3] | unsigned{bytes[4]} << 8U}};
}

void append(const HeapOperation& op, std::vector<std::uint8_t>* bytes) {
  for (const unsigned byte : {static_cast<unsigned>(op.kind), op.value[0], op.value[1],
                              op.value[2] & 0xff, op.value[2] >> 8U}) {
    bytes->push_back(static_cast<std::uint8_t>(byte));
  }
}

// ---- text

std::string printed(const HeapOperation& op) {
  const auto& kind = kKinds[static_cast<unsigned>(op.kind)];
  std::string line = "op " + std::string(kind.name);
  for (unsigned i = 0; i < 3; i++) {
    if (kind.label[i].empty()) continue;
    line.append(" ").append(kind.label[i]).append("=").append(std::to_string(op.value[i]));
  }
  return line + "\n";
}

// A "name=number" of that kind; else what is wrong.
std::string take_value(std::string_view word, HeapOperation* op) {
  const std::size_t equals = std::min(word.find('='), word.size());
  for (unsigned i = 0; i < 3; i++) {
    const std::string_view label = kKinds[static_cast<unsigned>(op->kind)].label[i];
    if (label.empty() || label != word.substr(0, equals) || equals == word.size()) continue;
    const char *begin = word.data() + equals + 1, *end = word.data() + word.size();
    const auto [at, error] = std::from_chars(begin, end, op->value[i]);
    if (error == std::errc{} && at == end && op->value[i] < kLimit[i]) return {};
    return std::string(word) + ": a number below " + std::to_string(kLimit[i]) + " is expected";
  }
  return std::string(word) + ": " + printed(*op) + " takes no such value";
}

std::string take_line(const std::string& line, std::vector<std::uint8_t>* bytes) {
  std::istringstream in(line.substr(0, line.find('#')));
  std::string word, name;
  if (!(in >> word)) return {};
  if (word != "op" || !(in >> name)) return "'op NAME' is expected";
  for (unsigned i = 0; i < std::size(kKinds); i++) {
    if (kKinds[i].name != name) continue;
    HeapOperation op{static_cast<Kind>(i), {}};
    while (in >> word) {
      std::string why = take_value(word, &op);
      if (!why.empty()) return why;
    }
    append(op, bytes);
    return {};
  }
  std::string why = name + ": no such operation; allowed:";
  for (const auto& kind : kKinds) why.append(" ").append(kind.name);
  return why;
}

}  // namespace

std::vector<HeapOperation> operations_of(std::span<const std::uint8_t> bytes) {
  std::vector<HeapOperation> operations;
  operations.reserve(bytes.size() / kBytes);
  for (std::size_t at = 0; at + kBytes <= bytes.size(); at += kBytes)
    operations.push_back(decoded(&bytes[at]));
  return operations;
}

std::string text_of(std::span<const std::uint8_t> bytes) {
  std::string text = std::string(kHead) + "\n";
  for (const HeapOperation& op : operations_of(bytes)) text += printed(op);
  return text;
}

std::string parse(std::string_view text, const std::string& file,
                  std::vector<std::uint8_t>* bytes) {
  std::istringstream lines{std::string(text)};
  std::string line;
  for (unsigned number = 1; std::getline(lines, line); number++) {
    const bool head = number == 1;
    const std::string why = head ? (line == kHead ? "" : "'" + std::string(kHead) + "' is expected")
                                 : take_line(line, bytes);
    if (why.empty()) continue;
    return std::string(file).append(":").append(std::to_string(number)).append(": ").append(why);
  }
  return {};
}

std::vector<std::string> dictionary() {
  std::vector<std::string> tokens;
  for (unsigned kind = 0; kind < std::size(kKinds); kind++) {
    for (const unsigned size : {15U, 511U, 8191U, 40000U}) {
      std::vector<std::uint8_t> bytes;
      append({static_cast<Kind>(kind), {1, 3, size}}, &bytes);
      tokens.emplace_back(bytes.begin(), bytes.end());
    }
  }
  return tokens;
}

}  // namespace sigsweep::fuzz::heap
