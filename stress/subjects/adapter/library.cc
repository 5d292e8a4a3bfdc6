// dlopen, and the checks of the struct.
#include "stress/subjects/adapter/library.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace sigsweep::adapter {
namespace {

constexpr std::size_t kLeastSize =
    offsetof(struct sigsweep_adapter, begin);  // required members lie below

bool is_name(const char* text) {
  constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.+";
  return text != nullptr && *text != '\0' &&
         std::string_view(text).find_first_not_of(kAllowed) == std::string_view::npos;
}

template <std::size_t N>
std::string flags_problem(const char* what, std::uint32_t bits, const Flag (&list)[N]) {
  for (const Flag& flag : list) bits &= ~flag.bit;
  if (bits == 0) return {};
  unsigned bit = 0;
  while ((bits >> bit & 1) == 0) bit++;
  return std::string(what) + ": bit " + std::to_string(bit) + " has no meaning in ABI " +
         std::to_string(SIGSWEEP_ADAPTER_ABI) + "; allowed: those of sigsweep_adapter.h";
}

std::string content_problem(const struct sigsweep_adapter& a) {
  if (!is_name(a.name)) {
    return "name: a word of letters, digits, '-', '_', '.' and '+' is needed";
  }
  if (!is_name(a.version)) {
    return "version: a word of letters, digits, '-', '_', '.' and '+' is needed";
  }
  struct {
    const char* name;
    bool there;
  } const required[] = {{"create", a.create != nullptr},
                        {"resume", a.resume != nullptr},
                        {"suspend", a.suspend != nullptr}};
  for (const auto& each : required) {
    if (!each.there) return std::string(each.name) + " is null; it is required";
  }
  std::string problem = flags_problem("promises", a.promises, kPromises);
  if (problem.empty()) problem = flags_problem("traits", a.traits, kTraits);
  return problem;
}

}  // namespace

std::string load(const std::string& path, Library* out) {
  const std::string file = path.find('/') == path.npos ? "./" + path : path;  // no search path
  void* const handle = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* why = dlerror();
    const std::string said = why == nullptr ? "cannot be loaded" : why;
    return said.starts_with(file + ":") ? said
                                        : path + ": " + said;  // it may name another file alone
  }
  using Get = const struct sigsweep_adapter* (*)();
  const auto get = reinterpret_cast<Get>(dlsym(handle, "sigsweep_adapter"));
  if (get == nullptr) {
    return path +
           ": no function sigsweep_adapter() in it; an adapter defines it (sigsweep adapter new "
           "prints one; in C++ it needs extern \"C\")";
  }
  const struct sigsweep_adapter* const given = get();
  if (given == nullptr) return path + ": sigsweep_adapter() returns null";
  if (given->abi == 0 || given->abi > SIGSWEEP_ADAPTER_ABI) {
    return path + ": built for ABI " + std::to_string(given->abi) +
           " of sigsweep_adapter.h; this sigsweep knows ABI 1 to " +
           std::to_string(SIGSWEEP_ADAPTER_ABI);
  }
  if (given->size < kLeastSize) {
    return path + ": its struct sigsweep_adapter has " + std::to_string(given->size) +
           " bytes; at least " + std::to_string(kLeastSize) + " are needed: is `size` set?";
  }
  out->path = path;
  std::memcpy(&out->says, given, std::min<std::size_t>(given->size, sizeof out->says));
  const std::string problem = content_problem(out->says);
  return problem.empty() ? problem : path + ": " + problem;
}

}  // namespace sigsweep::adapter
