# The compiler options of each ISA, and the builds for ISAs other than the host's.

# ---- in a build of that ISA

if(SIGSWEEP_ISA STREQUAL "386")
  # Position-dependent: an address is a constant, with no call in between to find it. asm/*.h is amd64's.
  add_compile_options(-m32 -fno-pie -idirafter /usr/include/x86_64-linux-gnu)
  add_link_options(-m32 -no-pie)
elseif(SIGSWEEP_ISA STREQUAL "amd64p32")
  # Position-dependent: code and data lie below 4 GiB.
  add_compile_options(-fno-pie -DSIGSWEEP_AMD64P32)
  add_link_options(-no-pie)
elseif(SIGSWEEP_ISA STREQUAL "arm")
  # R10 is g. No constants among the instructions, because each word of injectable code is patched.
  add_compile_options(-marm -fno-pie)
  add_compile_options($<$<COMPILE_LANGUAGE:C,CXX>:-ffixed-r10> $<$<COMPILE_LANGUAGE:C,CXX>:-fno-jump-tables>)
  add_link_options(-static)
endif()

# ---- in the host's build

# Why a fuzz target can't be linked for 386, in *why; empty: it can.
function(sigsweep_engine_of_386 why)
  set(options -m32 -fsanitize=fuzzer)
  if(SIGSWEEP_SANITIZE)
    list(APPEND options -fsanitize=${SIGSWEEP_SANITIZE})
  endif()
  set(probe ${CMAKE_BINARY_DIR}/isa/probe_fuzzer.cc)
  file(WRITE ${probe} "extern \"C\" int LLVMFuzzerTestOneInput(const unsigned char*, unsigned) { return 0; }\n")
  execute_process(COMMAND ${CMAKE_CXX_COMPILER} ${options} ${probe} -o ${probe}.out RESULT_VARIABLE status OUTPUT_QUIET
                  ERROR_QUIET)
  set(${why} "" PARENT_SCOPE)
  if(NOT status EQUAL 0)
    list(JOIN options " " options)
    set(${why} "${CMAKE_CXX_COMPILER} ${options} does not link (Debian: libclang-rt-14-dev)" PARENT_SCOPE)
  endif()
endfunction()

# Why `isa` can't be built and run here, in *why; empty: it can. Its compilers, if they differ from the host's, in
# *compilers.
function(sigsweep_toolchain isa why compilers)
  set(${why} "" PARENT_SCOPE)
  set(${compilers} ${CMAKE_C_COMPILER} ${CMAKE_CXX_COMPILER} PARENT_SCOPE)
  if(isa STREQUAL "386")
    set(probe ${CMAKE_BINARY_DIR}/isa/probe.cc)
    file(WRITE ${probe} "#include <asm/types.h>\n#include <string>\nint main() { return int(std::string().size()); }\n")
    execute_process(COMMAND ${CMAKE_CXX_COMPILER} -m32 -idirafter /usr/include/x86_64-linux-gnu ${probe} -o ${probe}.out
                    RESULT_VARIABLE status OUTPUT_QUIET ERROR_QUIET)
    execute_process(COMMAND ${probe}.out RESULT_VARIABLE ran OUTPUT_QUIET ERROR_QUIET)
    if(NOT status EQUAL 0)
      set(${why} "${CMAKE_CXX_COMPILER} -m32 does not link (Debian: g++-12-multilib)" PARENT_SCOPE)
    elseif(NOT ran EQUAL 0)
      set(${why} "the kernel of this machine runs no 386 programs" PARENT_SCOPE)
    elseif(SIGSWEEP_FUZZ)
      sigsweep_engine_of_386(missing)
      set(${why} "${missing}" PARENT_SCOPE)
    endif()
  elseif(isa STREQUAL "arm")
    find_program(ARM_CC arm-linux-gnueabihf-gcc)
    find_program(ARM_CXX arm-linux-gnueabihf-g++)
    set(${compilers} ${ARM_CC} ${ARM_CXX} PARENT_SCOPE)
    if(NOT ARM_CC OR NOT ARM_CXX)
      set(${why} "there is no arm-linux-gnueabihf-g++ (Debian: g++-arm-linux-gnueabihf)" PARENT_SCOPE)
    endif()
  elseif(NOT isa STREQUAL "amd64p32")
    message(FATAL_ERROR "SIGSWEEP_ISAS: ${isa} is unknown; allowed: 386, amd64p32, arm")
  endif()
endfunction()

# sigsweep_isa(ISA): a build of its own below isa/ISA, its runners beside the command: target runner-ISA. If there can be
# no such build, the reason lies beside the command instead. A build for a fuzzing engine has only its fuzz targets,
# below isa/ISA: target fuzzers-ISA.
function(sigsweep_isa isa)
  set(folder ${CMAKE_BINARY_DIR}/isa/${isa})
  set(note ${CMAKE_BINARY_DIR}/runner-${isa}.missing)
  sigsweep_toolchain(${isa} why compilers)
  if(why)
    message(STATUS "isa ${isa}: left out: ${why}")
    file(WRITE ${note} "${why}\n")
    return()
  endif()
  file(REMOVE ${note})
  list(GET compilers 0 cc)
  list(GET compilers 1 cxx)
  string(TOUPPER "${CMAKE_BUILD_TYPE}" type)
  set(configure ${CMAKE_COMMAND} -S ${CMAKE_SOURCE_DIR} -B ${folder} -G ${CMAKE_GENERATOR} --log-level=WARNING
      -DSIGSWEEP_ISA=${isa} -DSIGSWEEP_BIN=${CMAKE_BINARY_DIR} -DSIGSWEEP_SANITIZE=${SIGSWEEP_SANITIZE}
      -DSIGSWEEP_FUZZ=${SIGSWEEP_FUZZ} -DCMAKE_C_COMPILER=${cc} -DCMAKE_CXX_COMPILER=${cxx}
      -DCMAKE_BUILD_TYPE=${CMAKE_BUILD_TYPE} -DCMAKE_CXX_FLAGS_${type}=${CMAKE_CXX_FLAGS_${type}}
      -DCMAKE_C_FLAGS_${type}=${CMAKE_C_FLAGS_${type}} -DCMAKE_ASM_FLAGS_${type}=${CMAKE_ASM_FLAGS_${type}})
  set(target runner-${isa})
  set(parts runner-${isa} runner-${isa}-peers)
  if(SIGSWEEP_FUZZ)
    set(target fuzzers-${isa})
    set(parts fuzzers)
  elseif(isa STREQUAL "386")
    list(APPEND parts runner-386-adapter runner-386-adapter-storm adapters)
  endif()
  add_custom_target(${target} ALL COMMAND ${configure} COMMAND ${CMAKE_COMMAND} --build ${folder} --target ${parts}
                    USES_TERMINAL VERBATIM)
endfunction()
