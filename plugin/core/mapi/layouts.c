/* layouts.c
 * Everything that MAPI can show.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "layouts.h"

#include "bodies.h"
#include "emsmdb.h"
#include "extended_buffer.h"
#include "properties.h"
#include "rops.h"

const struct layout_part mapi_layouts[] = { { "mapiprop.", property_layouts },
                                            { "rop.", rop_layouts },
                                            { "emsmdb.", emsmdb_stubs },
                                            { "mapihttp.", mapi_bodies },
                                            { NULL, NULL } };
