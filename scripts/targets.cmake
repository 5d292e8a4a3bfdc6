# How the layers are built. Each library shows its public headers by a folder of links of its own, so that
# a target sees only the headers of what it links: an include against the direction of the data fails.

# Links to headers of this folder, below the build's include/FOLDER.
function(sigsweep_headers folder)
  foreach(header IN LISTS ARGN)
    file(RELATIVE_PATH below ${CMAKE_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR}/${header})
    set(link ${CMAKE_BINARY_DIR}/include/${folder}/${below})
    get_filename_component(parent ${link} DIRECTORY)
    file(MAKE_DIRECTORY ${parent})
    file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR}/${header} ${link} SYMBOLIC)
  endforeach()
endfunction()

# sigsweep_library(NAME [RAW] SOURCES ... HEADERS ... INTERNAL ... LINKS ...)
#   HEADERS: public, relative to this folder. INTERNAL: headers that only its own sources see. RAW: never instrumented by a sanitizer, because it runs on
#   stacks and in handlers of which the sanitizer's runtime knows nothing.
function(sigsweep_library name)
  cmake_parse_arguments(arg "RAW" "" "SOURCES;HEADERS;INTERNAL;LINKS" ${ARGN})
  if(arg_SOURCES)
    add_library(${name} STATIC ${arg_SOURCES})
    set(scope PUBLIC)
  else()
    add_library(${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  sigsweep_headers(${name} ${arg_HEADERS})
  if(arg_INTERNAL)
    sigsweep_headers(${name}_internal ${arg_INTERNAL})
    target_include_directories(${name} PRIVATE ${CMAKE_BINARY_DIR}/include/${name}_internal)
  endif()
  target_include_directories(${name} ${scope} ${CMAKE_BINARY_DIR}/include/${name})
  target_link_libraries(${name} ${scope} ${arg_LINKS})
  if(arg_SOURCES AND arg_RAW AND SIGSWEEP_SERVICE)  # a service sets flags for every file
    target_compile_options(${name} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fno-sanitize=all>)
  elseif(arg_SOURCES AND NOT arg_RAW)
    sigsweep_instrument(${name})
  endif()
endfunction()

# What is put under signals: a check of UBSan that fails there is a fault, which a trial contains; a report would
# end the process. Without UBSan's check of a function's type: it reads the called function's first bytes, where a
# breakpoint may stand, and then goes another way.
function(sigsweep_under_test target)
  # A call that the compiler makes a jump leaves nothing to come back to: that build would lack a phase.
  target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fno-optimize-sibling-calls>)
  # The frames that ASan keeps for a while after their return are a thread's, which here leaves functions for good.
  # Where the environment does not ask for them (ASAN_OPTIONS; services do), there are none anyway.
  if(SIGSWEEP_SANITIZE MATCHES "address")
    target_compile_options(${target} PRIVATE
      $<$<COMPILE_LANGUAGE:CXX>:-fsanitize-address-use-after-return=never>)
  endif()
  if(SIGSWEEP_SANITIZE MATCHES "undefined")
    # Nor those that services ask for beside: of vptr, which has no trap, and of unsigned overflow, which is meant.
    target_compile_options(${target} PRIVATE
      $<$<COMPILE_LANGUAGE:CXX>:-fno-sanitize=function,vptr,unsigned-integer-overflow>
      $<$<COMPILE_LANGUAGE:CXX>:-fsanitize-trap=undefined>)
  endif()
endfunction()

# What runs for a signal: not instrumented by TSan, whose runtime is not async-signal-safe.
function(sigsweep_not_by_tsan target)
  if(SIGSWEEP_SANITIZE MATCHES "thread")
    target_compile_options(${target} PRIVATE -fno-sanitize=thread)
  endif()
endfunction()

# Sanitizers, where the preset asks for them; for the fuzz targets also coverage, without comparisons: those
# of the subject are UBSan's own checks, and each would be a call among the boundaries.
function(sigsweep_instrument target)
  if(SIGSWEEP_SANITIZE AND NOT SIGSWEEP_SERVICE)
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fsanitize=${SIGSWEEP_SANITIZE}
                                             -fno-sanitize-recover=undefined>)
  endif()
  # TSan keeps a stack of calls for each thread; one that switches stacks returns elsewhere than it was called.
  if(SIGSWEEP_SANITIZE MATCHES "thread")
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:SHELL:-mllvm -tsan-instrument-func-entry-exit=0>)
  endif()
  if(SIGSWEEP_FUZZ STREQUAL "libfuzzer")  # AFL++'s compiler does it by itself
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fsanitize=fuzzer-no-link
                                             -fno-sanitize-coverage=trace-cmp>)
  endif()
endfunction()

# A program: instrumented as the preset says, and linked with the sanitizers' runtimes.
function(sigsweep_program target)
  sigsweep_instrument(${target})
  if(SIGSWEEP_SERVICE)  # link statically: the service's image may lack libraries
    target_link_options(${target} PRIVATE -static-libstdc++ -static-libgcc)
    return()
  endif()
  if(SIGSWEEP_SANITIZE)
    target_link_options(${target} PRIVATE -fsanitize=${SIGSWEEP_SANITIZE})
  endif()
  if(SIGSWEEP_FUZZ STREQUAL "libfuzzer")
    target_link_options(${target} PRIVATE -fsanitize=fuzzer-no-link)
  endif()
endfunction()

# sigsweep_offsets(TARGET HEADER SOURCE): HEADER (below the build's include folder) is generated from
# SOURCE's offsetof()s, for the assembly of TARGET.
function(sigsweep_offsets target header source)
  add_library(${target}_offsets OBJECT ${source})
  target_link_libraries(${target}_offsets PRIVATE ${ARGN})
  # -Wno-...: clang-tidy takes the command over and does not assemble.
  target_compile_options(${target}_offsets PRIVATE -S -fno-lto -g0 -Wno-unused-command-line-argument)
  set(out ${CMAKE_BINARY_DIR}/include/${target}_offsets/${header})
  add_custom_command(
    OUTPUT ${out}
    COMMAND ${CMAKE_COMMAND} -DIN=$<TARGET_OBJECTS:${target}_offsets> -DOUT=${out}
            -P ${CMAKE_SOURCE_DIR}/scripts/offsets.cmake
    DEPENDS ${target}_offsets $<TARGET_OBJECTS:${target}_offsets> ${CMAKE_SOURCE_DIR}/scripts/offsets.cmake
    VERBATIM)
  target_sources(${target} PRIVATE ${out})
  target_include_directories(${target} PRIVATE ${CMAKE_BINARY_DIR}/include/${target}_offsets)
endfunction()

# Test code takes longer to compile than it ever runs: -O0 halves that; and the command is fast enough by -O1. What lands
# signals, and what they land in, is compiled as the preset says: boundaries and offsets depend on it.
function(sigsweep_compile_quickly target how)
  target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:${how}>)
endfunction()

# What the tests of ctest need: programs that a test runs are to be among its dependencies. tests-full: also what only
# scripts/test --full runs.
add_custom_target(tests)
add_custom_target(tests-full DEPENDS tests)

# sigsweep_test(NAME LABEL SOURCES... LINKS ...): a GoogleTest program, one ctest entry a test; of the host's ISA.
# What runs on the others is tested through the command.
#   PREFIX: before the name of each test, where several programs have the same tests.
# Whether scripts/test runs it or only scripts/test --full is said in scripts/test_sets.sh.
function(sigsweep_test name)
  if(NOT SIGSWEEP_HAS_HOST)
    return()
  endif()
  cmake_parse_arguments(arg "" "LABEL;PREFIX" "SOURCES;LINKS;DEFINITIONS" ${ARGN})
  if(SIGSWEEP_FUZZ STREQUAL "afl")  # its presets have the fuzz targets and their tests alone
    return()
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_LINKS} GTest::gtest GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE ${arg_DEFINITIONS})
  sigsweep_compile_quickly(${name} -O0)
  sigsweep_program(${name})
  add_dependencies(tests ${name})
  gtest_discover_tests(${name} TEST_PREFIX "${arg_PREFIX}" PROPERTIES LABELS "${arg_LABEL}" DISCOVERY_TIMEOUT 60)
endfunction()
include(GoogleTest)
