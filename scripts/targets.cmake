# How the layers are built. Each library shows its public headers by a folder of links of its own. So a target sees only
# the headers of the libraries that it links: an include against the direction of the data fails.

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
#   HEADERS: public, relative to this folder. INTERNAL: headers that only its own sources see. RAW: never
#   instrumented by a sanitizer: it runs on stacks and in handlers that the sanitizer's runtime does not know.
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

# Code that is put under signals. If a check of UBSan fails there, it must be a fault, which a trial contains; a report
# would end the process. UBSan's check of a function's type is off: it reads the called function's first bytes. A
# breakpoint may stand there, and then the check takes another way.
function(sigsweep_under_test target)
  # If the compiler makes a call a jump, there is no return to it: that build would lack a phase.
  target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fno-optimize-sibling-calls>)
  # ASan keeps frames for a while after their return; they belong to a thread. Here a thread leaves functions for good.
  # These frames exist only if the environment asks for them (ASAN_OPTIONS; services do).
  if(SIGSWEEP_SANITIZE MATCHES "address")
    target_compile_options(${target} PRIVATE
      $<$<COMPILE_LANGUAGE:CXX>:-fsanitize-address-use-after-return=never>)
  endif()
  if(SIGSWEEP_SANITIZE MATCHES "undefined")
    # Without two more checks that services request: vptr, which has no trap, and unsigned overflow, which is meant.
    target_compile_options(${target} PRIVATE
      $<$<COMPILE_LANGUAGE:CXX>:-fno-sanitize=function,vptr,unsigned-integer-overflow>
      $<$<COMPILE_LANGUAGE:CXX>:-fsanitize-trap=undefined>)
  endif()
endfunction()

# Code that runs for a signal: not instrumented by TSan, because TSan's runtime is not async-signal-safe.
function(sigsweep_not_by_tsan target)
  if(SIGSWEEP_SANITIZE MATCHES "thread")
    target_compile_options(${target} PRIVATE -fno-sanitize=thread)
  endif()
endfunction()

# Sanitizers, if the preset asks for them. The fuzz targets also get coverage, but not of comparisons: the subject's
# comparisons are UBSan's own checks, and each would be a call among the boundaries.
function(sigsweep_instrument target)
  if(SIGSWEEP_SANITIZE AND NOT SIGSWEEP_SERVICE)
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fsanitize=${SIGSWEEP_SANITIZE}
                                             -fno-sanitize-recover=undefined>)
  endif()
  # TSan keeps a stack of calls for each thread. A thread that switches stacks returns to other places than its calls.
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

# Test code takes longer to compile than to run: -O0 halves that. -O1 is fast enough for the command. The code that
# lands signals, and the code under test, is compiled as the preset says: boundaries and offsets depend on it.
function(sigsweep_compile_quickly target how)
  target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:${how}>)
endfunction()

# The needs of ctest's tests: a program that a test runs must be among its dependencies. tests-full: also those that
# only scripts/test --full runs.
add_custom_target(tests)
add_custom_target(tests-full DEPENDS tests)

# sigsweep_test(NAME LABEL SOURCES... LINKS ...): a GoogleTest program, one ctest entry a test; of the host's ISA.
# Programs of other ISAs are tested through the command.
#   PREFIX: before the name of each test, if several programs have the same tests.
# scripts/test_sets.py says whether scripts/test runs it, or only scripts/test --full.
function(sigsweep_test name)
  if(NOT SIGSWEEP_HAS_HOST)
    return()
  endif()
  cmake_parse_arguments(arg "" "LABEL;PREFIX" "SOURCES;LINKS;DEFINITIONS" ${ARGN})
  if(SIGSWEEP_FUZZ STREQUAL "afl")  # its presets have only the fuzz targets and their tests
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
