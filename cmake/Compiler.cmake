# Flags of every target of this project.
#
# SPDX-License-Identifier: GPL-2.0-or-later

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
if(NOT OUTLOOKHTTP_SHARED_CORE)
  set(CMAKE_C_VISIBILITY_PRESET hidden)
endif()
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

add_library(outlookhttp_flags INTERFACE)
if(MSVC)
  target_compile_options(outlookhttp_flags INTERFACE /W3 $<$<BOOL:${OUTLOOKHTTP_WERROR}>:/WX>)
  target_compile_definitions(outlookhttp_flags INTERFACE _CRT_SECURE_NO_WARNINGS)
else()
  target_compile_options(outlookhttp_flags INTERFACE -Wall -Wextra $<$<BOOL:${OUTLOOKHTTP_WERROR}>:-Werror>)
endif()

if(OUTLOOKHTTP_SANITIZE OR OUTLOOKHTTP_FUZZ)
  set(_sanitize -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  target_compile_options(outlookhttp_flags INTERFACE ${_sanitize})
  target_link_options(outlookhttp_flags INTERFACE ${_sanitize})
endif()
if(OUTLOOKHTTP_FUZZ)
  if(NOT CMAKE_C_COMPILER_ID MATCHES Clang)
    message(FATAL_ERROR "OUTLOOKHTTP_FUZZ needs clang: configure with -DCMAKE_C_COMPILER=clang")
  endif()
  target_compile_options(outlookhttp_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

# Objects hold plain code, too: tests and tools/structure.py use that.
set(OUTLOOKHTTP_LTO_COMPILE)
set(OUTLOOKHTTP_LTO_LINK)
if(OUTLOOKHTTP_LTO AND CMAKE_C_COMPILER_ID STREQUAL "GNU" AND NOT OUTLOOKHTTP_SANITIZE AND NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
  set(OUTLOOKHTTP_LTO_COMPILE -flto=auto -ffat-lto-objects -fno-plt)
  set(OUTLOOKHTTP_LTO_LINK -flto=auto -fno-plt)
endif()
