# Writes the profile "Outlook" into <build>/profile/Outlook: see profile/README.md. A profile's colour rules take the
# place of Wireshark's own, so those of the Wireshark that is built for stand among them.
#
# SPDX-License-Identifier: GPL-2.0-or-later

set(OUTLOOKHTTP_PROFILE_DIR "${CMAKE_BINARY_DIR}/profile/Outlook")
find_file(OUTLOOKHTTP_COLORFILTERS colorfilters NO_DEFAULT_PATH
  PATHS "${Wireshark_INSTALL_PREFIX}/share/wireshark"            # Unix
        "${Wireshark_INSTALL_PREFIX}/Resources/share/wireshark"  # a macOS bundle
        "${Wireshark_INSTALL_PREFIX}"                            # Windows
        "${Wireshark_DIR}/../run/RelWithDebInfo" "${Wireshark_DIR}/../run"
  DOC "Wireshark's own colour rules")

# Strings, no lists: a rule is full of brackets.
file(READ "${CMAKE_CURRENT_SOURCE_DIR}/profile/Outlook/colorfilters" _ours)
string(FIND "${_ours}" "@@@@@@@@\n" _line)
string(SUBSTRING "${_ours}" 0 ${_line} _verdicts)
math(EXPR _line "${_line} + 9")
string(SUBSTRING "${_ours}" ${_line} -1 _protocols)
if(OUTLOOKHTTP_COLORFILTERS)
  file(READ "${OUTLOOKHTTP_COLORFILTERS}" _stock)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${OUTLOOKHTTP_COLORFILTERS}")
  string(REPLACE "\r\n" "\n" _stock "${_stock}")
  string(FIND "${_stock}" "\n@HTTP@" _http)
  if(_http EQUAL -1)
    set(_before "${_stock}")
    set(_after "")
  else()
    math(EXPR _http "${_http} + 1")
    string(SUBSTRING "${_stock}" 0 ${_http} _before)
    string(SUBSTRING "${_stock}" ${_http} -1 _after)
  endif()
else()
  message(WARNING "Wireshark's colorfilters were not found: the profile will have the rules of this plugin only. "
                  "Name the file in OUTLOOKHTTP_COLORFILTERS.")
  set(_before "")
  set(_after "")
endif()
file(MAKE_DIRECTORY "${OUTLOOKHTTP_PROFILE_DIR}")
file(WRITE "${OUTLOOKHTTP_PROFILE_DIR}/colorfilters" "${_verdicts}${_before}${_protocols}${_after}")
foreach(_file IN ITEMS preferences dfilter_buttons recent)
  configure_file("profile/Outlook/${_file}" "${OUTLOOKHTTP_PROFILE_DIR}/${_file}" COPYONLY)
endforeach()
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/profile/Outlook/colorfilters")
