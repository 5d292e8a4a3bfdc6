// What a target sees when it runs: a mount namespace as the services' runner image has it. Nothing
// can be written to but /tmp. What was built is in a folder that is not the one of the build. The
// sources are gone.
#pragma once

#include <string>

#include "stress/host/child_process.h"

namespace sigsweep {

// Where the targets are, when they run.
inline constexpr const char* kImageFolder = "/mnt";

struct ServiceImage {  // absolute paths
  std::string out;     // becomes kImageFolder
  std::string tmp;     // becomes /tmp
  std::string sources;
};

// The program in the image, in kImageFolder. Its first word may name a file there.
Program in_image(const ServiceImage& image, Program program);

}  // namespace sigsweep
