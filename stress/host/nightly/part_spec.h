// A part of a night, as a row of the night's table: what it runs, what that needs, and how much of
// the night's time it takes.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace sigsweep {

// What must be built for a part: a target of a preset, and the file that comes of it.
struct Need {
  std::string preset, target;
  std::string file;  // below the preset's build; empty: as the target; "-": the command will say
};

// Of the machine's processors: all, or a half, so that another part runs beside it.
enum class Width { all, half };

// What a part runs if its share of the night is so many seconds or more. Words may have names in
// braces, which stand for values of the night: see WordValues.
struct Level {
  unsigned from = 0;
  std::vector<std::string> words;
};

// A folder that takes another's place before the part begins, if it is there.
struct TakesPlace {
  std::string from, to;
};

struct PartSpec {
  std::string name;
  // Parts of a stage run side by side, as their width allows; the next stage waits for them.
  unsigned stage = 0;
  Width width = Width::all;
  std::vector<Need> needs = {};
  std::string tool = {};  // a program on the PATH; without it the part can't be had here
  unsigned least = 1;     // seconds in which it can do some work, on two processors
  double weight = 0;      // of the time that the budget has beyond all of the least
  unsigned overhead = 0;  // seconds of its share that {seconds} leaves out: to begin and to end
  // It may take so many times its share, or so many seconds more: what is longer.
  double limit = 3;
  double patience = 30;
  std::vector<Level> levels = {};  // by `from`, the first from 0
  // Its command is run so often, one after the other, as its share has room for: each run takes so
  // many seconds. 0: once.
  double seconds_each = 0;
  unsigned least_runs = 1, most_runs = 1;
  TakesPlace first = {};
  // There is nothing to do if no file lies below this folder: `idle` says why. Empty: there always is.
  std::string input = {}, idle = {};
};

// Names of values, such as "seconds", and what they are in one run of a part.
using WordValues = std::map<std::string, std::string>;

// `text` with the values in place of {names}. Braces around another text stay.
std::string filled(const std::string& text, const WordValues& values);

// The level of a part for its share.
const Level& level_for(const PartSpec& part, double share);
// How often its command runs.
unsigned runs_for(const PartSpec& part, double share);

}  // namespace sigsweep
