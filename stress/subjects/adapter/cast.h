// The coroutines that the harness makes with an adapter's library, and their bodies. A body answers
// each value that it is woken with, and notes whatever a switch must keep.
//
// SIGNAL functions run on switched stacks, while signals land: async-signal-safe, allocate nothing.
#pragma once

#include <string>

#include "stress/subject/tables.h"
#include "stress/subjects/adapter/library.h"
#include "stress/subjects/adapter/stacks.h"
#include "stress/trap/arch.h"

namespace sigsweep::adapter {

// The part of a way that runs: what a phase begins with.
enum class WayPart : std::uint8_t { caller, create, resume, suspend, transfer, body, exit };
inline constexpr std::string_view kWayPartNames[] = {"caller",   "create", "resume", "suspend",
                                                     "transfer", "body",   "exit"};

class Cast;

struct Coroutine {
  enum State : std::uint8_t {
    none,         // it does not exist, or its body has returned
    created,      // its body has not begun
    suspended,    // it waits for resume()
    transferred,  // it waits for transfer()
  };
  // What it does when it wakes, beside noting the values.
  enum Task : std::uint8_t {
    answer,         // suspends
    nest,           // resumes co1, then suspends
    transfer,       // transfers to co2, which transfers back; then suspends
    transfer_back,  // transfers to co0
    finish,         // its body returns
    spin,           // suspends at each wake, and nothing else, until its task is another
  };

  Cast* cast = nullptr;
  unsigned name = 0;   // of its stack
  unsigned index = 0;  // for create(): no other that exists at the same time has it
  void* co = nullptr;  // the library's
  State state = none;
  Task task = answer;
  Call* call = nullptr;               // of the present wake
  trap::Probe probe{};                // around the call by which it left last
  trap::Probe outgoing{};             // around a call that it made while awake
  const trap::Probe* away = nullptr;  // of these two, the one around the last call; null: none yet
};

// Those that play the parts co0 to co2, and their stacks.
struct Group {
  static constexpr unsigned kSize = kHandler1 - kCo0;
  Coroutine members[kSize];
  NamedStack stacks[kSize];
};

// All on one thread. A thread that makes coroutines of its own has a cast of its own.
class Cast {
 public:
  // The library and the stacks outlive it. `first_index`: of its own coroutines, kCo0 to kHandler4,
  // which are counted from there.
  Cast(const Library& library, Stacks* stacks, unsigned first_index = 0);

  // Calls the library's begin(), and makes the coroutines. Ends the process
  // with status 3 and a line on standard error if the library fails: so do all that create.
  // REQUIRES: runs on the host's stack.
  void begin();
  // Of these, those that handlers resume. REQUIRES: begin_thread() was called, on this thread.
  void make_those_of_handlers();
  // The same on another thread, which makes no coroutines. From here on what the library tells its
  // host on that thread is for this cast.
  void begin_thread();
  // The library failed, and no signal is to blame: ends the process with status 3.
  [[noreturn]] void fail(const char* why) const;
  // From here on why it failed is written there, at most `room` bytes, and not on standard error.
  static void tell_failure(char* out, std::size_t room);

  // Makes the coroutine be in that state, whatever it was in. REQUIRES: on the host's stack, no
  // signal lands.
  void bring(Coroutine* co, Coroutine::State state);
  void create(Coroutine* co);

  // Wakes co0 so many times: each is one resume() and one suspend(), and nothing else. REQUIRES: on
  // the host's stack, no signal lands.
  void spin(std::uint64_t rounds);

  // Further coroutines, which do not exist yet: maps their stacks, unless the library makes them.
  void add(Group* group, unsigned first_index);
  // From here on these are co0 to co2. REQUIRES: on the host's stack, no operation is under way.
  void play(Group* group);

  // SIGNAL. Resumes `co` with call->in, and fills in the rest of the call. Returns what the library
  // returned.
  void* resume(Coroutine* co, Coroutine::Task task, trap::Probe* probe, Call* call);
  // SIGNAL. Whom the library believes to be running; null: it does not tell.
  void* current() const {
    return library_.says.current == nullptr ? nullptr : library_.says.current();
  }

  Coroutine& operator[](unsigned stack_name) { return *members_[stack_name]; }
  const Coroutine& operator[](unsigned stack_name) const { return *members_[stack_name]; }
  const Library& library() const { return library_; }

  // What runs now. SIGNAL. A handler puts back what it found.
  struct Scene {
    WayPart part = WayPart::caller;
    unsigned stack = kHost;  // whose stack it should be
  };
  Scene scene;

  // What a switch lost of the state that `probe` has seen: null, or a text for people. `woken`: it
  // is a coroutine's, else its resumer's.
  const char* lost(const trap::Probe& probe, bool woken) const;
  // What a wake of a coroutine found: null, or a text for people. Kept until the next operation.
  const char* problem = nullptr;
  void note(const char* what) {
    if (problem == nullptr) problem = what;
  }

 private:
  static void body(void* coroutine);
  void live(Coroutine* self);
  void arrive(Coroutine* self, std::uint64_t received);
  void act(Coroutine* self);
  std::uint64_t leave(Coroutine* self);
  // Where each coroutine has a mask of its own: is it a body's?
  bool has_own_mask() const;
  void prepare_probe(trap::Probe* probe, std::uint64_t seed, bool of_coroutine) const;

  // The library's calls of its host carry no context: they are for the thread's cast.
  static void host_stack(void* co, void* lowest, std::size_t size);
  static void host_fail(const char* why);
  void declare(const void* co, const void* lowest, std::size_t size);

  const Library& library_;
  Stacks* stacks_;
  Group own_;
  Group* playing_ = &own_;
  Coroutine handlers_[kSignal - kHandler1];
  Coroutine* members_[kSignal] = {};  // by the name of their stack; there is none of the host's
  unsigned being_created_ = kHost;    // its stack may be declared before its handle is known
};

}  // namespace sigsweep::adapter
