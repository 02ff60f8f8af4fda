# What is installed and packed: plugin, profile, the converter of Fiddler archives, manual page and documents.
#   cmake --install build          into the folders of the Wireshark that was built for; ./install does the same with a memory
#   cpack --config build/CPackConfig.cmake -B build/packages      a .deb, where dpkg is; build first
# Zips, for systems without such packages, are made by cmake/Zip.cmake.
#
# SPDX-License-Identifier: GPL-2.0-or-later

# Relative to the prefix, so that --prefix and packages can move it.
function(outlookhttp_below variable path)
  file(RELATIVE_PATH _relative "${Wireshark_INSTALL_PREFIX}" "${path}")
  set(${variable} "${_relative}" PARENT_SCOPE)
endfunction()

outlookhttp_below(_plugins "${Wireshark_PLUGIN_INSTALL_DIR}")
outlookhttp_below(_extcap "${Wireshark_EXTCAP_INSTALL_DIR}")
if(WIN32)
  set(_profiles profiles)
  set(_documents outlookhttp)
elseif(Wireshark_INSTALL_PREFIX MATCHES "[.]app/Contents")
  set(_profiles Resources/share/wireshark/profiles)
  set(_documents Resources/share/doc/outlookhttp)
else()
  set(_profiles share/wireshark/profiles)
  set(_documents share/doc/wireshark-outlookhttp)
endif()

install(TARGETS outlookhttp LIBRARY DESTINATION "${_plugins}/epan")
install(DIRECTORY "${OUTLOOKHTTP_PROFILE_DIR}" DESTINATION "${_profiles}")
file(GLOB _guides "${CMAKE_CURRENT_SOURCE_DIR}/docs/*.md" "${CMAKE_CURRENT_SOURCE_DIR}/docs/*.json")
install(FILES README.md DESTINATION "${_documents}")
install(FILES ${_guides} DESTINATION "${_documents}/docs")
install(DIRECTORY docs/images DESTINATION "${_documents}/docs")
# The converter of Fiddler archives finds its modules beside itself; what stands in Wireshark's folder, and among the
# commands, are links to it. On Windows the folder of extcap programs has all of it.
file(GLOB _modules "${CMAKE_CURRENT_SOURCE_DIR}/tools/archive/*.py")
if(WIN32)
  install(PROGRAMS tools/saz2pcapng tools/saz2pcapng.bat DESTINATION "${_extcap}")
  install(FILES ${_modules} DESTINATION "${_extcap}/archive")
else()
  set(_converter share/wireshark-outlookhttp)
  install(PROGRAMS tools/saz2pcapng DESTINATION "${_converter}")
  install(FILES ${_modules} DESTINATION "${_converter}/archive")
  foreach(_place IN ITEMS "${_extcap}" bin)
    file(RELATIVE_PATH _target "/${_place}" "/${_converter}/saz2pcapng")
    file(MAKE_DIRECTORY "${CMAKE_BINARY_DIR}/links/${_place}")
    file(CREATE_LINK "${_target}" "${CMAKE_BINARY_DIR}/links/${_place}/saz2pcapng" SYMBOLIC)
    install(FILES "${CMAKE_BINARY_DIR}/links/${_place}/saz2pcapng" DESTINATION "${_place}")
  endforeach()
endif()

set(CPACK_PACKAGE_NAME wireshark-outlookhttp)
set(OUTLOOKHTTP_CONTACT "outlookhttp <root@localhost>" CACHE STRING "Who answers for packages built here")
# One version of the plugin has a package for each Wireshark; that of a newer distribution is the newer one.
set(CPACK_DEBIAN_PACKAGE_RELEASE "1~wireshark${OUTLOOKHTTP_PATH_ID}")

# The manual page says the version, which stands once.
file(MAKE_DIRECTORY "${CMAKE_BINARY_DIR}/man")
configure_file(docs/outlookhttp.7.in "${CMAKE_BINARY_DIR}/man/outlookhttp.7" @ONLY)
find_program(OUTLOOKHTTP_GZIP gzip)
find_program(OUTLOOKHTTP_DPKG dpkg)
if(WIN32)
  install(FILES COPYING CHANGELOG.md DESTINATION "${_documents}")
elseif(OUTLOOKHTTP_GZIP)
  # As distributions have them: compressed, and without a time, so that the same source gives the same package.
  string(TIMESTAMP _now "%a, %d %b %Y %H:%M:%S +0000" UTC)
  file(WRITE "${CMAKE_BINARY_DIR}/man/changelog.Debian"
    "${CPACK_PACKAGE_NAME} (${PROJECT_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}) unstable; urgency=medium\n\n"
    "  * changelog.gz says what is new.\n\n -- ${OUTLOOKHTTP_CONTACT}  ${_now}\n")
  foreach(_pair IN ITEMS "${CMAKE_BINARY_DIR}/man/outlookhttp.7|man/outlookhttp.7.gz"
                         "${CMAKE_CURRENT_SOURCE_DIR}/CHANGELOG.md|man/changelog.gz"
                         "${CMAKE_BINARY_DIR}/man/changelog.Debian|man/changelog.Debian.gz")
    string(REPLACE "|" ";" _pair "${_pair}")
    list(GET _pair 0 _from)
    list(GET _pair 1 _to)
    add_custom_command(OUTPUT "${CMAKE_BINARY_DIR}/${_to}" DEPENDS "${_from}" VERBATIM
      COMMAND sh -c "exec \"$1\" -9nc \"$2\" >\"$3\"" sh "${OUTLOOKHTTP_GZIP}" "${_from}" "${CMAKE_BINARY_DIR}/${_to}")
    list(APPEND _compressed "${CMAKE_BINARY_DIR}/${_to}")
  endforeach()
  add_custom_target(outlookhttp_compressed ALL DEPENDS ${_compressed})
  install(FILES "${CMAKE_BINARY_DIR}/man/outlookhttp.7.gz" DESTINATION share/man/man7)
  install(FILES "${CMAKE_BINARY_DIR}/man/changelog.gz" "${CMAKE_BINARY_DIR}/man/changelog.Debian.gz" docs/copyright
          DESTINATION "${_documents}")
else()
  install(FILES "${CMAKE_BINARY_DIR}/man/outlookhttp.7" DESTINATION share/man/man7)
  install(FILES COPYING CHANGELOG.md DESTINATION "${_documents}")
endif()

set(CPACK_PACKAGE_VENDOR outlookhttp)
set(CPACK_PACKAGE_CONTACT "${OUTLOOKHTTP_CONTACT}")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "RPC over HTTP and MAPI/HTTP (Outlook and Exchange) for Wireshark")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "A plugin that dissects what Outlook and Exchange say to each other over HTTP,
shows the two HTTP connections of Outlook Anywhere as one, follows sessions
and logons, and names in expert info what is wrong between client and server,
and on which evidence.
.
With a profile, Outlook, of columns, colours and filter buttons.")
set(CPACK_RESOURCE_FILE_LICENSE "${CMAKE_CURRENT_SOURCE_DIR}/COPYING")
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGING_INSTALL_PREFIX "${Wireshark_INSTALL_PREFIX}")
if(NOT OUTLOOKHTTP_DPKG)
  set(CPACK_GENERATOR TGZ)
else()
  set(CPACK_GENERATOR DEB)
  set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
  set(CPACK_DEBIAN_PACKAGE_SECTION net)
  set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
  set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
  # Python is for the converter only.
  set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "tshark | wireshark, python3")
  # Modes of folders as the distribution has them, whatever umask it is built with.
  set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
      WORLD_READ WORLD_EXECUTE)
endif()
include(CPack)
