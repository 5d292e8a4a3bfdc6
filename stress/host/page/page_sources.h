// The page's own sources, as they were at the build: page.html, page.css, and the scripts
// stress/host/page/*.js in the order in which they run.
#pragma once

namespace sigsweep {

extern const char kPageHtml[], kPageStyle[];
extern const char* const kPageScripts[];  // ends with a null

}  // namespace sigsweep
