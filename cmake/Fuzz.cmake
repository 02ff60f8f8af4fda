# One libFuzzer executable for each fuzz/*.c, in <build>/fuzz.
#
# SPDX-License-Identifier: GPL-2.0-or-later

file(GLOB _fuzzers CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/fuzz/fuzz_*.c")
foreach(_source IN LISTS _fuzzers)
  get_filename_component(_name "${_source}" NAME_WE)
  add_executable(${_name} "${_source}")
  if(_name STREQUAL "fuzz_work")
    # libFuzzer has a function of that name, which ends the program.
    target_link_libraries(${_name} PRIVATE outlookhttp_counted outlookhttp_flags)
    target_link_options(${_name} PRIVATE -Wl,--wrap=__sanitizer_cov_trace_pc)
  else()
    target_link_libraries(${_name} PRIVATE outlookhttp_testlib)
  endif()
  target_compile_options(${_name} PRIVATE -fsanitize=fuzzer)
  target_link_options(${_name} PRIVATE -fsanitize=fuzzer)
  set_target_properties(${_name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/fuzz")
endforeach()
