// The heap, against a model of what it must keep: an input is a sequence of allocations, writes,
// links between objects and collections by a G on one M. Whatever the sequence:
//
//   - an object lies in a span of its class, is zeroed, and overlaps none that is reachable;
//   - what a root, the G's stack or a reachable object points at, or into, survives a collection
//     unchanged;
//   - every span is in one place: an M's cache, one mcentral's list, or a large object's own;
//   - with nothing reachable the heap is empty again, all of it.
//
// The text form of an input, a line for each operation:
//
//   sigsweep allocations 1
//   op alloc to=3 size=64      # a place (0 to 11 roots, 12 to 15 on the stack), bytes
//   op link at=3 to=5 word=1   # a word of the object at a place points to that of another place
//
// With ASYNC=1 signals land in all of it when they like, from a timer of the thread's own; their
// handlers call onM_signalok and keep the slots, as protocol signalok_saved does.
#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <sstream>

#include "fuzz/engine.h"
#include "fuzz/stats.h"
#include "fuzz/target.h"
#include "runtime/mheap.h"
#include "runtime/stubs.h"
#include "stress/campaign/resolve.h"
#include "stress/engine/engine.h"
#include "stress/oracle/oracle.h"
#include "stress/subject/subject.h"

namespace sigsweep::fuzz {
namespace {

using runtime::kClasses;
using runtime::mheap;
using runtime::MSpan;
using runtime::Word;

// ---- operations, and their byte form

enum class Kind : std::uint8_t { alloc, churn, link, load, inside, drop, write, collect };

constexpr struct {
  std::string_view name;
  std::string_view label[3];                       // of what it takes; empty: nothing
} kKinds[] = {{"alloc", {"to", "", "size"}},       // a new object at a place
              {"churn", {"", "times", "size"}},    // new objects that nothing keeps
              {"link", {"at", "to", "word"}},      // a word points to another object
              {"load", {"to", "from", "link"}},    // a place takes what a link points to
              {"inside", {"to", "of", "offset"}},  // a place points into an object
              {"drop", {"at", "", ""}},            // a place points to nothing
              {"write", {"at", "", ""}},           // new content, no links
              {"collect", {"", "eager", ""}}};

struct Operation {
  Kind kind;
  std::array<unsigned, 3> value;
};

// Kind, first, second, third (two bytes, low first).
constexpr std::size_t kBytes = 5;
constexpr std::size_t kMostOperations = 200;
constexpr unsigned kLimit[3] = {0x100, 0x100, 0x10000};

Operation decoded(const std::uint8_t* bytes) {
  return {static_cast<Kind>(bytes[0] % std::size(kKinds)),
          {bytes[1], bytes[2], bytes[3] | unsigned{bytes[4]} << 8U}};
}

void append(const Operation& op, std::vector<std::uint8_t>* bytes) {
  for (const unsigned byte : {static_cast<unsigned>(op.kind), op.value[0], op.value[1],
                              op.value[2] & 0xff, op.value[2] >> 8U}) {
    bytes->push_back(static_cast<std::uint8_t>(byte));
  }
}

// ---- the model. Static, not a root: the collector does not see these addresses.

constexpr unsigned kPlaces = 16;
constexpr unsigned kRoots = 12;  // the others are on the G's stack
constexpr unsigned kObjects = 96;
constexpr unsigned kLinks = 4;            // of an object
constexpr Word kMostKept = 1U << 20U;     // bytes; far below what triggers a collection
constexpr Word kMostChurned = 5U << 20U;  // bytes of an input; somewhat above that
constexpr int kNone = -1;

struct Reference {
  int object = kNone;
  Word offset = 0;
};
struct Object {
  bool used;  // still there as far as the model knows
  bool reached;
  Word at, size;
  Word serial;  // of the content
  struct {
    Word word;
    Reference to;
  } link[kLinks];
  unsigned links;
};
Object objects[kObjects];
Reference model[kPlaces];
Word roots[kRoots];
volatile Word* on_stack;  // kPlaces - kRoots words in the G's frame
Word serial;
Word collections;
Word churned;
std::uint64_t allocated;
char problem[256];

// The first is what matters. Numbers are size_t, by %zu.
template <class... Numbers>
void fail(const char* format, std::size_t number, Numbers... numbers) {
  if (problem[0] != '\0') return;
  std::snprintf(problem, sizeof problem, format, number, std::size_t{numbers}...);
}
void fail(const char* what) {
  if (problem[0] == '\0') std::snprintf(problem, sizeof problem, "%s", what);
}

Word address(const Reference& r) {
  return r.object == kNone ? 0 : objects[r.object].at + r.offset;
}

void set_place(unsigned place, const Reference& r) {
  model[place] = r;
  if (place < kRoots) {
    roots[place] = address(r);
  } else {
    on_stack[place - kRoots] = address(r);
  }
}

Object* at_place(unsigned place) {
  return model[place].object == kNone ? nullptr : &objects[model[place].object];
}

// ---- content

Word* words(const Object& o) {
  return reinterpret_cast<Word*>(o.at);
}

Word pattern(const Object& o, Word i) {  // odd, and no address of the arena
  return (o.serial << 48U | i << 1U | 1U) ^ 0x5a5a000000000000U;
}

std::uint8_t* tail(const Object& o) {
  return reinterpret_cast<std::uint8_t*>(o.at + o.size / sizeof(Word) * sizeof(Word));
}

void fill(Object* o) {
  o->serial = ++serial;
  o->links = 0;
  for (Word i = 0; i < o->size / sizeof(Word); i++) words(*o)[i] = pattern(*o, i);
  std::memset(tail(*o), static_cast<int>(o->serial & 0xff), o->size % sizeof(Word));
}

Word expected(const Object& o, Word i) {
  for (unsigned n = 0; n < o.links; n++) {
    if (o.link[n].word == i) return address(o.link[n].to);
  }
  return pattern(o, i);
}

void check_content(const Object& o) {
  for (Word i = 0; i < o.size / sizeof(Word); i++) {
    if (words(o)[i] == expected(o, i)) continue;
    fail("word %zu of a reachable object of %zu bytes is %#zx, not %#zx", i, o.size, words(o)[i],
         expected(o, i));
    return;
  }
  for (Word i = 0; i < o.size % sizeof(Word); i++) {
    if (tail(o)[i] != (o.serial & 0xff)) fail("the end of a reachable object was overwritten");
  }
}

// ---- places

// Where an object may lie: a span of its class, whole, aligned, and known to be in use.
void check_place(Word at, Word size) {
  const MSpan* s = runtime::spanof(at);
  if (s == nullptr) return fail("an object of %zu bytes lies in no span", size);
  const bool small = size <= runtime::kLargestSmall;
  const Word wanted = small ? runtime::sizeclass(size) : 0;
  const Word index = (at - s->start) / s->elemsize;
  if (s->sizeclass != wanted || s->elemsize < size || (small && s->incache != 1)) {
    fail("an object of %zu bytes lies in a span of class %zu", size, s->sizeclass);
  } else if ((at - s->start) % s->elemsize != 0 || index >= s->nelems || !s->alloc.test(index) ||
             at + s->elemsize > s->start + s->npages * runtime::kHeapPage) {
    fail("an object of %zu bytes is none of its span's", size);
  }
}

void check_apart(Word at, Word size) {
  for (const Object& o : objects) {
    if (!o.used || at >= o.at + o.size || o.at >= at + size) continue;
    fail("an object of %zu bytes was given memory of one of %zu that is reachable", size, o.size);
  }
}

void check_zero(Word at, Word size) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(at);
  if (std::any_of(bytes, bytes + size, [](std::uint8_t byte) { return byte != 0; }))
    fail("an object of %zu bytes is not zeroed", size);
}

// ---- reachability

void reach(int object) {
  int pending[kObjects];
  unsigned count = 0;
  const auto add = [&](int i) {
    if (i == kNone || objects[i].reached) return;
    objects[i].reached = true;
    pending[count++] = i;
  };
  add(object);
  while (count > 0) {
    const Object& o = objects[pending[--count]];
    for (unsigned i = 0; i < o.links; i++) add(o.link[i].to.object);
  }
}

// From here on what nothing reaches may be another object's memory. The others are as they were.
void after_collection() {
  collections = runtime::heapstats().collections;
  for (Object& o : objects) o.reached = false;
  for (const Reference& r : model) reach(r.object);
  for (Object& o : objects) {
    o.used = o.used && o.reached;
    if (!o.used) continue;
    check_content(o);
    const MSpan* s = runtime::spanof(o.at);
    if (s == nullptr || !s->alloc.test((o.at - s->start) / s->elemsize))
      fail("a reachable object of %zu bytes is free", o.size);
  }
}

Word kept() {
  Word sum = 0;
  for (const Object& o : objects) sum += o.used ? o.size : 0;
  return sum;
}

// ---- the operations on the heap, run by the G

Word allocate(Word size) {
  const Word at = reinterpret_cast<Word>(runtime::mallocgc(size));
  allocated++;
  if (runtime::heapstats().collections != collections) after_collection();
  check_place(at, size);
  if (problem[0] != '\0') return at;
  check_apart(at, size);
  check_zero(at, size);
  return at;
}

void alloc(unsigned place, Word size) {
  const auto free = std::find_if(objects, objects + kObjects, [](auto& o) { return !o.used; });
  if (free == objects + kObjects || kept() + size > kMostKept) return;
  const Word at = allocate(size);
  if (problem[0] != '\0') return;
  // A collection may have freed others, but none takes a place.
  *free = Object{};
  free->used = true;
  free->at = at;
  free->size = size;
  fill(free);
  set_place(place, {static_cast<int>(free - objects), 0});
}

void churn(unsigned times, Word size) {
  for (unsigned i = 0; i < times && problem[0] == '\0'; i++) {
    if (churned + size > kMostChurned) return;
    churned += size;
    const Word at = allocate(size);
    if (problem[0] == '\0') std::memset(reinterpret_cast<void*>(at), 0xee, size);
  }
}

void link(Object* o, unsigned to, Word number) {
  const Word count = o->size / sizeof(Word);
  if (count == 0) return;
  const Word word = number % count;
  unsigned n = 0;  // each word is one link
  while (n < o->links && o->link[n].word != word) n++;
  if (n == kLinks) return;
  if (n == o->links) o->links++;
  o->link[n] = {word, model[to]};
  words(*o)[word] = address(model[to]);
}

void load(unsigned to, const Object& o, Word number) {
  if (o.links != 0) set_place(to, o.link[number % o.links].to);
}

void perform(const Operation& op) {
  const unsigned a = op.value[0] % kPlaces, b = op.value[1] % kPlaces;
  const Word c = op.value[2];
  Object *first = at_place(a), *second = at_place(b);
  switch (op.kind) {
    case Kind::alloc:
      return alloc(a, c + 1);
    case Kind::churn:
      return churn(op.value[1], c + 1);
    case Kind::link:
      if (first != nullptr) link(first, b, c);
      return;
    case Kind::load:
      if (second != nullptr) load(a, *second, c);
      return;
    case Kind::inside:
      if (second != nullptr) set_place(a, {model[b].object, c % second->size});
      return;
    case Kind::drop:
      return set_place(a, {});
    case Kind::write:
      if (first != nullptr) fill(first);
      return;
    case Kind::collect:
      runtime::gc(op.value[1] % 2 != 0);
      return after_collection();
  }
}

std::span<const std::uint8_t> under_way;  // the input

void perform_all() {
  volatile Word places[kPlaces - kRoots] = {};
  on_stack = places;
  collections = runtime::heapstats().collections;
  for (std::size_t at = 0; at + kBytes <= under_way.size() && problem[0] == '\0'; at += kBytes) {
    perform(decoded(&under_way[at]));
    stats().operations++;
  }
  if (problem[0] == '\0') after_collection();  // the content of all
  std::fill(std::begin(roots), std::end(roots), 0);
}
const runtime::FuncVal perform_fn = runtime::funcval(perform_all);

// A G of its own: none of what was under way is on its stack.
void collect_all() {
  runtime::gc(true);
}
const runtime::FuncVal collect_fn = runtime::funcval(collect_all);

// ---- accounts

// Spans of a list, each of that class and in no cache. Ends where the list does not.
unsigned count_list(const MSpan* list, unsigned sizeclass) {
  unsigned count = 0;
  for (const MSpan* s = list; s != nullptr && count <= runtime::kArenaPages; s = s->next) {
    if (s->sizeclass != sizeclass || s->incache != 0)
      fail("a span of class %zu is in the list of class %zu", s->sizeclass, sizeclass);
    count++;
  }
  return count;
}

unsigned count_cached() {
  unsigned count = 0;
  for (runtime::MCache* c = mheap.allcaches; c != nullptr; c = c->alllink) {
    for (unsigned i = 0; i < kClasses; i++) {
      const MSpan* s = c->alloc[i];
      if (s == nullptr) continue;
      if (s->sizeclass != i || s->incache != 1)
        fail("a span of class %zu is cached for class %zu", s->sizeclass, i);
      count++;
    }
  }
  return count;
}

// Every span is in one place, every page one span's.
void check_accounts() {
  Word spans = 0;
  unsigned small = 0;
  for (Word i = 0; i < runtime::kArenaPages;) {
    const MSpan* s = mheap.page[i];
    const Word pages = s == nullptr ? 1 : s->npages;
    for (Word n = i; n < i + pages; n++) {
      if (n >= runtime::kArenaPages || mheap.page[n] != s) return fail("a page is two spans'");
    }
    if (s != nullptr) spans++;
    if (s != nullptr && s->sizeclass != 0) small++;
    i += pages;
  }
  unsigned placed = count_cached();
  for (unsigned c = 1; c < kClasses; c++) {
    placed += count_list(mheap.central[c].nonempty, c) + count_list(mheap.central[c].empty, c);
  }
  if (spans != mheap.spans || placed != small) {
    fail("%zu spans are counted, %zu have pages; of %zu small ones %zu are in a list or a cache",
         mheap.spans, spans, small, placed);
  }
}

void check_empty() {
  if (mheap.spans != 0 || mheap.live != 0 || mheap.allocated != 0) {
    fail("with nothing reachable %zu spans and %zu bytes are left", mheap.spans, mheap.live);
  }
  Word free = 0;
  for (const MSpan* s = mheap.freespans; s != nullptr && free <= runtime::kArenaPages; s = s->next)
    free++;
  if (free != runtime::kArenaPages)
    fail("%zu of %zu spans can be had again", free, runtime::kArenaPages);
}

// ---- signals

bool with_signals;
unsigned safe_protocol;
unsigned handlers[64];  // sites
unsigned handler_count;
std::uint64_t nonce;

void set_signals(int how) {
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, stray_signal());
  pthread_sigmask(how, &one, nullptr);
}

// Async-signal-safe, allocates nothing: but for fail(), after which the process ends.
void on_stray(int, void*, void*, runtime::G*) {
  const unsigned site = handlers[nonce % handler_count];
  Call call{}, inner{};
  call.inner = &inner;
  for (std::uint64_t& in : call.in) in = nonce++ * 0x9e3779b97f4a7c15U | 1;
  subject().handle(safe_protocol, site, &call);
  stats().strays++;
  stats().strays_landed++;
  const Site& s = subject().sites()[site];
  if (call.fn_runs != 1 || call.returns != 1 || clobbered_arguments(s, call) != 0 ||
      clobbered_results(s, call) != 0) {
    fail("a handler's call went wrong");
  }
}

// Signals reach the thread only while it is an M: from g0's start to its end.
void allow_signals() {
  set_signals(SIG_UNBLOCK);
}
void block_them() {
  set_signals(SIG_BLOCK);
}
const runtime::FuncVal allow_signals_fn = runtime::funcval(allow_signals);
const runtime::FuncVal block_them_fn = runtime::funcval(block_them);

void start_signals(runtime::M* mp) {
  safe_protocol = static_cast<unsigned>(find_protocol(subject(), "signalok_saved"));
  for (unsigned i = 0; i < subject().sites().size() && handler_count < std::size(handlers); i++) {
    const Site& s = subject().sites()[i];
    if (s.handler && s.end_message.empty() && !s.leaves) handlers[handler_count++] = i;
  }
  block_them();
  runtime::sigaltinit(mp);
  runtime::setsig(stray_signal(), on_stray);
  with_signals = true;
  const std::string why = start_async();
  if (!why.empty()) fail_harness("harness failure: signals that come when they like: " + why);
}

// ---- running a G

void* thrown[5];

// From whichever stack back to the engine's, where there is room for its report.
void on_throw(const char* message) {
  block_them();
  fail(message);
  __builtin_longjmp(thrown, 1);
}

runtime::M* the_m() {
  static runtime::M* const mp = [] {
    runtime::mallocinit();
    runtime::addroot(static_cast<void*>(roots), sizeof roots);
    runtime::throwhook = on_throw;
    runtime::M* m = runtime::allocm(64 * 1024);
    m->mcache = runtime::allocmcache();
    return m;
  }();
  return mp;
}

// What the last input left on a stack the collector would take for pointers, and other objects
// would live than in a run of this input alone. REQUIRES: nothing of the stack is in use.
__attribute__((no_sanitize("address"))) void clear_stack(const runtime::G* gp) {
  for (Word at = gp->stack.lo; at < gp->stack.hi; at += sizeof(Word))
    *reinterpret_cast<volatile Word*>(at) = 0;
}

__attribute__((noinline)) void run_g(const runtime::FuncVal* fn) {
  runtime::M* mp = the_m();
  runtime::mreset(mp);
  clear_stack(mp->g0);
  for (const runtime::G* gp = runtime::sched.allg; gp != nullptr; gp = gp->alllink) clear_stack(gp);
  if (with_signals) {
    mp->mstartfn = &allow_signals_fn;
    mp->mexitfn = &block_them_fn;
  }
  runtime::newproc(fn);
  if (__builtin_setjmp(thrown) == 0) runtime::mstart(mp);
}

// ---- text

constexpr std::string_view kHead = "sigsweep allocations 1";

std::string printed(const Operation& op) {
  const auto& kind = kKinds[static_cast<unsigned>(op.kind)];
  std::string line = "op " + std::string(kind.name);
  for (unsigned i = 0; i < 3; i++) {
    if (kind.label[i].empty()) continue;
    line.append(" ").append(kind.label[i]).append("=").append(std::to_string(op.value[i]));
  }
  return line + "\n";
}

// A "name=number" of that kind; what is wrong otherwise.
std::string take_value(std::string_view word, Operation* op) {
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

std::string take_line(const std::string& line, std::vector<std::uint8_t>* input) {
  std::istringstream in(line.substr(0, line.find('#')));
  std::string word, name;
  if (!(in >> word)) return {};
  if (word != "op" || !(in >> name)) return "'op NAME' is expected";
  for (unsigned i = 0; i < std::size(kKinds); i++) {
    if (kKinds[i].name != name) continue;
    Operation op{static_cast<Kind>(i), {}};
    while (in >> word) {
      std::string why = take_value(word, &op);
      if (!why.empty()) return why;
    }
    append(op, input);
    return {};
  }
  std::string why = name + ": no such operation; allowed:";
  for (const auto& kind : kKinds) why.append(" ").append(kind.name);
  return why;
}

// ---- the target

class Malloc final : public Target {
 public:
  const char* name() const override { return "malloc_fuzzer"; }
  std::span<const char* const> engine_options() const override {
    static const std::string option = "-max_len=" + std::to_string(kBytes * kMostOperations);
    static const char* const options[] = {option.c_str()};
    return options;
  }
  std::vector<std::string> dictionary() const override;
  void configure() override { async_ = wants_async(); }
  void prepare() override { the_m(); }
  void start() override {
    if (async_) start_signals(the_m());
  }
  void run(std::span<const std::uint8_t> input) override;
  std::string account() const override {
    return std::to_string(allocated) + " objects, " + std::to_string(serial) + " contents";
  }
  std::string text_of(std::span<const std::uint8_t> input) override;
  bool input_of(std::string_view text, const std::string& file, std::vector<std::uint8_t>* input,
                std::string* why) override;

 private:
  bool async_ = false;
};

std::vector<std::string> Malloc::dictionary() const {
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

void Malloc::run(std::span<const std::uint8_t> input) {
  under_way = input.first(std::min(input.size(), kBytes * kMostOperations));
  std::fill(std::begin(objects), std::end(objects), Object{});
  std::fill(std::begin(model), std::end(model), Reference{});
  serial = churned = allocated = 0;
  run_g(&perform_fn);
  if (problem[0] == '\0') check_accounts();
  if (problem[0] == '\0') run_g(&collect_fn);
  if (problem[0] == '\0') check_accounts();
  if (problem[0] == '\0') check_empty();
  if (problem[0] == '\0') return;
  stop(std::string(name()) + ": " + problem + " (exec " + std::to_string(stats().execs) +
       ")\n---- schedule ----\n" + text_of(input) + "---- end of schedule ----");
}

std::string Malloc::text_of(std::span<const std::uint8_t> input) {
  std::string text = std::string(kHead) + "\n";
  for (std::size_t at = 0; at + kBytes <= input.size(); at += kBytes)
    text += printed(decoded(&input[at]));
  return text;
}

bool Malloc::input_of(std::string_view text, const std::string& file,
                      std::vector<std::uint8_t>* input, std::string* why) {
  std::istringstream lines{std::string(text)};
  std::string line;
  for (unsigned number = 1; std::getline(lines, line); number++) {
    const bool head = number == 1;
    *why = head ? (line == kHead ? "" : "'" + std::string(kHead) + "' is expected")
                : take_line(line, input);
    if (why->empty()) continue;
    *why = file + ":" + std::to_string(number) + ": " + *why;
    return false;
  }
  return true;
}

}  // namespace

Target& target() {
  static Malloc the_target;
  return the_target;
}

}  // namespace sigsweep::fuzz
