// The runner: one process that runs trials for the host, and dies with its subject if it must.
//
//   stdin    one command a line (wire.h): describe, contracts, sweep, throws, replay, bench; ends
//   at EOF stdout   records, written as they come; each command is answered to its end by `done` or
//   `trouble` stderr   diagnosis, for people status   0 at EOF; 2 usage; 3 the process could not be
//   taken over signal   a death by a signal is the death of the trial that the shared page names
//
// runner-ISA --walk FILE: runs the schedule's operations once with no signal of its own and no
// patch, for a debugger that stops at the boundary; a signal that the debugger sends there is
// handled as planned.
//
// runner-ISA [--progress-fd N]: N is a memory file of at least 32 bytes, shared with the host: the
// serial number of the trial that runs (0: none), the cell's index in the command, the boundary's
// index.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <string>

#include "runtime/symtab.h"
#include "stress/runner/cell.h"
#include "stress/runner/inject/sources.h"
#include "stress/runner/resolve.h"
#include "stress/runner/wire.h"

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
             .add("allowed", p.allowed)
             .add("summary", p.summary)
             .add("predicts", std::uint64_t{p.predicts}));
  }
  for (const CatalogEntry& e : catalog.sites) {
    const Site& site = subject().sites()[site_index(e.name, false)];
    send(Record("site")
             .add("name", e.name)
             .add("slots", joined(e.slots))
             .add("in", slot_names(subject(), site.in))
             .add("out", slot_names(subject(), site.out))
             .add("zeroed", slot_names(subject(), site.zeroed))
             .add("ends", site.end_message));
  }
  for (const CatalogEntry& e : catalog.handlers) {
    send(Record("handler").add("name", e.name).add("slots", joined(e.slots)));
  }
}

// ---- contracts (claim 0)

void contracts(const Record&) {
  for (unsigned i = 0; i < subject().check_count(); i++) {
    const Subject::Check check = subject().check(i);
    send(Record("contract").add("name", check.name).add("problem", check.problem));
  }
}

// ---- what is told of a trial

Record& add_words(Record& r, const char* key, SlotMask which, const std::uint64_t* values) {
  std::string text;
  for (unsigned i = 0; i < subject().slots().size(); i++) {
    if ((which >> i & 1) == 0) continue;
    char word[40];
    std::snprintf(word, sizeof word, "%s%.2s=0x%llx", text.empty() ? "" : ",",
                  subject().slots()[i].data(), static_cast<unsigned long long>(values[i]));
    text += word;
  }
  return r.add(key, text);
}

std::string registers(const ucontext_t& uc) {
  static constexpr struct {
    const char* name;
    int index;
  } kRegisters[] = {{"rip", REG_RIP}, {"rsp", REG_RSP}, {"rbp", REG_RBP}, {"rax", REG_RAX},
                    {"rbx", REG_RBX}, {"rcx", REG_RCX}, {"rdx", REG_RDX}, {"rsi", REG_RSI},
                    {"rdi", REG_RDI}, {"r8", REG_R8}};
  std::string text;
  for (const auto& r : kRegisters) {
    char word[40];
    std::snprintf(word, sizeof word, "%s%s=0x%llx", text.empty() ? "" : ",", r.name,
                  static_cast<unsigned long long>(uc.uc_mcontext.gregs[r.index]));
    text += word;
  }
  return text;
}

// The trial that has just been run, in full.
Record trial_record(const char* word, const Plan& plan, const Observation& seen,
                    const Judgement& judgement) {
  const Site& site = subject().sites()[plan.site];
  Record r(word);
  r.add("verdict", verdict_name(judgement.verdict))
      .add("slots", slot_names(subject(), judgement.slots))
      .add("detail", judgement.detail == nullptr ? "" : judgement.detail)
      .add("requested", seen.requested)
      .add("landed", seen.landed);
  add_words(r, "given", site.in, seen.op.in);
  add_words(r, "seen", site.in, seen.op.seen);
  add_words(r, "made", site.out, seen.op.made);
  add_words(r, "got", site.out, seen.op.got);
  if (seen.landed > 0) {
    r.add("registers", registers(Engine::get().landed_at()));
    add_words(r, "slots_landed", (SlotMask{1} << subject().slots().size()) - 1,
              Engine::get().slots_landed());
  }
  if (plan.injections > 0 && plan.injection[0].handler != kNoHandler) {
    add_words(r, "handler_given", subject().sites()[plan.injection[0].handler].in,
              plan.injection[0].in);
  }
  if (seen.end == End::faulted) {
    char text[80];
    std::snprintf(text, sizeof text, "signal %d at pc 0x%llx, address 0x%llx", seen.fault_signal,
                  static_cast<unsigned long long>(seen.fault_pc),
                  static_cast<unsigned long long>(seen.fault_address));
    r.add("fault", text);
  }
  return r;
}

void add_boundary(Record* r, const Boundary& b) {
  r->add("symbol", b.symbol)
      .add("offset", b.offset)
      .add("nth", b.nth)
      .add("phase", b.phase)
      .add("live", slot_names(subject(), b.live));
}

// ---- sweep protocol= site= handlers= inject= signal= seed= allowed= assumed= map=
// skip=CELL:BOUNDARY,...

std::set<unsigned> skipped(const Record& command, unsigned cell) {
  std::set<unsigned> boundaries;
  for (const std::string& item : command.list("skip")) {
    const std::size_t colon = item.find(':');
    if (std::stoul(item.substr(0, colon)) == cell) {
      boundaries.insert(static_cast<unsigned>(std::stoul(item.substr(colon + 1))));
    }
  }
  return boundaries;
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
  send(r);
  std::fflush(stdout);
}

void sweep_cell(CellSweeper* sweeper, CellRequest request, const Record& command, unsigned cell) {
  const std::string handler = command.list("handlers")[cell];
  const Protocol& protocol = subject().protocols()[request.protocol];
  request.allowed = command.has("allowed") && request.handler != kNoHandler
                        ? command.text("allowed")
                        : std::string(allowed_verdicts(protocol, request.handler != kNoHandler));
  request.skip = skipped(command, cell);
  progress->cell = cell;
  CellSweeper::Listener listener;
  listener.starting = [](unsigned boundary) { progress->boundary = boundary; };
  listener.example = [&](const Example& e) {
    const Plan plan = sweeper->plan_for(request, e.boundary, e.seed);
    const Judgement judgement = e.judgement;
    Record r = trial_record("example", plan, Engine::get().run(plan), judgement);
    r.add("handler", handler)
        .add("seed", e.seed)
        .add("expected", std::uint64_t{e.expected})
        .add("mismatch", e.reason);
    add_boundary(&r, sweeper->trace().boundaries[e.boundary]);
    send(r);
  };
  if (command.number("map") != 0) {
    listener.at = [&](unsigned boundary, const Judgement& judgement) {
      send(Record("at")
               .add("handler", handler)
               .add("boundary", boundary)
               .add("verdict", verdict_name(judgement.verdict))
               .add("slots", slot_names(subject(), judgement.slots)));
    };
  }
  send_cell(handler, sweeper->run(request, listener));
}

void sweep(const Record& command) {
  CellRequest request;
  request.protocol = protocol_index(command.text("protocol"));
  request.site = site_index(command.text("site"), false);
  const auto source = source_from_name(command.text("inject"));
  const auto signal = signal_number(command.text("signal"));
  std::vector<unsigned> handlers;
  for (const std::string& name : command.list("handlers"))
    handlers.push_back(site_index(name, true));
  if (!source || !signal) trouble = "inject= or signal= is missing or unknown";
  if (!trouble.empty()) return;
  request.source = *source;
  request.signal = *signal;
  request.seed = command.number("seed");
  if (command.has("limit")) request.limit = command.number("limit");
  trouble = inject::prepare(*source);
  if (!trouble.empty()) return;
  CellSweeper sweeper;
  trouble = sweeper.prepare(request.protocol, request.site, request.seed);
  const Judgement& before = sweeper.without_signal();
  send(Record("baseline")
           .add("verdict", verdict_name(before.verdict))
           .add("detail", before.detail == nullptr ? "" : before.detail)
           .add("boundaries", std::uint64_t{sweeper.trace().boundaries.size()}));
  std::fflush(stdout);  // what is known is out before a trial can end this process
  if (trouble.empty() && (before.verdict == Verdict::crash || before.verdict == Verdict::hang)) {
    trouble = "the operation does not come to its end without a signal";
  }
  if (!trouble.empty()) return;
  if (command.number("map") != 0) {
    for (const Boundary& b : sweeper.trace().boundaries) {
      Record r("boundary");
      add_boundary(&r, b);
      send(r);
    }
  }
  for (unsigned cell = 0; cell < handlers.size(); cell++) {
    request.handler = handlers[cell];
    sweep_cell(&sweeper, request, command, cell);
  }
}

// ---- throws protocol= site= handler= seed=: a real throw in a child at every boundary

void throws(const Record& command) {
  CellRequest request;
  request.protocol = protocol_index(command.text("protocol"));
  request.site = site_index(command.text("site"), false);
  request.handler = site_index(command.text("handler"), true);
  request.signal = *signal_number("SIGPROF");
  request.seed = command.number("seed");
  if (!trouble.empty()) return;
  CellSweeper sweeper;
  trouble = sweeper.prepare(request.protocol, request.site, request.seed);
  if (!trouble.empty()) return;
  std::fflush(stdout);  // or each child would write what is buffered once more
  for (unsigned b = 0; b < sweeper.trace().boundaries.size(); b++) {
    const Forked result = Engine::get().run_forked(sweeper.plan_for(request, b, request.seed + b));
    std::string problem = subject().check_throw_output(result.output, result.exit_status);
    if (result.signal != 0) problem += " (died of signal " + std::to_string(result.signal) + ")";
    Record r("throw");
    r.add("problem", problem).add("output", b == 0 || !problem.empty() ? result.output : "");
    add_boundary(&r, sweeper.trace().boundaries[b]);
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

// Operations run one after the other, each from a fresh state; the first verdict but ok is the
// schedule's.
void replay_operations(const Schedule& schedule) {
  for (unsigned i = 0; i < schedule.operations.size(); i++) {
    const Operation& op = schedule.operations[i];
    for (const Injection& injection : op.injections) {
      trouble = inject::prepare(injection.by);
      if (!trouble.empty()) return;
    }
    CellSweeper sweeper;
    trouble = sweeper.prepare(protocol_index(schedule.protocol), site_index(op.site, false),
                              schedule.seed);
    if (!trouble.empty()) return;
    Resolved resolved;
    const Unresolved problem = resolve(subject(), schedule, i, sweeper.trace(), &resolved);
    if (!problem.message.empty()) {
      refuse(ParseError{"", problem.place.line, problem.place.column, problem.message});
      return;
    }
    const Observation& seen = Engine::get().run(resolved.plan);
    const Judgement judgement = Engine::get().judge_last();
    const bool last = i + 1 == schedule.operations.size();
    if (judgement.verdict == Verdict::ok && seen.landed == seen.requested && !last) continue;
    Record r = trial_record("replayed", resolved.plan, seen, judgement);
    r.add("operation", i)
        .add("site", op.site)
        .add("handler", op.injections.empty() ? "" : op.injections[0].handler);
    for (const std::string& note : resolved.notes) r.add("note", note);
    if (!resolved.boundaries.empty())
      add_boundary(&r, sweeper.trace().boundaries[resolved.boundaries[0]]);
    send(r);
    return;
  }
}

void replay(const Record& command) {
  std::string text(command.number("bytes"), '\0');
  std::cin.read(text.data(), static_cast<std::streamsize>(text.size()));
  const auto parsed = parse_schedule(text, "", catalog_of(subject()));
  if (const auto* error = std::get_if<ParseError>(&parsed)) {
    refuse(*error);
    return;
  }
  replay_operations(std::get<Schedule>(parsed));
}

// ---- --walk FILE

// The named address; 0 where there is none.
std::uint64_t address_of(const BoundaryName& at) {
  std::string error;
  const auto table = symtab::Table::load("/proc/self/exe", &error);
  const symtab::Symbol* symbol = table ? table->find_name(at.symbol) : nullptr;
  return symbol == nullptr ? 0 : symtab::bias() + symbol->start + at.offset;
}

// Boundaries go by name only: a trace would need the traps that belong to the debugger.
int walk(const char* path) {
  std::ifstream in(path);
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  auto parsed = parse_schedule(text, path, catalog_of(subject()));
  if (const auto* error = std::get_if<ParseError>(&parsed)) {
    std::fprintf(stderr, "%s\n", error->to_string().c_str());
    return 2;
  }
  const Schedule& schedule = std::get<Schedule>(parsed);
  for (unsigned i = 0; i < schedule.operations.size(); i++) {
    Resolved resolved;
    resolve_by_address(subject(), schedule, i, address_of, &resolved);
    const Observation& seen = Engine::get().run(resolved.plan);
    const Judgement judgement = Engine::get().judge_last();
    std::printf("%s: %.*s %s; %u of %u signals arrived\n", schedule.operations[i].site.c_str(),
                static_cast<int>(verdict_name(judgement.verdict).size()),
                verdict_name(judgement.verdict).data(),
                slot_names(subject(), judgement.slots).c_str(), seen.landed, seen.requested);
  }
  return 0;
}

// ---- bench name= rounds=

void bench(const Record& command) {
  const std::string& name = command.text("name");
  const std::uint64_t rounds = command.number("rounds");
  double ns = -1;
  if (name == "BM_int3_floor") ns = Engine::get().time_floor(rounds);
  if (name == "BM_inject_direct") ns = Engine::get().time_direct(rounds);
  if (ns < 0) {
    trouble = "no benchmark " + name + ", or a signal of it did not land";
    return;
  }
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", ns);
  send(Record("time").add("ns", text));
}

constexpr struct {
  const char* name;
  void (*run)(const Record&);
} kCommands[] = {{"describe", describe}, {"contracts", contracts}, {"sweep", sweep},
                 {"throws", throws},     {"replay", replay},       {"bench", bench}};

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

bool share_progress(int argc, char** argv) {
  if (argc == 1 || (argc == 3 && std::strcmp(argv[1], "--walk") == 0)) return true;
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
  if (!share_progress(argc, argv)) {
    std::fprintf(
        stderr,
        "usage: %s [--walk FILE | --progress-fd N]; without --walk, commands on standard input\n",
        argv[0]);
    return 2;
  }
  const bool walking = argc == 3 && std::strcmp(argv[1], "--walk") == 0;
  const std::string problem = Engine::get().attach(&progress->serial, !walking);
  if (!problem.empty()) {
    std::fprintf(stderr, "runner: cannot take over the process: %s\n", problem.c_str());
    return 3;
  }
  if (walking) return walk(argv[2]);
  for (std::string line; std::getline(std::cin, line);) carry_out(Record::decode(line));
  return 0;
}
