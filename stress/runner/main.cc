// The runner: one process that runs trials for the host, and dies with its subject if it must.
//
//   stdin    one command a line (wire.h): describe, selfcheck, contracts, sweep, throws, replay,
//            resolve, bench; ends at EOF
//   stdout   records, written as they come; each command is answered to its end by `done` or
//            `trouble`
//   stderr   diagnosis, for people
//   status   0 at EOF; 2 usage; 3 the process could not be taken over
//   signal   a death by a signal is the death of the trial that the shared page names
//
// runner-ISA --walk FILE [--account]: runs the schedule's operations once with no signal of its own
// and no patch, for a debugger that stops at the boundary; a signal that the debugger sends there
// is handled as planned. --account: a record of each operation, too.
//
// runner-ISA [--progress-fd N]: N is a memory file of at least 32 bytes, shared with the host: the
// serial number of the trial that runs (0: none), the cell's index in the command, the boundary's
// index.
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <string>

#include "stress/base/start.h"
#include "stress/base/symtab.h"
#include "stress/base/wire.h"
#include "stress/campaign/measure.h"
#include "stress/campaign/resolve.h"
#include "stress/campaign/soak.h"
#include "stress/runner/account.h"
#include "stress/runner/selfcheck.h"
#include "stress/trap/sources.h"

int runner_main(int argc, char** argv);

namespace sigsweep {
namespace {

// Shared with the host.
struct Progress {
  volatile std::uint64_t serial;
  volatile std::uint64_t cell;
  volatile std::uint64_t boundary;
};
Progress own_progress;
Progress* progress = &own_progress;

void send(const Record& record) {
  const std::string line = record.encode() + "\n";
  std::fwrite(line.data(), 1, line.size(), stdout);
}

std::string trouble;  // why the command under way can't be carried out

unsigned site_index(const std::string& name, bool may_be_none) {
  if (may_be_none && name == "none") return kNoHandler;
  const int i = find_site(subject(), name);
  if (i < 0) trouble = "no site " + name;
  return static_cast<unsigned>(i);
}

unsigned protocol_index(const std::string& name) {
  const int i = find_protocol(subject(), name);
  if (i < 0) trouble = "no protocol " + name;
  return static_cast<unsigned>(i);
}

std::string joined(const std::vector<std::string>& parts) {
  std::string all;
  for (const std::string& part : parts) all += (all.empty() ? "" : ",") + part;
  return all;
}

// ---- describe

std::string rejecting_protocols(unsigned site) {
  std::vector<std::string> names;
  for (unsigned i = 0; i < subject().protocols().size(); i++) {
    if (subject().rejects(i, site)) names.emplace_back(subject().protocols()[i].name);
  }
  return joined(names);
}

void describe(const Record&) {
  const Catalog catalog = catalog_of(subject());
  send(Record("subject")
           .add("isa", catalog.isa)
           .add("word_bits", catalog.word_bits)
           .add("isas", joined(catalog.isas))
           .add("verdicts", joined(catalog.verdicts))
           .add("slots", joined(catalog.slots)));
  for (const Protocol& p : subject().protocols()) {
    send(Record("protocol")
             .add("name", p.name)
             .add("allowed", p.allowed.text())
             .add("summary", p.summary)
             .add("predicts", std::uint64_t{p.predicts})
             .add("passes_slots", std::uint64_t{p.slots_in_handler}));
  }
  for (const Tables::Elsewhere& p : subject().elsewhere()) {
    send(Record("elsewhere").add("name", p.protocol).add("isa", p.isa));
  }
  for (const CatalogEntry& e : catalog.sites) {
    const Site& site = subject().sites()[site_index(e.name, false)];
    send(Record("site")
             .add("name", e.name)
             .add("slots", joined(e.slots))
             .add("in", slot_names(subject(), site.in))
             .add("out", slot_names(subject(), site.out))
             .add("written", slot_names(subject(), site.written))
             .add("zeroed", slot_names(subject(), site.zeroed))
             .add("ends", site.end_message)
             .add("rejected_by", rejecting_protocols(site_index(e.name, false))));
  }
  for (const CatalogEntry& e : catalog.handlers) {
    send(Record("handler").add("name", e.name).add("slots", joined(e.slots)));
  }
}

// ---- selfcheck: what the harness does by hand

void selfcheck(const Record&) {
  for (const SelfCheck* check = selfchecks(); check->name != nullptr; check++) {
    const std::string problem = check->run();
    if (!problem.empty() && trouble.empty()) trouble = std::string(check->name) + ": " + problem;
  }
}

// ---- contracts (claim 0)

void contracts(const Record&) {
  for (unsigned i = 0; i < subject().contract_count(); i++) {
    const Extras::Contract check = subject().check_contract(i);
    send(Record("contract").add("name", check.name).add("problem", check.problem));
  }
}

// ---- source inject=: can it be had here?

void source(const Record& command) {
  const auto wanted = source_from_name(command.text("inject"));
  if (!wanted) trouble = "inject= is missing or unknown";
  if (!trouble.empty()) return;
  send(Record("source").add("unavailable", trap::prepare(*wanted)));
}

// ---- sweep protocol= site= handlers= form= inject= contain= signal= seed= allowed= map=
// skip=CELL:POINT,...

std::set<std::uint64_t> skipped(const Record& command, unsigned cell) {
  std::set<std::uint64_t> points;
  for (const std::string& item : command.list("skip")) {
    const std::size_t colon = item.find(':');
    if (std::stoul(item.substr(0, colon)) == cell)
      points.insert(std::stoull(item.substr(colon + 1)));
  }
  return points;
}

// Of each stack how many bytes were used at most since this process began, and how many it has.
std::string stacks_used() {
  const trap::StackPaint& paint = Engine::get().look_at_stacks();
  std::string used;
  for (unsigned i = 0; i < paint.count(); i++) {
    used += (used.empty() ? "" : ",") + std::string(subject().stack_name(i)) + ":" +
            std::to_string(paint.used(i)) + ":" + std::to_string(paint.size(i));
  }
  return used;
}

void send_cell(const std::string& handler, const CellResult& result) {
  std::string counts;
  for (unsigned v = 0; v < kVerdicts; v++) {
    if (result.verdicts[v] == 0) continue;
    counts += (counts.empty() ? "" : ",") + std::string(kVerdictNames[v]) + ":" +
              std::to_string(result.verdicts[v]);
  }
  char map[20], seconds[32];
  std::snprintf(map, sizeof map, "%016llx", static_cast<unsigned long long>(result.map));
  std::snprintf(seconds, sizeof seconds, "%.6f", result.seconds);
  Record r("cell");
  r.add("handler", handler)
      .add("boundaries", result.boundaries)
      .add("trials", result.trials)
      .add("requested", result.requested)
      .add("landed", result.landed)
      .add("unreached", result.unreached)
      .add("verdicts", counts)
      .add("map", map)
      .add("seconds", seconds);
  if (result.predicted) r.add("mismatches", result.mismatches);
  r.add("stacks", stacks_used());
  send(r);
  std::fflush(stdout);
}

// The trial of an example once more, with what is only looked at then.
Record example_record(const CellSweeper& sweeper, const CellRequest& request, const Example& e) {
  const Plan plan = sweeper.plan_for(request, e.point, e.seed);
  const auto boundaries = sweeper.boundaries_of(request, e.point);
  const Judgement judgement = e.judgement;
  const unsigned blame =
      plan.injections > 1
          ? blamed_injection(plan, judgement, Engine::get().run(plan, request.contain).seen)
          : 0;
  const TrialResult again = Engine::get().run(plan, request.contain);
  Record r = account_of("example", plan, {boundaries.data(), plan.injections}, again, judgement);
  r.add("blame", blame)
      .add("seed", e.seed)
      .add("expected", unsigned{e.expected})
      .add("mismatch", e.reason);
  return r;
}

void sweep_cell(CellSweeper* sweeper, CellRequest request, const Record& command, unsigned cell) {
  const std::string handler = command.list("handlers")[cell];
  const Protocol& protocol = subject().protocols()[request.protocol];
  request.allowed = allowed_verdicts(protocol, request.handler != kNoHandler);
  if (command.has("allowed") && request.handler != kNoHandler) {
    const std::string& text = command.text("allowed");
    const auto given = VerdictSet::from_text(text);
    if (!given) trouble = "allowed=" + text + ": no such verdict";
    if (!trouble.empty()) return;
    request.allowed = *given;
  }
  if (request.handler == kNoHandler && subject().rejects(request.protocol, request.site)) {
    request.allowed = {Verdict::false_reject};
  }
  request.skip = skipped(command, cell);
  progress->cell = cell;
  if (request.form == Form::nested) {
    trouble = sweeper->room_problem(request);
    if (trouble.empty()) trouble = sweeper->prepare_handler(request.protocol, request.handler);
    if (!trouble.empty()) return;
  }
  CellSweeper::Listener listener;
  listener.starting = [](const Point& point) { progress->boundary = point.number(); };
  listener.example = [&](const Example& e) { send(example_record(*sweeper, request, e)); };
  listener.again = [&] { send(Record("again").add("handler", handler)); };
  if (command.number("map") != 0) {
    listener.at = [&](const Point& point, const Judgement& judgement) {
      send(Record("at")
               .add("handler", handler)
               .add("boundary", point.first)
               .add("verdict", verdict_name(judgement.verdict))
               .add("slots", slot_names(subject(), judgement.slots)));
    };
  }
  send_cell(handler, sweeper->run(request, listener));
}

// One of a list of names as the enumerator of that index.
template <class Enum, std::size_t N>
Enum chosen(const Record& command, const char* key, const std::string_view (&names)[N]) {
  const std::string& text = command.text(key);
  for (unsigned i = 0; i < N; i++) {
    if (text == names[i]) return static_cast<Enum>(i);
  }
  if (!text.empty()) trouble = std::string(key) + "=" + text + ": no such name";
  return Enum{};
}

CellRequest request_of(const Record& command) {
  CellRequest request;
  request.protocol = protocol_index(command.text("protocol"));
  request.site = site_index(command.text("site"), false);
  request.form = chosen<Form>(command, "form", kFormNames);
  request.contain = chosen<Contain>(command, "contain", kContainNames);
  request.source = chosen<Source>(command, "inject", kSourceNames);
  const std::string& signal = command.text("signal");
  request.signal = signal_number(signal).value_or(0);
  request.seed = command.number("seed");
  request.sample = command.number("sample");
  Engine::get().red_zone(command.number("no_red_zone") == 0);
  if (request.signal == 0 && signal != kEachSignal) trouble = "signal= is missing or unknown";
  return request;
}

CellSweeper& sweeper() {
  static CellSweeper the_sweeper;  // keeps its traces from command to command
  return the_sweeper;
}

void sweep(const Record& command) {
  CellRequest request = request_of(command);
  std::vector<unsigned> handlers;
  for (const std::string& name : command.list("handlers"))
    handlers.push_back(site_index(name, true));
  if (trouble.empty()) trouble = trap::prepare(request.source);
  if (!trouble.empty()) return;
  trouble = sweeper().prepare(request.protocol, request.site, request.seed);
  const Judgement& before = sweeper().without_signal();
  send(Record("baseline")
           .add("verdict", verdict_name(before.verdict))
           .add("detail", std::string(before.detail == nullptr ? "" : before.detail) +
                              (sweeper().lost().empty() ? "" : ": " + sweeper().lost()))
           .add("boundaries", std::uint64_t{sweeper().trace().boundaries.size()}));
  std::fflush(stdout);  // what is known is out before a trial can end this process
  if (trouble.empty() && (before.verdict == Verdict::crash || before.verdict == Verdict::hang)) {
    trouble = "the operation does not come to its end without a signal";
  }
  if (!trouble.empty()) return;
  if (command.number("map") != 0) {
    for (const Boundary& b : sweeper().trace().boundaries) {
      Record r("boundary");
      add_boundary(&r, b);
      send(r);
    }
  }
  for (unsigned cell = 0; cell < handlers.size() && trouble.empty(); cell++) {
    request.handler = handlers[cell];
    sweep_cell(&sweeper(), request, command, cell);
  }
}

// ---- soak protocols= sites= handlers= rounds= seed=: every boundary once, then trials in random
// order, each held against the first verdict at its boundary

void soak(const Record& command) {
  SoakRequest request;
  for (const std::string& name : command.list("protocols")) {
    request.protocols.push_back(protocol_index(name));
  }
  for (const std::string& name : command.list("sites")) {
    request.sites.push_back(site_index(name, false));
  }
  for (const std::string& name : command.list("handlers")) {
    request.handlers.push_back(site_index(name, true));
  }
  request.rounds = command.number("rounds");
  request.seed = command.number("seed");
  if (!trouble.empty()) return;
  const SoakResult result = run_soak(request, [](std::uint64_t done) {
    send(Record("soaked").add("rounds", done));
    std::fflush(stdout);
  });
  trouble = result.problem;
  send(Record("soak")
           .add("points", result.points)
           .add("trials", result.trials)
           .add("landed", result.landed)
           .add("changes", result.changes)
           .add("first", result.first_change));
}

// ---- order protocol= site= | handler=: each step of the site's operation, or of that handler,
// with its marks and the words that it changed

std::string changed_words(std::uint32_t changes) {
  std::string names;
  for (unsigned i = 0; i < subject().watched().size(); i++) {
    if ((changes >> i & 1) == 0) continue;
    names += (names.empty() ? "" : " ") + std::string(subject().watched()[i]);
  }
  return names;
}

void order(const Record& command) {
  const unsigned protocol = protocol_index(command.text("protocol"));
  const bool of_handler = command.has("handler");
  const unsigned site = site_index(command.text(of_handler ? "handler" : "site"), of_handler);
  if (!trouble.empty()) return;
  const Trace* trace = nullptr;
  static Traces traces;
  trouble = of_handler ? traces.of_handler(protocol, site, &trace)
                       : traces.of_operation(protocol, site, &trace);
  if (!trouble.empty()) return;
  send(Record("way").add("complete", unsigned{trace->complete}));
  for (const Boundary& b : trace->boundaries) {
    Record r("step");
    add_boundary(&r, b);
    r.add("marks", b.marks)
        .add("watches", unsigned{b.watches})
        .add("changes", changed_words(b.changes));
    send(r);
  }
}

// ---- throws protocol= site= handler= seed=: a real throw in a child at every boundary

void throws(const Record& command) {
  CellRequest request = request_of(command);
  request.handler = site_index(command.text("handler"), true);
  if (!trouble.empty()) return;
  trouble = sweeper().prepare(request.protocol, request.site, request.seed);
  if (!trouble.empty()) return;
  std::fflush(stdout);  // or each child would write what is buffered once more
  for (unsigned b = 0; b < sweeper().trace().boundaries.size(); b++) {
    const Plan plan = sweeper().plan_for(request, Point{b, 0}, request.seed + b);
    const Forked& child = Engine::get().run(plan, Contain::fork).child;
    std::string problem = subject().check_throw_output(child.output, child.exit_status);
    if (child.signal != 0) problem += " (died of signal " + std::to_string(child.signal) + ")";
    Record r("throw");
    r.add("problem", problem).add("output", b == 0 || !problem.empty() ? child.output : "");
    add_boundary(&r, sweeper().trace().boundaries[b]);
    send(r);
  }
}

// ---- replay bytes=N, then the schedule's text

void refuse(const ParseError& error) {
  send(Record("refused")
           .add("line", error.line)
           .add("column", error.column)
           .add("message", error.message));
}

// Operation `index` as a plan; false, and all said, where it can't be one.
bool resolve_operation(const Schedule& schedule, unsigned index, Resolved* resolved) {
  static Traces traces;
  Engine::get().baseline(protocol_index(schedule.protocol),
                         site_index(schedule.operations[index].site, false), schedule.seed);
  const Unresolved problem = resolve(subject(), schedule, index, &traces, resolved);
  if (problem.harness) {
    trouble = problem.message;
  } else if (!problem.message.empty()) {
    refuse(ParseError{"", problem.place.line, problem.place.column, problem.message});
  }
  return problem.message.empty();
}

// Operations run one after the other, each from a fresh state; the first verdict but ok is the
// schedule's. Nothing was injected into a state that a wrong operation left.
void replay_operations(const Schedule& schedule) {
  for (unsigned i = 0; i < schedule.operations.size(); i++) {
    for (const Injection& injection : schedule.operations[i].injections) {
      trouble = trap::prepare(injection.by);
      if (!trouble.empty()) return;
    }
    Resolved resolved;
    if (!resolve_operation(schedule, i, &resolved)) return;
    const auto& [seen, judgement, at, slots, child] = Engine::get().run(resolved.plan);
    const bool last = i + 1 == schedule.operations.size();
    if (judgement.verdict == Verdict::ok && seen.landed == seen.requested && !last) continue;
    const unsigned blame = blamed_injection(resolved.plan, judgement, seen);
    const TrialResult again = Engine::get().run(resolved.plan);
    Record r = account_of("replayed", resolved.plan, resolved.boundaries, again, again.judgement);
    r.add("operation", i).add("blame", blame);
    for (const std::string& note : resolved.notes) r.add("note", note);
    send(r);
    return;
  }
}

// What follows the command, given to `use`.
void with_schedule(const Record& command, void (*use)(const Schedule&)) {
  std::string text(static_cast<std::size_t>(command.number("bytes")), '\0');
  std::cin.read(text.data(), static_cast<std::streamsize>(text.size()));
  const auto parsed = parse_schedule(text, "", catalog_of(subject()));
  if (const auto* error = std::get_if<ParseError>(&parsed)) {
    refuse(*error);
    return;
  }
  use(std::get<Schedule>(parsed));
}

void replay(const Record& command) {
  Engine::get().red_zone(command.number("no_red_zone") == 0);
  with_schedule(command, replay_operations);
}

// ---- resolve bytes=N, then the schedule's text: the boundary of each injection in this build

void resolve_boundaries(const Record& command) {
  with_schedule(command, [](const Schedule& schedule) {
    for (unsigned i = 0; i < schedule.operations.size(); i++) {
      Resolved resolved;
      if (!resolve_operation(schedule, i, &resolved)) return;
      for (unsigned k = 0; k < resolved.boundaries.size(); k++) {
        Record r("resolved");
        r.add("operation", i).add("injection", k);
        add_boundary(&r, *resolved.boundaries[k]);
        send(r);
      }
      for (const std::string& note : resolved.notes) send(Record("note").add("text", note));
    }
  });
}

// ---- --walk FILE

// The named address; 0 where there is none.
std::uint64_t address_of(const BoundaryName& at) {
  std::string error;
  const auto table = symtab::Table::load("/proc/self/exe", &error);
  const symtab::Symbol* symbol = table ? table->find_name(at.symbol) : nullptr;
  return symbol == nullptr ? 0 : symtab::bias() + symbol->start + at.offset;
}

// The boundaries of a plan by name: a trace would need the traps that belong to the debugger.
std::vector<Boundary> named_boundaries(const Operation& op) {
  std::vector<Boundary> boundaries(op.injections.size());
  for (std::size_t i = 0; i < boundaries.size(); i++) {
    boundaries[i].symbol = op.injections[i].at.symbol;
    boundaries[i].offset = op.injections[i].at.offset;
    boundaries[i].nth = op.injections[i].at.nth;
    boundaries[i].phase = op.injections[i].phase;
  }
  return boundaries;
}

// A signal that is sent in a handler must find the mask open: nobody is there to open it at the
// boundary. All others are the debugger's, and come where it says.
void let_signals_nest(const Operation& op) {
  sigset_t sent;
  sigemptyset(&sent);
  bool nests = false;
  for (const Injection& injection : op.injections) {
    sigaddset(&sent, signal_number(injection.signal).value_or(SIGPROF));
    nests = nests || injection.in.has_value();
  }
  for (int s = 1; s < NSIG && nests; s++) {
    struct sigaction action {};
    if (sigismember(&sent, s) != 1 || sigaction(s, nullptr, &action) != 0) continue;
    action.sa_flags |= SA_NODEFER;
    for (int other = 1; other < NSIG; other++) {
      if (sigismember(&sent, other) == 1) sigdelset(&action.sa_mask, other);
    }
    sigaction(s, &action, nullptr);
  }
}

int walk(const char* path, bool account) {
  std::ifstream in(path);
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  auto parsed = parse_schedule(text, path, catalog_of(subject()));
  if (const auto* error = std::get_if<ParseError>(&parsed)) {
    std::fprintf(stderr, "%s\n", error->to_string().c_str());
    return 2;
  }
  const Schedule& schedule = std::get<Schedule>(parsed);
  for (unsigned i = 0; i < schedule.operations.size(); i++) {
    const Operation& op = schedule.operations[i];
    Engine::get().baseline(protocol_index(schedule.protocol), site_index(op.site, false),
                           schedule.seed);
    let_signals_nest(op);
    Resolved resolved;
    resolve_by_address(subject(), schedule, i, address_of, &resolved);
    const TrialResult ran = Engine::get().run(resolved.plan);
    const auto& [seen, judgement, at, slots, child] = ran;
    std::printf("%s: %.*s %s; %u of %u signals arrived\n", op.site.c_str(),
                static_cast<int>(verdict_name(judgement.verdict).size()),
                verdict_name(judgement.verdict).data(),
                slot_names(subject(), judgement.slots).c_str(), seen.landed, seen.requested);
    if (!account) continue;
    const std::vector<Boundary> boundaries = named_boundaries(op);
    std::vector<const Boundary*> pointers;
    pointers.reserve(boundaries.size());
    for (const Boundary& b : boundaries) pointers.push_back(&b);
    send(account_of("walked", resolved.plan, pointers, ran, judgement).add("operation", i));
    std::fflush(stdout);
  }
  return 0;
}

// ---- bench name= rounds=

void bench(const Record& command) {
  const Measured measured = measure(command.text("name"), command.number("rounds"));
  trouble = measured.problem;
  char text[40];
  std::snprintf(text, sizeof text, "%.3f", measured.ns);
  if (trouble.empty()) send(Record("time").add("ns", text));
}

constexpr struct {
  const char* name;
  void (*run)(const Record&);
} kCommands[] = {{"describe", describe},   {"selfcheck", selfcheck},
                 {"contracts", contracts}, {"order", order},
                 {"source", source},       {"sweep", sweep},
                 {"soak", soak},           {"throws", throws},
                 {"replay", replay},       {"resolve", resolve_boundaries},
                 {"bench", bench}};

void carry_out(const Record& command) {
  trouble = "unknown command " + command.word();
  for (const auto& each : kCommands) {
    if (command.word() != each.name) continue;
    trouble.clear();
    each.run(command);
  }
  send(trouble.empty() ? Record("done") : Record("trouble").add("message", trouble));
  std::fflush(stdout);
}

bool is_walk(int argc, char** argv) {
  return (argc == 3 || (argc == 4 && std::strcmp(argv[3], "--account") == 0)) &&
         std::strcmp(argv[1], "--walk") == 0;
}

bool share_progress(int argc, char** argv) {
  if (argc == 1 || is_walk(argc, argv)) return true;
  if (argc != 3 || std::strcmp(argv[1], "--progress-fd") != 0) return false;
  void* p =
      mmap(nullptr, sizeof(Progress), PROT_READ | PROT_WRITE, MAP_SHARED, std::atoi(argv[2]), 0);
  if (p == MAP_FAILED) return false;
  progress = static_cast<Progress*>(p);
  return true;
}

}  // namespace
}  // namespace sigsweep

int runner_main(int argc, char** argv) {
  using namespace sigsweep;
  if (const std::string why = check_start(); !why.empty()) {
    std::fprintf(stderr, "runner: %s\n", why.c_str());
    return 3;
  }
  if (!share_progress(argc, argv)) {
    std::fprintf(stderr,
                 "usage: %s [--walk FILE [--account] | --progress-fd N]; without --walk, commands "
                 "on standard "
                 "input\n",
                 argv[0]);
    return 2;
  }
  const bool walking = is_walk(argc, argv);
  const std::string problem = Engine::get().attach(&progress->serial, !walking);
  if (!problem.empty()) {
    std::fprintf(stderr, "runner: cannot take over the process: %s\n", problem.c_str());
    return 3;
  }
  if (walking) return walk(argv[2], argc == 4);
  for (std::string line; std::getline(std::cin, line);) carry_out(Record::decode(line));
  return 0;
}
