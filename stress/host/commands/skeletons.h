// The files skeleton.c, skeleton.cc, skeleton_explained.c and skeleton_explained.cc of
// stress/subjects/adapter, as they were at the build.
#pragma once

namespace sigsweep {

extern const char kSkeletonC[], kSkeletonCxx[], kExplainedC[], kExplainedCxx[];

}  // namespace sigsweep
