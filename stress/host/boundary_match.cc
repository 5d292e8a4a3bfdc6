#include "stress/host/boundary_match.h"

#include <algorithm>
#include <map>

#include "stress/host/common_sequence.h"

namespace sigsweep {
namespace {

using Indices = std::vector<std::size_t>;

struct Both {
  Indices before, now;
};

// An address relative to %rip is another one in each build.
std::string without_addresses(std::string text) {
  const std::size_t base = text.find("(%rip)");
  if (base == text.npos) return text;
  const std::size_t start = text.find_last_of(" ,", base);
  return text.erase(start + 1, base - start - 1);
}

class Matcher {
 public:
  Matcher(const std::vector<BoundaryIdentity>& before, const std::vector<BoundaryIdentity>& now)
      : before_(before), now_(now), partner_(now.size()), paired_(before.size()) {}

  std::vector<BoundaryPair> run() {
    const auto head = [](const BoundaryIdentity& b) { return b.symbol + "\n" + b.phase.head(); };
    for (const auto& [key, left] : left_by(head)) {
      if (!same_numbers(left)) by_instruction(left);
    }
    for (const auto& [key, left] : left_by(head)) by_number(left);
    for (const auto& [key, left] : left_by([](const BoundaryIdentity& b) { return b.symbol; })) {
      const std::size_t count = std::min(left.before.size(), left.now.size());
      for (std::size_t i = 0; i < count; i++) pair(left.before[i], left.now[i]);
    }
    return pairs();
  }

 private:
  // Those that have no partner yet, by their key.
  template <class Key>
  std::map<std::string, Both> left_by(const Key& key) const {
    std::map<std::string, Both> left;
    for (std::size_t i = 0; i < before_.size(); i++) {
      if (!paired_[i]) left[key(before_[i])].before.push_back(i);
    }
    for (std::size_t j = 0; j < now_.size(); j++) {
      if (!partner_[j]) left[key(now_[j])].now.push_back(j);
    }
    return left;
  }

  bool same_numbers(const Both& both) const {
    return std::ranges::equal(both.before, both.now, [&](std::size_t i, std::size_t j) {
      return before_[i].phase.nth() == now_[j].phase.nth();
    });
  }

  void by_instruction(const Both& both) {
    std::vector<std::string> a, b;
    for (const std::size_t i : both.before) a.push_back(without_addresses(before_[i].instruction));
    for (const std::size_t j : both.now) b.push_back(without_addresses(now_[j].instruction));
    const auto length = common_lengths(a, b);
    for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
      if (a[i] == b[j]) {
        pair(both.before[i++], both.now[j++]);
      } else if (length[i + 1][j] >= length[i][j + 1]) {
        i++;
      } else {
        j++;
      }
    }
  }

  void by_number(const Both& both) {
    for (const std::size_t i : both.before) {
      const auto same = std::ranges::find_if(
          both.now, [&](std::size_t j) { return before_[i].phase.nth() == now_[j].phase.nth(); });
      if (same != both.now.end()) pair(i, *same);
    }
  }

  void pair(std::size_t i, std::size_t j) {
    paired_[i] = true;
    partner_[j] = i;
  }

  std::vector<BoundaryPair> pairs() const {
    std::vector<BoundaryPair> all;
    for (std::size_t j = 0; j < now_.size(); j++) all.push_back({partner_[j], j});
    for (std::size_t i = 0; i < before_.size(); i++) {
      if (!paired_[i]) all.push_back({i, std::nullopt});
    }
    return all;
  }

  const std::vector<BoundaryIdentity>& before_;
  const std::vector<BoundaryIdentity>& now_;
  std::vector<std::optional<std::size_t>> partner_;  // of each of now_
  std::vector<bool> paired_;                         // of before_
};

}  // namespace

std::vector<BoundaryPair> match_boundaries(const std::vector<BoundaryIdentity>& before,
                                           const std::vector<BoundaryIdentity>& now) {
  return Matcher(before, now).run();
}

}  // namespace sigsweep
