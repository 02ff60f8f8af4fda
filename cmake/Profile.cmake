# Writes the profile "Outlook": see profile/README.md. A profile's colour rules take the place of Wireshark's own, so those of
# the Wireshark that is built for stand among them.
#
# SPDX-License-Identifier: GPL-2.0-or-later

# outlookhttp_profile(SOURCE STOCK TARGET): SOURCE is profile/Outlook, STOCK the colorfilters of Wireshark or empty, TARGET
# the folder to write. Strings and no lists: a rule is full of brackets.
function(outlookhttp_profile source stock target)
  file(READ "${source}/colorfilters" _ours)
  string(FIND "${_ours}" "@@@@@@@@\n" _line)
  string(SUBSTRING "${_ours}" 0 ${_line} _verdicts)
  math(EXPR _line "${_line} + 9")
  string(SUBSTRING "${_ours}" ${_line} -1 _protocols)
  set(_before "")
  set(_after "")
  if(stock)
    file(READ "${stock}" _before)
    string(REPLACE "\r\n" "\n" _before "${_before}")
    string(FIND "${_before}" "\n@HTTP@" _http)
    if(NOT _http EQUAL -1)
      math(EXPR _http "${_http} + 1")
      string(SUBSTRING "${_before}" ${_http} -1 _after)
      string(SUBSTRING "${_before}" 0 ${_http} _before)
    endif()
  endif()
  file(MAKE_DIRECTORY "${target}")
  file(WRITE "${target}/colorfilters" "${_verdicts}${_before}${_protocols}${_after}")
  foreach(_file IN ITEMS preferences dfilter_buttons recent)
    configure_file("${source}/${_file}" "${target}/${_file}" COPYONLY)
  endforeach()
endfunction()

if(CMAKE_SCRIPT_MODE_FILE)
  return()
endif()

set(OUTLOOKHTTP_PROFILE_DIR "${CMAKE_BINARY_DIR}/profile/Outlook")
find_file(OUTLOOKHTTP_COLORFILTERS colorfilters NO_DEFAULT_PATH
  PATHS "${Wireshark_INSTALL_PREFIX}/share/wireshark"            # Unix
        "${Wireshark_INSTALL_PREFIX}/Resources/share/wireshark"  # a macOS bundle
        "${Wireshark_INSTALL_PREFIX}"                            # Windows
  DOC "Wireshark's own colour rules")
if(NOT OUTLOOKHTTP_COLORFILTERS)
  message(WARNING "Wireshark's colorfilters were not found: the profile will have the rules of this plugin only. "
                  "Name the file in OUTLOOKHTTP_COLORFILTERS.")
  set(OUTLOOKHTTP_COLORFILTERS "")
endif()
outlookhttp_profile("${CMAKE_CURRENT_SOURCE_DIR}/profile/Outlook" "${OUTLOOKHTTP_COLORFILTERS}" "${OUTLOOKHTTP_PROFILE_DIR}")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
             "${CMAKE_CURRENT_SOURCE_DIR}/profile/Outlook/colorfilters" "${OUTLOOKHTTP_COLORFILTERS}")
