// The page's own sources, as they were at the build: page.html, page.css, and the scripts of
// stress/host/page/*.js, one behind the other.
#pragma once

namespace sigsweep {

extern const char kPageHtml[], kPageStyle[], kPageScript[];

}  // namespace sigsweep
