// Rows to cases and findings.
#include "stress/host/report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>

#include "stress/host/finding.h"

namespace sigsweep {
namespace {

using nlohmann::ordered_json;

std::string text_in(const ordered_json& row, const char* key) {
  return row.value(key, std::string());
}

std::string verdicts_of(const ordered_json& row) {
  std::vector<std::string> counts;
  for (const auto& [verdict, n] : row.at("verdicts").items())
    counts.push_back(fmt::format("{} {}", n.get<std::uint64_t>(), verdict));
  return fmt::format("{}", fmt::join(counts, ", "));
}

// "sweep.amd64.reject": readers of JUnit's XML make a tree of it.
std::string group_of(const std::string& name, const ordered_json& row) {
  return fmt::format("{}.{}.{}", name, text_in(row, "isa"), text_in(row, "protocol"));
}

// As sweep_result.cc has it: all findings of the cell are known, and there is nothing beside them.
bool acknowledged(const ordered_json& cell, const std::vector<const ReportFinding*>& findings) {
  const auto mismatches = cell.find("predicted_mismatches");
  const bool told =
      mismatches->is_null() || *mismatches == 0 || cell.at("handler") == kNoHandlerName;
  return told && !findings.empty() &&
         std::ranges::all_of(findings, [](const ReportFinding* f) { return f->known; });
}

std::string summary(const ReportFinding& finding) {
  return fmt::format("finding {}: {} {} with handler {}: {}: {}{}\n", finding.id, finding.protocol,
                     finding.site, finding.handler, finding.verdict, finding.message,
                     finding.known ? "; acknowledged: " + finding.reason : "");
}

// Pages first.
std::string text_of(std::vector<const ReportFinding*> findings) {
  constexpr std::size_t kMostFindings = 20;
  std::stable_partition(findings.begin(), findings.end(),
                        [](const ReportFinding* f) { return !f->page.empty(); });
  std::string text;
  for (std::size_t i = 0; i < std::min(findings.size(), kMostFindings); i++)
    text += findings[i]->page.empty() ? summary(*findings[i]) : findings[i]->page;
  if (findings.size() > kMostFindings)
    text += fmt::format("... and {} more findings\n", findings.size() - kMostFindings);
  return text;
}

// A file can be replaced at once; what is none, such as /dev/stdout, can only be written to.
bool is_replaceable(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) != 0 || S_ISREG(info.st_mode);
}

void write_report(const std::string& path, const std::string& text) {
  if (is_replaceable(path)) {
    write_text(path, text);
    return;
  }
  std::ofstream out(path);
  if (!(out << text << std::flush))
    throw Failure(kHarnessFailed, fmt::format("cannot write {}", path));
}

void check_flags(const Options& options) {
  const std::pair<const char*, const std::string*> kFiles[] = {
      {"--json", &options.json}, {"--junit", &options.junit}, {"--sarif", &options.sarif}};
  for (const auto& [flag, file] : kFiles) {
    for (const auto& [other, name] : kFiles) {
      if (flag == other || file->empty() || *file != *name) continue;
      throw Failure(kUsage, fmt::format("{} and {} name the same file: {}", flag, other, *file));
    }
  }
}

}  // namespace

ReportBuilder::ReportBuilder(std::string name) {
  run_.name = std::move(name);
  run_.failure = "it has not come to its end: it was killed, or still runs";
}

void ReportBuilder::take(const ordered_json& row) {
  const std::string kind = row.at("kind");
  if (kind == "run") {
    run_.version = row.at("version");
    run_.build = row.at("build");
    run_.command = row.at("command");
    run_.started = row.at("started");
    for (const std::string left_out : row.at("left_out")) {
      const std::size_t colon = std::min(left_out.find(": "), left_out.size());
      ReportCase none = empty_case(left_out.substr(0, colon), "", "run");
      none.outcome = ReportCase::skipped;
      none.message = left_out;
      run_.cases.push_back(none);
    }
  } else if (kind == "finding") {
    take_finding(row);
  } else if (kind == "end") {
    run_.status = row.at("status");
    run_.failure.clear();
  } else {
    rows_.push_back(row);
  }
}

void ReportBuilder::take_finding(const ordered_json& row) {
  ReportFinding finding;
  finding.id = row.at("id");
  finding.isa = row.at("isa");
  finding.protocol = row.at("protocol");
  finding.site = row.at("site");
  finding.handler = row.at("handler");
  finding.verdict = row.at("verdict");
  finding.message = row.at("detail");
  finding.schedule = row.at("schedule");
  finding.known = row.at("known");
  finding.reason = text_in(row, "reason");
  finding.binary = text_in(row, "binary");
  finding.symbol = text_in(row, "symbol");
  finding.offset = row.value("offset", std::uint64_t{0});
  finding.file = text_in(row, "source_file");
  finding.line = row.value("source_line", 0U);
  if (const auto page = pages_.find(finding.id); page != pages_.end()) finding.page = page->second;
  run_.findings.push_back(std::move(finding));
}

void ReportBuilder::failure(const Failure& why) {
  run_.status = status_of(why);
  run_.failure = why.what();
}

ReportCase ReportBuilder::empty_case(const std::string& isa, const std::string& group,
                                     const std::string& name) const {
  ReportCase made;
  made.suite = isa.empty() ? run_.name : run_.name + " " + isa;
  made.group = !group.empty() ? group : isa.empty() ? run_.name : run_.name + "." + isa;
  made.name = name;
  return made;
}

ReportCase ReportBuilder::case_of_cell(const ordered_json& row) const {
  ReportCase made = empty_case(
      row.at("isa"), group_of(run_.name, row),
      fmt::format("{} {} {} {} {}", text_in(row, "site"), text_in(row, "handler"),
                  text_in(row, "form"), text_in(row, "inject"), text_in(row, "contain")));
  made.seconds = row.at("seconds");
  if (row.at("expected")) return made;
  std::vector<const ReportFinding*> findings;
  for (const ReportFinding& f : run_.findings) {
    if (f.isa == row.at("isa") && f.protocol == row.at("protocol") && f.site == row.at("site") &&
        f.handler == row.at("handler")) {
      findings.push_back(&f);
    }
  }
  made.message = verdicts_of(row);
  if (row.at("predicted_mismatches") != 0 && !row.at("predicted_mismatches").is_null())
    made.message += fmt::format("; {} against the prediction", row["predicted_mismatches"].dump());
  made.outcome = acknowledged(row, findings) ? ReportCase::passed : ReportCase::failed;
  made.text = text_of(findings);
  return made;
}

ReportCase ReportBuilder::case_of_claim(const ordered_json& row) const {
  ReportCase made =
      empty_case(row.at("isa"), "", fmt::format("claim {}", row.at("id").get<unsigned>()));
  made.seconds = row.at("seconds");
  const std::string statement = row.at("statement"), detail = row.at("detail");
  if (row.at("holds")) return made.text = statement + "\n" + detail, made;
  made.outcome = ReportCase::failed;
  made.message = detail.empty() ? statement : detail;
  made.text = statement + "\n";
  const std::string id = text_in(row, "finding");
  const auto page = pages_.find(id);
  made.text += page != pages_.end() ? page->second : text_in(row, "counterexample");
  return made;
}

ReportCase ReportBuilder::case_of_storm(const ordered_json& row) const {
  const auto& mixes = row.at("mixes");
  ReportCase made =
      empty_case(row.at("isa"), group_of(run_.name, row),
                 fmt::format("{} threads, {} tasks, {}{}", row.at("ms").get<unsigned>(),
                             row.at("gs").get<unsigned>(),
                             fmt::join(mixes.get<std::vector<std::string>>(), "+"),
                             row.at("nest").get<bool>() ? ", handlers nest" : ""));
  made.seconds = row.at("seconds");
  if (row.at("expected")) return made;
  made.outcome = ReportCase::failed;
  made.message = row.value("finding", verdicts_of(row));
  std::vector<const ReportFinding*> findings;
  for (const ReportFinding& f : run_.findings) findings.push_back(&f);
  made.text = text_of(findings);
  return made;
}

ReportCase ReportBuilder::case_of_part(const ordered_json& row) const {
  ReportCase made = empty_case("", run_.name + ".parts", row.at("name"));
  made.seconds = row.at("seconds");
  const std::string status = row.at("status");
  if (status == "ok") return made;
  made.outcome = status == "skipped"   ? ReportCase::skipped
                 : status == "finding" ? ReportCase::failed
                                       : ReportCase::error;
  made.message = status + ": " + text_in(row, "reason");
  made.text = "log: " + text_in(row, "log") + "\n";
  return made;
}

// ---- the files

namespace {

ReportCase failed_case(ReportCase made, std::string message) {
  made.outcome = ReportCase::failed;
  made.message = std::move(message);
  return made;
}

// What is not as expected and has no finding of its own.
ReportFinding finding_of(const ReportCase& failed, const std::string& rule,
                         const std::string& isa) {
  ReportFinding made;
  made.verdict = rule;
  made.message = failed.name + ": " + failed.message;
  made.isa = isa;
  made.binary = "runner-" + isa;
  return made;
}

}  // namespace

Report ReportBuilder::report() const {
  Report report = run_;
  const bool claims = run_.name == "prove";
  for (const ordered_json& row : rows_) {
    const std::string kind = row.at("kind");
    if (kind == "skipped") {
      report.cases.push_back(empty_case(row.at("isa"), "", row.at("what")));
      report.cases.back().outcome = ReportCase::skipped;
      report.cases.back().message = row.at("why");
    } else if (kind == "part") {
      report.cases.push_back(case_of_part(row));
    } else if (kind == "claim") {
      report.cases.push_back(case_of_claim(row));
      const bool told = !text_in(row, "finding").empty() || row.at("holds");
      if (!told) report.findings.push_back(finding_of(report.cases.back(), kind, row.at("isa")));
    } else if (kind == "cell" && !claims) {
      report.cases.push_back(case_of_cell(row));
    } else if (kind == "storm" && !claims) {
      report.cases.push_back(case_of_storm(row));
      if (!row.at("expected") && run_.findings.empty())
        report.findings.push_back(finding_of(report.cases.back(), kind, row.at("isa")));
    } else if (kind == "baseline" && !claims) {
      report.cases.push_back(failed_case(empty_case(row.at("isa"), group_of(run_.name, row),
                                                    text_in(row, "site") + " without a signal"),
                                         text_in(row, "verdict") + ": " + text_in(row, "detail")));
      report.findings.push_back(finding_of(report.cases.back(), row.at("verdict"), row.at("isa")));
    }
  }
  const auto is_failed = [](const ReportCase& c) { return c.outcome == ReportCase::failed; };
  ReportCase whole = empty_case("", "", "run");
  if (!run_.failure.empty()) {
    whole.outcome = run_.status == kSkipped ? ReportCase::skipped : ReportCase::error;
    whole.message = run_.failure;
    report.cases.push_back(whole);
  } else if (run_.status == kFinding && std::ranges::none_of(report.cases, is_failed)) {
    report.cases.push_back(failed_case(whole, "ended with status 1; its output says why"));
  }
  return report;
}

int with_reports(const Options& options, const std::string& name,
                 const std::function<int(ReportBuilder*)>& work) {
  check_flags(options);
  if (options.junit.empty() && options.sarif.empty()) return work(nullptr);
  ReportBuilder builder(name);
  const auto write = [&] {
    const Report report = builder.report();
    if (!options.junit.empty()) write_report(options.junit, junit_text(report));
    if (!options.sarif.empty()) write_report(options.sarif, sarif_text(report));
  };
  if (is_replaceable(options.junit) && is_replaceable(options.sarif)) write();
  try {
    const int status = work(&builder);
    write();
    return status;
  } catch (const Failure& failure) {
    builder.failure(failure);
    write();
    throw;
  } catch (const std::exception& error) {
    builder.failure(Failure(kHarnessFailed, error.what()));
    write();
    throw;
  }
}

}  // namespace sigsweep
