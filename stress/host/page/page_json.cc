#include "stress/host/page/page_json.h"

#include <algorithm>
#include <set>

#include "stress/host/page/read_page.h"
#include "stress/host/page/verdict_letter.h"

namespace sigsweep {
namespace {

using nlohmann::ordered_json;

std::string utf8(PageIndex point) {
  if (point < 0x80) return {static_cast<char>(point)};
  if (point < 0x800)
    return {static_cast<char>(0xc0 | (point >> 6)), static_cast<char>(0x80 | (point & 0x3f))};
  return {static_cast<char>(0xe0 | (point >> 12)), static_cast<char>(0x80 | ((point >> 6) & 0x3f)),
          static_cast<char>(0x80 | (point & 0x3f))};
}

// Letters of ASCII, without those that JSON, HTML or a shell give a meaning to.
constexpr std::string_view kPlain =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:;,+*=?!-_|~^%#$()[]{}";
constexpr PageIndex kFurther = 0x3400;  // CJK ideographs: assigned, and no marks or controls

ordered_json verdicts_json() {
  ordered_json all = ordered_json::array();
  for (unsigned i = 0; i < kVerdicts; i++) {
    all.push_back({{"name", kVerdictNames[i]},
                   {"letter", std::string(1, kVerdictLetters[i])},
                   {"meaning", kVerdictMeanings[i]}});
  }
  return all;
}

// "stub/sp=co0#12" -> "stub/sp=co0" and 12: the numbers would make each phase a different text.
std::pair<std::string, std::uint64_t> parted(const std::string& phase) {
  const std::size_t at = phase.rfind('#');
  const std::string digits = at == phase.npos ? "" : phase.substr(at + 1);
  const bool plain = !digits.empty() && digits.size() < 10 && digits.front() != '0' &&
                     std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; });
  if (!plain) return {phase, 0};
  return {phase.substr(0, at), std::stoull(digits)};
}

// Texts and names that others refer to by their index.
class Texts {
 public:
  PageIndex operator()(const std::string& text) { return pool_.add(text); }
  const std::vector<std::string>& all() const { return all_; }

 private:
  std::vector<std::string> all_;
  PagePool<std::string> pool_{&all_};
};

ordered_json outcomes_json(const std::vector<PageOutcome>& outcomes) {
  ordered_json all = ordered_json::array();
  for (const PageOutcome& o : outcomes)
    all.push_back({o.verdict, o.slots, o.detail, (o.judged ? 0 : 1) + (o.finding ? 2 : 0)});
  return all;
}

ordered_json places_json(const std::vector<PagePlace>& places, Texts* text) {
  ordered_json all = ordered_json::array();
  for (const PagePlace& p : places) {
    const auto [phase, number] = parted(p.phase);
    all.push_back({(*text)(p.module), (*text)(p.symbol), p.offset, p.pass, (*text)(phase), number,
                   (*text)(p.live), (*text)(p.instruction)});
  }
  return all;
}

ordered_json rows_json(const std::vector<std::vector<PageIndex>>& rows, std::size_t* letters) {
  ordered_json all = ordered_json::array();
  for (const std::vector<PageIndex>& row : rows) {
    std::string text;
    for (const PageIndex outcome : row) {
      text += row_letter(outcome);
      *letters = std::max<std::size_t>(*letters, outcome + 1);
    }
    all.push_back(std::move(text));
  }
  return all;
}

// Handlers with the same verdicts stand behind one row: [row, handler, handler...].
ordered_json strips_json(const std::vector<PageStrip>& strips, Texts* text) {
  std::map<PageIndex, ordered_json> by_row;
  for (const PageStrip& strip : strips) {
    ordered_json& entry =
        by_row.try_emplace(strip.row, ordered_json::array({strip.row})).first->second;
    entry.push_back((*text)(strip.handler));
  }
  ordered_json all = ordered_json::array();
  for (auto& [row, entry] : by_row) all.push_back(std::move(entry));
  return all;
}

ordered_json operations_json(const std::vector<PageOperation>& operations, Texts* text) {
  ordered_json all = ordered_json::array();
  for (const PageOperation& o : operations) {
    all.push_back({(*text)(o.subject), (*text)(o.isa), (*text)(o.protocol), (*text)(o.site),
                   (*text)(o.inject), (*text)(o.contain), o.code, strips_json(o.strips, text)});
  }
  return all;
}

ordered_json matrices_json(const std::vector<PageMatrix>& matrices) {
  ordered_json all = ordered_json::array();
  for (const PageMatrix& m : matrices) {
    all.push_back({{"subject", m.subject},
                   {"isa", m.isa},
                   {"protocol", m.protocol},
                   {"site", m.site},
                   {"handler", m.handler},
                   {"form", m.form},
                   {"inject", m.inject},
                   {"first", m.first},
                   {"second", m.second},
                   {"legend", m.legend},
                   {"findings", m.findings},
                   {"rows", m.rows}});
  }
  return all;
}

ordered_json everywhere_json(const std::map<std::string, PageSum::Everywhere>& everywhere) {
  ordered_json all = ordered_json::object();
  for (const auto& [verdict, e] : everywhere)
    all[verdict] = {{"cells", e.cells}, {"calls", e.calls}};
  return all;
}

ordered_json sums_json(const std::map<PageSumKey, PageSum>& sums) {
  ordered_json all = ordered_json::array();
  for (const auto& [key, sum] : sums) {
    all.push_back({{"subject", key.subject},
                   {"isa", key.isa},
                   {"protocol", key.protocol},
                   {"site", key.site},
                   {"form", key.form},
                   {"inject", key.inject},
                   {"cells", sum.cells},
                   {"boundaries", sum.boundaries},
                   {"trials", sum.trials},
                   {"landed", sum.landed},
                   {"unreached", sum.unreached},
                   {"unexpected", sum.unexpected},
                   {"promised", sum.promised},
                   {"kept", sum.kept},
                   {"everywhere", everywhere_json(sum.everywhere)},
                   {"verdicts", sum.verdicts}});
  }
  return all;
}

ordered_json tallies_json(const std::map<PageTallyKey, PageTally>& tallies, Texts* text) {
  ordered_json all = ordered_json::array();
  for (const auto& [key, tally] : tallies) {
    all.push_back({(*text)(key.isa), (*text)(key.protocol), (*text)(key.site), (*text)(key.handler),
                   (*text)(key.verdict), (*text)(key.symbol), key.known ? 1 : 0, tally.findings,
                   (*text)(tally.first_seen), (*text)(tally.first_build)});
  }
  return all;
}

ordered_json history_json(const std::optional<PageHistory>& history) {
  if (!history) return nullptr;
  return {{"file", history->file},
          {"night", history->night},
          {"has_night", history->has_night},
          {"before", history->before},
          {"before_started", history->before_started},
          {"before_build", history->before_build},
          {"later", history->later}};
}

ordered_json files_json(const std::vector<PageFile>& files) {
  ordered_json all = ordered_json::array();
  for (const PageFile& f : files) {
    all.push_back({{"path", f.path},
                   {"lines", f.lines},
                   {"broken", f.broken},
                   {"unknown", f.unknown},
                   {"half_written", f.half_written},
                   {"status", f.status ? ordered_json(*f.status) : ordered_json()}});
  }
  return all;
}

ordered_json kinds_json(const std::map<std::string, std::vector<PageRow>>& kinds) {
  ordered_json all = ordered_json::object();
  for (const auto& [kind, rows] : kinds) {
    ordered_json& list = all[kind] = ordered_json::array();
    for (const PageRow& row : rows) {
      list.push_back(row.json);
      // A row's own file makes room for that in which it stands.
      if (row.json.contains("file")) list.back()["path"] = row.json["file"];
      list.back()["file"] = row.file;
    }
  }
  return all;
}

ordered_json ratios_json(const std::vector<PageRatio>& ratios) {
  ordered_json all = ordered_json::array();
  for (const PageRatio& r : ratios) {
    all.push_back({{"night", r.night},
                   {"started", r.started},
                   {"isa", r.isa},
                   {"name", r.name},
                   {"peers", r.peers},
                   {"least", r.least},
                   {"quarter", r.quarter},
                   {"median", r.median},
                   {"three_quarters", r.three_quarters},
                   {"most", r.most},
                   {"processes", r.processes}});
  }
  return all;
}

}  // namespace

std::string row_letter(PageIndex index) {
  if (index == 0) return " ";
  if (index <= kPlain.size()) return {kPlain[index - 1]};
  return utf8(kFurther + index - static_cast<PageIndex>(kPlain.size()) - 1);
}

ordered_json page_json(const PageModel& model) {
  Texts text;
  std::size_t letters = 1;
  ordered_json json{{"format", 1}, {"verdicts", verdicts_json()}};
  json["outcomes"] = outcomes_json(model.outcomes);
  json["places"] = places_json(model.places, &text);
  json["codes"] = model.codes;
  json["rows"] = rows_json(model.rows, &letters);
  std::string alphabet;
  for (PageIndex i = 0; i < letters; i++) alphabet += row_letter(i);
  json["alphabet"] = alphabet;
  json["operations"] = operations_json(model.operations, &text);
  json["tallies"] = tallies_json(model.tallies, &text);
  json["history"] = history_json(model.history);
  json["texts"] = text.all();
  json["matrices"] = matrices_json(model.matrices);
  json["sums"] = sums_json(model.sums);
  json["kinds"] = kinds_json(model.kinds);
  json["files"] = files_json(model.files);
  json["ratios"] = ratios_json(model.ratios);
  json["findings_left_out"] = model.findings_left_out;
  return json;
}

std::string script_safe(const ordered_json& json) {
  // ensure_ascii would make three times as much of a strip's letters, so only what must be is
  // escaped.
  const std::string plain = json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  std::string safe;
  safe.reserve(plain.size());
  for (std::size_t i = 0; i < plain.size(); i++) {
    const std::string_view three = std::string_view(plain).substr(i, 3);
    if (plain[i] == '<') {
      safe += "\\u003c";
    } else if (plain[i] == '>') {
      safe += "\\u003e";
    } else if (plain[i] == '&') {
      safe += "\\u0026";
    } else if (three == "\xe2\x80\xa8" || three == "\xe2\x80\xa9") {
      safe += plain[i + 2] == '\xa8' ? "\\u2028" : "\\u2029";
      i += 2;
    } else {
      safe += plain[i];
    }
  }
  return safe;
}

}  // namespace sigsweep
