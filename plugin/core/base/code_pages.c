/* code_pages.c
 * The names of code pages.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "code_pages.h"

const struct code_page_name *code_page_name(uint32_t page)
{
    static const struct code_page_name names[] = {
        { 437, "ibm437", "CP437" },
        { 850, "ibm850", "CP850" },
        { 852, "ibm852", "CP852" },
        { 855, "ibm855", "CP855" },
        { 857, "ibm857", "CP857" },
        { 862, "ibm862", "CP862" },
        { 866, "ibm866", "CP866" },
        { 874, "windows-874", "CP874" },
        { 932, "shift_jis", "CP932" },
        { 936, "gbk", "CP936" },
        { 949, "ks_c_5601-1987", "CP949" },
        { 950, "big5", "CP950" },
        { 1250, "windows-1250", "CP1250" },
        { 1251, "windows-1251", "CP1251" },
        { 1252, "windows-1252", "CP1252" },
        { 1253, "windows-1253", "CP1253" },
        { 1254, "windows-1254", "CP1254" },
        { 1255, "windows-1255", "CP1255" },
        { 1256, "windows-1256", "CP1256" },
        { 1257, "windows-1257", "CP1257" },
        { 1258, "windows-1258", "CP1258" },
        { 10000, "macintosh", "MACINTOSH" },
        { 20127, "us-ascii", "ASCII" },
        { 20866, "koi8-r", "KOI8-R" },
        { 21866, "koi8-u", "KOI8-U" },
        { 28591, "iso-8859-1", "ISO-8859-1" },
        { 28592, "iso-8859-2", "ISO-8859-2" },
        { 28593, "iso-8859-3", "ISO-8859-3" },
        { 28594, "iso-8859-4", "ISO-8859-4" },
        { 28595, "iso-8859-5", "ISO-8859-5" },
        { 28596, "iso-8859-6", "ISO-8859-6" },
        { 28597, "iso-8859-7", "ISO-8859-7" },
        { 28598, "iso-8859-8", "ISO-8859-8" },
        { 28599, "iso-8859-9", "ISO-8859-9" },
        { 28603, "iso-8859-13", "ISO-8859-13" },
        { 28605, "iso-8859-15", "ISO-8859-15" },
        { 50220, "iso-2022-jp", "ISO-2022-JP" },
        { 50221, "iso-2022-jp", "ISO-2022-JP" },
        { 50222, "iso-2022-jp", "ISO-2022-JP" },
        { 50225, "iso-2022-kr", "ISO-2022-KR" },
        { 51932, "euc-jp", "EUC-JP" },
        { 51949, "euc-kr", "EUC-KR" },
        { 54936, "gb18030", "GB18030" },
        { 65001, "utf-8", "UTF-8" },
    };
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (names[i].page == page) {
            return &names[i];
        }
    }
    return NULL;
}
