#include "stress/host/demangle.h"

#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

namespace sigsweep {
namespace {

constexpr std::size_t kLong = 60, kLongArguments = 24;  // characters

bool is_of_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '.' || c == '$';
}

// Each outermost pair of `open` and `close`, with more than so much between them, is emptied.
std::string without_long(const std::string& name, char open, char close, std::size_t most) {
  std::string text;
  std::size_t depth = 0, start = 0;
  for (const char c : name) {
    if (c == open && depth++ == 0) start = text.size();
    text += c;
    if (c != close || depth == 0 || --depth != 0) continue;
    if (text.size() - start > most + 2)
      text.replace(start, text.npos, {open, '.', '.', '.', close});
  }
  return text;
}

std::string name_of(const std::string& linked) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> source(
      abi::__cxa_demangle(linked.c_str(), nullptr, nullptr, &status), &std::free);
  if (source == nullptr) return linked;
  std::string whole = source.get();
  if (whole.size() <= kLong) return whole;
  std::string shorter = without_long(whole, '<', '>', kLongArguments);
  if (shorter.size() <= kLong) return shorter;
  return without_long(shorter, '(', ')', kLongArguments);
}

}  // namespace

std::string demangled(const std::string& text) {
  std::string shown;
  for (std::size_t i = 0; i < text.size();) {
    const bool begins = i == 0 || !is_of_name(text[i - 1]);
    std::size_t end = i;
    while (end < text.size() && is_of_name(text[end])) end++;
    if (end == i) end++;
    const std::string word = text.substr(i, end - i);
    shown += begins && word.starts_with("_Z") ? name_of(word) : word;
    i = end;
  }
  return shown;
}

bool is_made_up(const std::string& symbol, const std::string& module) {
  std::string file = module;
  std::ranges::replace(file, '+', '_');  // as a symbol has it
  return symbol.starts_with("fde@") || (!file.empty() && symbol == file);
}

}  // namespace sigsweep
