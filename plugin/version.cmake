# The one place of the version: CMakeLists.txt here and the one above read it.
#
# SPDX-License-Identifier: GPL-2.0-or-later

set(OUTLOOKHTTP_VERSION 0.1.0)
