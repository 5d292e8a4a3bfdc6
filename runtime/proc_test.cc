// Tests of the scheduler with many Ms: every G runs to its end on any M, nothing is lost between
// park and ready, the world stops and goes on.
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <set>

#include "runtime/lock.h"
#include "runtime/many_ms.h"
#include "runtime/stubs.h"

namespace runtime {
namespace {

constexpr unsigned kMs = 4;
constexpr unsigned kGs = 64;
constexpr unsigned kRounds = 2000;

unsigned waiting() {
  unsigned count = 0;
  for (const G* gp = sched.allg; gp != nullptr; gp = gp->alllink) count += gp->status != Gdead;
  return count;
}

std::atomic<unsigned> finished;

// ---- gosched

std::atomic<unsigned> migrations;

void yielder() {
  Word kept = reinterpret_cast<Word>(getg());
  for (unsigned i = 0; i < kRounds || migrations == 0; i++) {  // another M comes some time
    const M* before = getg()->m;
    gosched();
    if (getg()->m != before) migrations++;
    if (reinterpret_cast<Word>(getg()) != kept || getg()->m->curg != getg()) return;
  }
  finished++;
}
const FuncVal yielder_fn = funcval(yielder);

void start_yielders() {
  for (unsigned i = 0; i < kGs; i++) gonewproc(&yielder_fn);
}
const FuncVal start_yielders_fn = funcval(start_yielders);

TEST(ManyMs, GsYieldAndGoOnOnOtherMs) {
  finished = migrations = 0;
  run_on(kMs, &start_yielders_fn);
  EXPECT_EQ(finished, kGs);
  EXPECT_EQ(waiting(), 0U);
  EXPECT_EQ(sched.runqhead, nullptr);
  EXPECT_EQ(getg(), nullptr);
}

// ---- park and ready: a cell that two Gs hand to each other

struct Cell {
  Lock lock;
  Ptr<G> waits;
  unsigned turns;
};
Cell cells[kGs / 2];
std::atomic<unsigned> next_cell;

// Both do the same: wait for the other if it has not come yet, else wake it.
void meeter() {
  Cell* cell = &cells[next_cell++ / 2];
  for (unsigned i = 0; i < kRounds; i++) {
    lock(&cell->lock);
    G* other = cell->waits;
    cell->waits = other == nullptr ? getg() : nullptr;
    cell->turns++;
    if (other == nullptr) {
      goparkunlock(&cell->lock);
    } else {
      unlock(&cell->lock);
      goready(other);
    }
  }
  finished++;
}
const FuncVal meeter_fn = funcval(meeter);

void start_meeters() {
  for (unsigned i = 0; i < kGs; i++) gonewproc(&meeter_fn);
}
const FuncVal start_meeters_fn = funcval(start_meeters);

TEST(ManyMs, NoWakeUpIsLostBetweenParkAndReady) {
  finished = next_cell = 0;
  for (Cell& cell : cells) cell = Cell{};
  run_on(kMs, &start_meeters_fn);
  EXPECT_EQ(finished, kGs);
  EXPECT_EQ(waiting(), 0U);
  for (const Cell& cell : cells) EXPECT_EQ(cell.turns, 2 * kRounds);
}

// ---- creation and end

std::atomic<unsigned> born;

void parent();
const FuncVal parent_fn = funcval(parent);
void parent() {
  const unsigned number = ++born;
  if (number < 5000) gonewproc(&parent_fn);
  if (number % 2 == 0) gosched();
  finished++;
}

TEST(ManyMs, DeadGsAreUsedAgain) {
  finished = born = 0;
  run_on(kMs, &parent_fn);
  EXPECT_EQ(finished, born);
  EXPECT_GE(born, 5000U);
  unsigned all = 0;
  for (const G* gp = sched.allg; gp != nullptr; gp = gp->alllink) all++;
  EXPECT_LT(all, 1000U);
}

// ---- the end

void sleeper() {
  gopark();
}
const FuncVal sleeper_fn = funcval(sleeper);

TEST(ManyMs, LeaveWhereOnlyWaitingGsAreLeft) {
  run_on(kMs, &sleeper_fn);
  EXPECT_EQ(waiting(), 1U);
}

// ---- the world

std::atomic<unsigned> running, seen_running;
Lock world;
std::atomic<bool> stopped;

void stopper() {
  for (unsigned i = 0; i < 200; i++) {
    running++;
    if (stopped) seen_running++;
    running--;
    if (i % 10 == 0 && trylock(&world)) {
      stoptheworld();
      stopped = true;
      if (running != 0) seen_running++;
      stopped = false;
      starttheworld();
      unlock(&world);
    }
    gosched();
  }
  finished++;
}
const FuncVal stopper_fn = funcval(stopper);

void start_stoppers() {
  for (unsigned i = 0; i < kGs; i++) gonewproc(&stopper_fn);
}
const FuncVal start_stoppers_fn = funcval(start_stoppers);

TEST(ManyMs, NoGRunsWhileTheWorldIsStopped) {
  finished = seen_running = 0;
  run_on(kMs, &start_stoppers_fn);
  EXPECT_EQ(finished, kGs);
  EXPECT_EQ(seen_running, 0U);
}

// ---- signals

std::atomic<unsigned> handled, astray;

void handler(int, void*, void*, G* gp) {
  handled++;
  if (getg() != gp->m->gsignal) astray++;
}

void raiser() {
  for (unsigned i = 0; i < 100; i++) {
    raise(SIGUSR1);
    gosched();
  }
  finished++;
}
const FuncVal raiser_fn = funcval(raiser);

void start_raisers() {
  for (unsigned i = 0; i < kGs; i++) gonewproc(&raiser_fn);
}
const FuncVal start_raisers_fn = funcval(start_raisers);

TEST(ManyMs, EachTakesSignalsOnItsOwnStack) {
  finished = handled = astray = 0;
  setsig(SIGUSR1, handler);
  run_on(kMs, &start_raisers_fn);
  EXPECT_EQ(finished, kGs);
  EXPECT_EQ(handled, kGs * 100);
  EXPECT_EQ(astray, 0U);
}

// A signal for the process finds no M while they start and leave: all block it, so it stays with
// the thread that sent it.
TEST(ManyMs, StartAndLeaveWithSignalsBlocked) {
  handled = astray = 0;
  setsig(SIGUSR2, handler);
  sigset_t mine, before;
  sigemptyset(&mine);
  sigaddset(&mine, SIGUSR2);
  M* mp = allocm(64 * 1024);
  mreset(mp);
  static const FuncVal look = funcval([] {
    sigset_t now;
    pthread_sigmask(SIG_SETMASK, nullptr, &now);
    if (sigismember(&now, SIGUSR2) == 1 && getg() == getg()->m->g0) finished++;
    unblocksignals();
    pthread_sigmask(SIG_SETMASK, nullptr, &now);
    if (sigismember(&now, SIGUSR2) == 0) finished++;
  });
  static const FuncVal nothing = funcval([] {});
  finished = 0;
  mp->mstartfn = &look;
  newproc(&nothing);
  pthread_t thread;
  ASSERT_EQ(newosproc(mp, &thread), 0);
  pthread_join(thread, nullptr);
  EXPECT_EQ(finished, 2U);
  pthread_sigmask(SIG_BLOCK, nullptr, &before);
  EXPECT_EQ(sigismember(&before, SIGUSR2), 0) << "newosproc left the caller's mask changed";
}

// ---- throws

TEST(ManyMsDeathTest, OfThrowsAtOnceOneIsHeard) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  static std::atomic<unsigned> ready_to_throw;
  static const FuncVal thrower = funcval([] {
    ready_to_throw++;
    while (ready_to_throw < kMs) {
    }
    gothrow("one of several");
  });
  static const FuncVal start = funcval([] {
    for (unsigned i = 0; i < kMs; i++) newproc(&thrower);
  });
  EXPECT_EXIT(run_on(kMs, &start), testing::ExitedWithCode(2),
              "^fatal error: one of several\n\ntraceback:\n[^f]*");
}

}  // namespace
}  // namespace runtime
