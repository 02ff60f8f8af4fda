# One libFuzzer executable for each fuzz/*.c, in <build>/fuzz.
#
# SPDX-License-Identifier: GPL-2.0-or-later

file(GLOB _fuzzers CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/fuzz/fuzz_*.c")
foreach(_source IN LISTS _fuzzers)
  get_filename_component(_name "${_source}" NAME_WE)
  add_executable(${_name} "${_source}")
  target_link_libraries(${_name} PRIVATE outlookhttp_testlib)
  target_compile_options(${_name} PRIVATE -fsanitize=fuzzer)
  target_link_options(${_name} PRIVATE -fsanitize=fuzzer)
  set_target_properties(${_name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/fuzz")
endforeach()
