// A page: one HTML file that needs nothing else. It holds the results, the code that draws them, and
// the library that this code uses.
#pragma once

#include <filesystem>
#include <string>

#include "stress/host/page/page_model.h"

namespace sigsweep {

// The library of charts, with its licence. It is a Debian package's: nothing of it is in the
// repository.
struct PageLibrary {
  std::string script, licence;
};
inline constexpr const char* kLibraryPackage = "node-d3";

// Throws Failure(kHarnessFailed), with the package's name, where it is not there.
PageLibrary page_library();

std::string page_html(const PageModel& model, const PageLibrary& library);

// Writes the page whole, or not at all. Throws Failure(kHarnessFailed).
void write_page(const std::string& html, const std::filesystem::path& path);

}  // namespace sigsweep
