# Packs a module that was built anywhere, with profile and documents, as it must lie in Wireshark's personal folder: %APPDATA%\\Wireshark
# on Windows; on macOS plugins go to ~/.local/lib/wireshark and profiles to ~/.config/wireshark.
#   cmake -DMODULE=FILE -DSERIES=4.4 [-DCOLORFILTERS=FILE] -DOUT=FILE.zip -P cmake/Zip.cmake
# SERIES is the name of the plugin folder (4.4; 4-4 in a macOS bundle), COLORFILTERS those of that Wireshark.
#
# SPDX-License-Identifier: GPL-2.0-or-later

cmake_minimum_required(VERSION 3.18)
get_filename_component(_project "${CMAKE_CURRENT_LIST_DIR}/.." ABSOLUTE)
include("${CMAKE_CURRENT_LIST_DIR}/Profile.cmake")
foreach(_needed IN ITEMS MODULE SERIES OUT)
  if(NOT ${_needed})
    message(FATAL_ERROR "-D${_needed}= is missing: see the head of ${CMAKE_SCRIPT_MODE_FILE}")
  endif()
endforeach()
foreach(_file IN ITEMS "${MODULE}" ${COLORFILTERS})
  if(NOT EXISTS "${_file}")
    message(FATAL_ERROR "there is no ${_file}")
  endif()
endforeach()
get_filename_component(OUT "${OUT}" ABSOLUTE)
set(_tree "${OUT}.tree")
file(REMOVE_RECURSE "${_tree}")
file(COPY "${MODULE}" DESTINATION "${_tree}/plugins/${SERIES}/epan")
outlookhttp_profile("${_project}/profile/Outlook" "${COLORFILTERS}" "${_tree}/profiles/Outlook")
file(GLOB _documents "${_project}/docs/*.md" "${_project}/docs/*.json")
file(COPY "${_project}/README.md" "${_project}/CHANGELOG.md" "${_project}/COPYING" DESTINATION "${_tree}/outlookhttp")
file(COPY ${_documents} "${_project}/docs/images" DESTINATION "${_tree}/outlookhttp/docs")
file(GLOB _modules "${_project}/tools/archive/*.py")
file(COPY "${_project}/tools/saz2pcapng" "${_project}/tools/saz2pcapng.bat" DESTINATION "${_tree}/extcap")
file(COPY ${_modules} DESTINATION "${_tree}/extcap/archive")
execute_process(COMMAND "${CMAKE_COMMAND}" -E tar cf "${OUT}" --format=zip plugins profiles extcap outlookhttp
                WORKING_DIRECTORY "${_tree}" RESULT_VARIABLE _status)
file(REMOVE_RECURSE "${_tree}")
if(NOT _status EQUAL 0)
  message(FATAL_ERROR "${OUT} could not be written: ${_status}")
endif()
