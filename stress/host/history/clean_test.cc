#include "stress/host/history/clean.h"

#include <gmock/gmock.h>

#include "stress/host/history/history_fixture.h"

namespace sigsweep {
namespace {

namespace fs = std::filesystem;
using testing::IsEmpty;

class Clean : public History {
 protected:
  std::vector<RemovedRun> cleaned(const std::string& keep) {
    std::vector<RemovedRun> removed;
    HistoryFile history(file(), HistoryFile::For::writing);
    clean(&history, keep_time(keep), [&](const RemovedRun& r) { removed.push_back(r); });
    return removed;
  }
  // As if a night had begun so many days ago.
  void age(const std::string& id, int days) {
    SQLite::Database db(file(), SQLite::OPEN_READWRITE);
    db.exec("UPDATE run SET started = strftime('%Y-%m-%dT%H:%M:%SZ', 'now', '-" +
            std::to_string(days) + " days') WHERE id = '" + id + "'");
  }
};

TEST_F(Clean, OldRunsGoAndFindingsStay) {
  const std::string old = night("old", 1, {part("prove", {a_cell("a"), a_finding(kFound)})});
  write("old/fuzz/corpus/input", "x");
  write("old/fuzz/findings/crash", "y");
  const std::string young = night("young", 2, {part("prove", {a_cell("a")})});
  import(old);
  import(young);
  age("old", 31);
  age("young", 29);
  const std::vector<RemovedRun> removed = cleaned("30d");
  ASSERT_EQ(removed.size(), 1U);
  EXPECT_EQ(removed[0].run.id, "old");
  EXPECT_EQ(removed[0].run.counts.cells, 1);
  EXPECT_EQ(removed[0].files, 4U) << "the night's own, the results, the log, the input";
  EXPECT_EQ(removed[0].files_kept, 1U);
  EXPECT_FALSE(fs::exists(old + "/night.jsonl"));
  EXPECT_FALSE(fs::exists(old + "/logs"));
  EXPECT_FALSE(fs::exists(old + "/fuzz/corpus"));
  EXPECT_EQ(content_of(old + "/fuzz/findings/crash"), "y");
  EXPECT_TRUE(fs::exists(young + "/logs/prove.log"));
  EXPECT_EQ(number("SELECT count(*) FROM run"), 1);
  EXPECT_EQ(number("SELECT count(*) FROM cell"), 1);
  EXPECT_EQ(number("SELECT count FROM seen"), 1);
  EXPECT_EQ(integrity(), "ok");
  EXPECT_THAT(cleaned("30d"), IsEmpty());
}

TEST_F(Clean, AFolderThatIsAnotherNightsByNowStays) {
  const std::string path = night("old", 1, {part("prove", {a_cell("a")})});
  import(path);
  age("old", 31);
  fs::remove_all(path);
  fs::rename(night("other", 2, {part("prove", {a_cell("a")})}), path);
  const RemovedRun removed = cleaned("30d").at(0);
  EXPECT_EQ(removed.files, 0U);
  EXPECT_TRUE(removed.folder_left);
  EXPECT_TRUE(fs::exists(path + "/logs/prove.log"));
}

TEST_F(Clean, ANightWhoseFolderIsGoneGoesFromTheHistory) {
  const std::string path = night("old", 1, {part("prove", {a_cell("a")})});
  import(path);
  age("old", 31);
  fs::remove_all(path);
  EXPECT_EQ(cleaned("4w").size(), 1U);
  EXPECT_EQ(number("SELECT count(*) FROM run"), 0);
  EXPECT_EQ(number("SELECT count(*) FROM machine"), 0);
}

TEST_F(Clean, ANightThatIsImportedAgainAfterwardsIsNotCountedTwice) {
  const std::vector<Part> parts = {part("prove", {a_finding(kFound)})};
  import(night("old", 1, parts));
  age("old", 31);
  cleaned("30d");
  import(night("old", 1, parts));
  EXPECT_EQ(number("SELECT count FROM seen"), 1);
}

TEST_F(Clean, AFolderThatCannotBeReadAsANightStays) {
  const std::string path = night("old", 1, {part("prove", {a_cell("a")})});
  import(path);
  age("old", 31);
  write("old/night.jsonl", "nonsense\n");
  EXPECT_EQ(cleaned("30d").at(0).files, 0U);
  EXPECT_TRUE(fs::exists(path + "/logs/prove.log"));
}

TEST_F(Clean, TheTimeIsRefusedIfItIsNone) {
  EXPECT_EQ(keep_time("30d"), "30 days");
  EXPECT_EQ(keep_time("2w"), "14 days");
  EXPECT_EQ(keep_time("12h"), "12 hours");
  for (const char* wrong : {"", "30", "0d", "-1d", "30m", "d", "1.5d"})
    EXPECT_EQ(refused([&] { keep_time(wrong); }),
              std::string("2: --keep ") + wrong + ": a time is expected, as in 12h, 30d, 8w");
}

}  // namespace
}  // namespace sigsweep
