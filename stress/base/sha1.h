// SHA-1, by which libFuzzer names the files of a corpus and afl-cmin's inputs are kept here: equal
// contents have one name, and a file that was cut short does not have the name of its content.
#pragma once

#include <string>
#include <string_view>

namespace sigsweep {

std::string sha1(std::string_view content);  // 40 hex digits

}  // namespace sigsweep
