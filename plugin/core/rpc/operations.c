/* operations.c
 * Names of interfaces and operations (MS-OXNSPI 3.1.4, MS-OXABREF 3.1.4, MS-TSGU 3.2.6).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "operations.h"

static const char *const nspi_names[] = {
    "NspiBind",
    "NspiUnbind",
    "NspiUpdateStat",
    "NspiQueryRows",
    "NspiSeekEntries",
    "NspiGetMatches",
    "NspiResortRestriction",
    "NspiDNToMId",
    "NspiGetPropList",
    "NspiGetProps",
    "NspiCompareMIds",
    "NspiModProps",
    "NspiGetSpecialTable",
    "NspiGetTemplateInfo",
    "NspiModLinkAtt",
    NULL,
    "NspiQueryColumns",
    NULL,
    NULL,
    "NspiResolveNames",
    "NspiResolveNamesW",
};

static const char *const rfr_names[] = { "RfrGetNewDSA", "RfrGetFQDNFromServerDN" };

static const char *const tsgu_names[] = {
    NULL, "TsProxyCreateTunnel", "TsProxyAuthorizeTunnel", "TsProxyMakeTunnelCall",   "TsProxyCreateChannel",
    NULL, "TsProxyCloseChannel", "TsProxyCloseTunnel",     "TsProxySetupReceivePipe", "TsProxySendToServer",
};

const char *rpc_interface_name(enum rpc_interface interface)
{
    switch (interface) {
    case RPC_EMSMDB:
        return "EMSMDB";
    case RPC_ASYNC_EMSMDB:
        return "AsyncEMSMDB";
    case RPC_NSPI:
        return "NSPI";
    case RPC_RFR:
        return "RFRI";
    case RPC_TSGU:
        return "TSGU";
    case RPC_INTERFACE_UNKNOWN:
    case RPC_INTERFACE_OTHER:
        break;
    }
    return "other interface";
}

const char *rpc_operation_name(enum rpc_interface interface, uint16_t opnum)
{
#define NAME_IN(names) (opnum < sizeof(names) / sizeof((names)[0]) ? (names)[opnum] : NULL)
    switch (interface) {
    case RPC_NSPI:
        return NAME_IN(nspi_names);
    case RPC_RFR:
        return NAME_IN(rfr_names);
    case RPC_TSGU:
        return NAME_IN(tsgu_names);
    default:
        return NULL;
    }
#undef NAME_IN
}
