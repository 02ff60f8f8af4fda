# Stands in for Wireshark's file of this name: the macros that a plugin calls do what they do
# there, 4.0 to 4.6, but for Windows resources.
#
# SPDX-License-Identifier: GPL-2.0-or-later

macro(SET_MODULE_INFO _plugin _major _minor _micro _extra)
  if(NOT "${_major}.${_minor}.${_micro}.${_extra}" MATCHES "^[0-9]+\\.[0-9]+\\.[0-9]+\\.[0-9]+$")
    message(FATAL_ERROR "set_module_info: four numbers are needed")
  endif()
  set(PLUGIN_VERSION "${_major}.${_minor}.${_micro}")
  add_definitions(-DPLUGIN_VERSION=\"${PLUGIN_VERSION}\")
endmacro()

macro(ADD_WIRESHARK_PLUGIN_LIBRARY _plugin _subfolder)
  add_library(${_plugin} MODULE ${PLUGIN_FILES} ${PLUGIN_RC_FILE})
  target_include_directories(${_plugin} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  set_target_properties(${_plugin} PROPERTIES
    PREFIX ""
    LINK_FLAGS "${WS_LINK_FLAGS}"
    LIBRARY_OUTPUT_DIRECTORY ${PLUGIN_DIR}/${_subfolder}
    INSTALL_RPATH "")
  add_dependencies(plugins ${_plugin})
endmacro()

macro(INSTALL_PLUGIN _plugin _subfolder)
  install(TARGETS ${_plugin}
    LIBRARY DESTINATION ${PLUGIN_INSTALL_VERSION_LIBDIR}/${_subfolder} NAMELINK_SKIP
    RUNTIME DESTINATION ${PLUGIN_INSTALL_VERSION_LIBDIR}
    ARCHIVE DESTINATION ${PLUGIN_INSTALL_VERSION_LIBDIR})
endmacro()
