#include "stress/host/demangle.h"

#include <gtest/gtest.h>

namespace sigsweep {
namespace {

TEST(Demangled, NamesInATextAreAsInTheSource) {
  EXPECT_EQ(demangled("callq _ZN3fib6resumeEv+0x2d, at _Z1fi@plt"),
            "callq fib::resume()+0x2d, at f(int)@plt");
  EXPECT_EQ(demangled("_ZL7suspendPvS_"), "suspend(void*, void*)");
}

TEST(Demangled, WhatIsNoNameOfCxxStays) {
  for (const char* text : {"", "swapcontext+0x8b", "_Z", "_Znothing", "a_Z1fi", "_Z1fi_and_more",
                           "fde@0x2620", "libst.so.1+0x59a7"}) {
    EXPECT_EQ(demangled(text), text);
  }
}

TEST(Demangled, LongArgumentsAreLeftOut) {
  EXPECT_EQ(
      demangled("_ZNSt6vectorINSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEESaIS5_EE9push_"
                "backERKS5_"),
      "std::vector<...>::push_back(...)");
}

TEST(MadeUpNames, AreTold) {
  EXPECT_TRUE(is_made_up("fde@0x2620", "libst.so.1"));
  EXPECT_TRUE(is_made_up("libst.so.1", "libst.so.1"));
  EXPECT_FALSE(is_made_up("st_cond_wait", "libst.so.1"));
  EXPECT_FALSE(is_made_up("", ""));
}

}  // namespace
}  // namespace sigsweep
