// The files stress/subjects/adapter/skeleton.c and skeleton.cc, as they were at the build.
#pragma once

namespace sigsweep {

extern const char kSkeletonC[], kSkeletonCxx[];

}  // namespace sigsweep
