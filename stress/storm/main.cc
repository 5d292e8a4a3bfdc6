// The storm's process: many threads under signals that come at any time. It dies with its subject
// if it must.
//
//   stdin    one command a line (wire.h): describe, storm, throws, bench; ends at EOF. One `storm`
//            a process
//   stdout   records, written as they come: tick, violation, then storm; the answer ends by `done`
//            or `trouble`. `threw` is the last word of a process that a throw ends
//   stderr   diagnosis, for people
//   status   0 at EOF; 2 usage, or a throw of the runtime
//   signal   a death by a signal is the death of the storm
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <iostream>
#include <span>
#include <string>

#include "stress/base/code_ranges.h"
#include "stress/base/forked.h"
#include "stress/base/modules.h"
#include "stress/base/start.h"
#include "stress/base/wire.h"
#include "stress/storm/storm.h"
#include "stress/storm/workload.h"

namespace sigsweep::storm {
namespace {

std::string trouble;  // why the command under way can't be carried out

void send(const Record& record) {
  const std::string line = record.encode() + "\n";
  for (std::size_t done = 0; done < line.size();) {
    const ssize_t n = write(STDOUT_FILENO, line.data() + done, line.size() - done);
    if (n <= 0) return;  // the host is gone
    done += static_cast<std::size_t>(n);
  }
}

std::string joined(std::span<const std::uint64_t> values) {
  std::string all;
  for (const std::uint64_t value : values) all += (all.empty() ? "" : ",") + std::to_string(value);
  return all;
}

// The bits of those names; sets trouble if one is unknown.
std::uint32_t bits(const Record& command, const char* key,
                   std::span<const std::string_view> names) {
  std::uint32_t chosen = 0;
  for (const std::string& name : command.list(key)) {
    unsigned i = 0;
    while (i < names.size() && names[i] != name) i++;
    if (i == names.size()) {
      trouble = std::string(key) + "=" + name + ": no such name";
      return 0;
    }
    chosen |= std::uint32_t{1} << i;
  }
  return chosen;
}

template <class Row>
unsigned named(const char* key, const std::string& name, std::span<const Row> rows) {
  for (unsigned i = 0; i < rows.size(); i++) {
    if (rows[i].name == name) return i;
  }
  trouble = std::string(key) + "=" + name + ": no such name";
  return 0;
}

void check(const Workload& workload, const Config& c) {
  const auto range = [](unsigned most, const std::string& what) {
    return "1 to " + std::to_string(most) + " " + what + " are possible";
  };
  const std::string tasks = label(workload, "tasks");
  if (c.threads == 0 || c.threads > kMaxThreads)
    trouble = range(kMaxThreads, label(workload, "threads"));
  if (c.tasks == 0 || c.tasks > workload.most_tasks())
    trouble = range(workload.most_tasks(), tasks);
  if (const std::string why = workload.problem(c); !why.empty()) trouble = why;
  if (c.mixes == 0) trouble = "there is nothing for the " + tasks + " to do";
  if (c.altstack < least_altstack(c.nest)) {
    trouble = "an alternate stack of " + std::to_string(c.altstack) +
              " bytes is too small; at least " + std::to_string(least_altstack(c.nest)) +
              " are needed here" + (c.nest ? " where two signals nest" : "");
  }
}

constexpr std::string_view kNone = "none", kObserves = "observe";

std::string_view handler_name(unsigned handler) {
  if (calls_subject(handler)) return subject().sites()[handler].name;
  return handler == kObserve ? kObserves : kNone;
}

Config config_of(const Workload& workload, const Record& command) {
  Config c;
  c.threads = static_cast<unsigned>(command.number("threads"));
  c.tasks = static_cast<unsigned>(command.number("tasks"));
  c.duration = command.number("duration");
  c.period = command.number("period");
  c.sources = bits(command, "sources", kAsyncNames);
  c.mixes = bits(command, "mixes", workload.mixes());
  c.protocol = named("protocol", command.text("protocol"), subject().protocols());
  for (const std::string& name : command.list("handlers")) {
    if (name != kNone && name != kObserves) {
      c.handlers.push_back(named("handlers", name, subject().sites()));
    } else if (workload.does_own_handlers()) {
      c.handlers.push_back(name == kNone ? kNoHandler : kObserve);
    } else if (name != kNone) {
      trouble = "handlers=" + name + ": no such name";
    }
  }
  c.nest = command.number("nest") != 0;
  c.hold_rate = command.number("hold_rate") != 0;
  c.altstack = command.has("altstack") ? static_cast<std::size_t>(command.number("altstack"))
                                       : workload.altstack();
  c.seed = command.number("seed");
  c.last_words = command.text("last_words");
  check(workload, c);
  return c;
}

void add_quantiles(const char* name, const Quantiles& q, Record* r) {
  const std::uint64_t values[] = {q.count, q.p50, q.p99, q.p999, q.max};
  r->add(name, joined(values));
}

Record record_of(const Workload& workload, const char* word, const Totals& t) {
  std::string verdicts;
  for (unsigned i = 0; i < kVerdicts; i++) {
    if (t.verdicts[i] == 0) continue;
    verdicts += (verdicts.empty() ? "" : ",") + std::string(kVerdictNames[i]) + ":" +
                std::to_string(t.verdicts[i]);
  }
  Record r(word);
  r.add("seconds", std::to_string(t.seconds))
      .add("sent", joined(t.sent))
      .add("delivered", joined(t.delivered))
      .add("overruns", joined(t.overruns))
      .add("pending", joined(t.pending))
      .add("operations", joined(std::span(t.operations).first(workload.mixes().size())))
      .add("nested", t.nested)
      .add("wrong_stack", t.wrong_stack)
      .add("no_progress", t.no_progress)
      .add("backoffs", t.backoffs)
      .add("handler_seconds", std::to_string(t.handler_seconds))
      .add("first_violation", t.first_violation)
      .add("verdicts", verdicts);
  for (const Count& count : t.counts) r.add(count.name, count.value);
  add_quantiles("latency", t.latency, &r);
  add_quantiles("entry", t.entry, &r);
  return r;
}

std::string arguments(const Site& site, const std::uint64_t* values) {
  std::string all;
  for (unsigned i = 0; i < kMaxSlots; i++) {
    if ((site.in >> i & 1U) == 0) continue;
    all += (all.empty() ? "" : ",") + std::string(subject().slots()[i]) + ":" +
           std::to_string(values[i]);
  }
  return all;
}

std::string slot_list(SlotMask slots) {
  std::string all;
  for (unsigned i = 0; i < kMaxSlots; i++) {
    if ((slots >> i & 1U) != 0) all += (all.empty() ? "" : "+") + std::string(subject().slots()[i]);
  }
  return all.empty() ? "-" : all;
}

void send_violation(const Workload& workload, const Violation& v) {
  const Site& site = subject().sites()[v.site];
  Record r("violation");
  r.add("verdict", verdict_name(v.verdict))
      .add("slots", slot_list(v.slots))
      .add("site", site.name)
      .add("signals", v.signals);
  const auto at = modules_of_process().find(v.hit.pc);
  if (v.replayable && v.signals == 1 && at && CodeRanges(subject().code()).contains(v.hit.pc)) {
    const unsigned handler = v.hit.handler;
    const bool calls = calls_subject(handler);
    r.add("symbol", at->symbol)
        .add("offset", at->offset)
        .add("state", workload.state_text(v.hit.state))
        .add("arguments", arguments(site, v.args))
        .add("handler", handler_name(handler))
        .add("handler_arguments",
             calls ? arguments(subject().sites()[handler], v.hit.args) : std::string());
  }
  send(r);
}

// ---- describe: default protocol=; source name= each_thread= sent= overruns= account=; mix name=;
// label of= text=. The options of a storm, and the words of its page.

Record source_record(const char* name, bool each_thread, bool sent, bool overruns,
                     const char* account) {
  Record r("source");
  r.add("name", name)
      .add("each_thread", unsigned{each_thread})
      .add("sent", unsigned{sent})
      .add("overruns", unsigned{overruns})
      .add("account", account);
  return r;
}

void describe(const Workload& workload) {
#define EXACT "exact"
#define NEAR "near"
#define UNSEEN "unseen"
#define SOURCE(name, signal, each_thread, waiting, sent, overruns, account, summary) \
  send(source_record(#name, each_thread, sent, overruns, account));
#include "stress/storm/sources.def"
#undef SOURCE
#undef EXACT
#undef NEAR
#undef UNSEEN
  send(Record("default").add("protocol", workload.protocol()));
  for (const std::string_view mix : workload.mixes()) send(Record("mix").add("name", mix));
  for (const Label& label : workload.labels()) {
    send(Record("label").add("of", label.of).add("text", label.text));
  }
}

// ---- storm threads= tasks= duration= period= sources= mixes= protocol= handlers= nest= hold_rate=
// seed= [altstack=] [last_words=]

void storm(Workload* workload, const Record& command) {
  const Config wanted = config_of(*workload, command);
  if (!trouble.empty()) return;
  Totals totals{};
  const Listener listener{[&](const Totals& t) { send(record_of(*workload, "tick", t)); },
                          [&](const Violation& v) { send_violation(*workload, v); }};
  trouble = run(workload, wanted, listener, &totals);
  if (totals.seconds > 0) send(record_of(*workload, "storm", totals));
}

// ---- throws count=, and storm's options: so many children; each is a storm that its first call
// from a handler ends for real

void throws(Workload* workload, const Record& command) {
  Config wanted = config_of(*workload, command);
  if (!trouble.empty()) return;
  wanted.throw_for_real = true;
  for (std::uint64_t i = 0; i < command.number("count"); i++) {
    wanted.seed++;
    const Forked child = run_in_child([&] {
      Totals totals{};
      run(workload, wanted, Listener{[](const Totals&) {}, [](const Violation&) {}}, &totals);
    });
    std::string problem = subject().check_throw_output(child.output, child.exit_status);
    if (child.signal != 0) problem += " (died of signal " + std::to_string(child.signal) + ")";
    Record r("throw");
    r.add("problem", problem).add("output", problem.empty() ? "" : child.output);
    send(r);
  }
}

// ---- bench [name= rounds=]: without a name, the names

void bench(Workload* workload, const Record& command) {
  if (!command.has("name")) {
    for (const std::string_view name : workload->benchmarks()) {
      send(Record("benchmark").add("name", name).add("own", 1));
    }
    return;
  }
  const double ns = workload->run_benchmark(command.text("name"), command.number("rounds"));
  if (ns < 0) trouble = "no benchmark " + command.text("name");
  if (trouble.empty()) send(Record("time").add("ns", std::to_string(ns)));
}

void carry_out(Workload* workload, const Record& command) {
  trouble.clear();
  if (command.word() == "describe") {
    describe(*workload);
  } else if (command.word() == "storm") {
    storm(workload, command);
  } else if (command.word() == "throws") {
    throws(workload, command);
  } else if (command.word() == "bench") {
    bench(workload, command);
  } else {
    trouble = "unknown command " + command.word();
  }
  send(trouble.empty() ? Record("done") : Record("trouble").add("message", trouble));
}

}  // namespace

int storm_main(int argc, char** argv, Workload* workload) {
  if (const std::string why = check_start(); !why.empty()) {
    std::fprintf(stderr, "runner: %s\n", why.c_str());
    return 3;
  }
  if (argc != 1 && !(argc == 3 && std::strcmp(argv[1], "--progress-fd") == 0)) {
    std::fprintf(stderr, "usage: %s; commands on standard input\n", argv[0]);
    return 2;
  }
  subject();  // construct it before any command
  for (std::string line; std::getline(std::cin, line);) {
    carry_out(workload, Record::decode(line));
    if (trouble.empty()) continue;
    std::fflush(nullptr);
    _exit(0);  // do not wait for a thread that can't leave
  }
  return 0;
}

}  // namespace sigsweep::storm
