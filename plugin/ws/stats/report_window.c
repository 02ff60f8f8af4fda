/* report_window.c
 * The report in a window of Wireshark, with buttons that filter the packet list by its findings.
 *
 * The window counts packets as long as it is open, so what it shows is that of the file that is open: where another one
 * is opened, its text goes at once, and the new file's comes when it is read. Wireshark draws it without a file, too.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "report_window.h"

#include <epan/funnel.h>

#include "report_source.h"
#include "store.h"

#define TITLE "Outlook over HTTP report"
#define WIDTH 70 /* columns of the window as it opens */

static const char no_file[] = "No capture file is open.\n";

struct window;

struct filter_button {
    struct window *window;
    unsigned index;
};

struct window {
    struct report_source source;
    funnel_text_window_t *shown;
    GString *text;
    char *filters[FINDINGS_SHOWN];
    struct filter_button buttons[FINDINGS_SHOWN];
    unsigned added; /* of the buttons: they cannot be taken away again */
};

/* tshark has windows of a kind, which it prints, but no packet list; and while Wireshark ends its calls are gone. */
static const funnel_ops_t *window_ops(void)
{
    const funnel_ops_t *ops = funnel_get_funnel_ops();
    return ops && ops->ops_id && ops->new_text_window && ops->set_text && ops->add_button && ops->set_close_cb &&
                   ops->retap_packets && ops->set_filter && ops->apply_filter && ops->copy_to_clipboard ?
               ops :
               NULL;
}

bool report_window_possible(void)
{
    return window_ops() != NULL;
}

static void forget_filters(struct window *window)
{
    for (unsigned i = 0; i < FINDINGS_SHOWN; i++) {
        g_free(window->filters[i]);
        window->filters[i] = NULL;
    }
}

/* ---- Buttons -------------------------------------------------------------------------- */

static ws_bool on_filter(funnel_text_window_t *shown _U_, void *data)
{
    const struct filter_button *button = (const struct filter_button *)data;
    const funnel_ops_t *ops = window_ops();
    const char *filter = button->window->filters[button->index];
    if (ops && filter) { /* the file that is open now may have fewer findings than one before */
        ops->set_filter(ops->ops_id, filter);
        ops->apply_filter(ops->ops_id);
    }
    return TRUE;
}

static ws_bool on_copy(funnel_text_window_t *shown _U_, void *data)
{
    const struct window *window = (const struct window *)data;
    const funnel_ops_t *ops = window_ops();
    if (ops)
        ops->copy_to_clipboard(window->text);
    return TRUE;
}

static void free_button(void *button)
{
    g_free(button);
}

static void add_button(struct window *window, funnel_bt_cb_t pressed, void *data, const char *label)
{
    funnel_bt_t *button = g_new0(funnel_bt_t, 1);
    button->tw = window->shown;
    button->func = pressed;
    button->data = data;
    button->free_fcn = free_button;
    window_ops()->add_button(window->shown, button, label);
}

/* ---- Its text ------------------------------------------------------------------------- */

static void show(struct window *window, const char *text)
{
    const funnel_ops_t *ops = window_ops();
    g_string_assign(window->text, text);
    if (ops)
        ops->set_text(window->shown, text);
}

static void on_reset(void *ctx)
{
    struct window *window = (struct window *)ctx;
    forget_filters(window);
    if (window->shown)
        show(window, "The packets are being read.\n");
}

static void on_change(void *ctx)
{
    struct window *window = (struct window *)ctx;
    if (!window_ops())
        return;
    forget_filters(window);
    if (!store_open()) {
        show(window, no_file);
        return;
    }
    struct report *report = report_source_make(&window->source);
    const char *text = report_text(report, WIDTH, true);
    for (unsigned i = 0; i < report_shown(report); i++) {
        window->filters[i] = g_strdup(report_filter(report, i));
        if (i < window->added)
            continue;
        char *label = g_strdup_printf("Filter %u", i + 1);
        window->buttons[i].window = window;
        window->buttons[i].index = i;
        add_button(window, on_filter, &window->buttons[i], label);
        window->added = i + 1;
        g_free(label);
    }
    show(window, text);
}

static void on_close(void *data)
{
    struct window *window = (struct window *)data;
    report_source_end(&window->source);
    forget_filters(window);
    g_string_free(window->text, TRUE);
    g_free(window);
}

void report_window_open(void)
{
    const funnel_ops_t *ops = window_ops();
    if (!ops)
        return;
    struct window *window = g_new0(struct window, 1);
    window->text = g_string_new("");
    window->source.changed = on_change;
    window->source.reset = on_reset;
    window->source.ctx = window;
    char *wrong = report_source_begin(&window->source);
    window->shown = ops->new_text_window(ops->ops_id, TITLE);
    ops->set_close_cb(window->shown, on_close, window);
    add_button(window, on_copy, window, "Copy");
    if (wrong) {
        show(window, wrong);
        g_free(wrong);
        return;
    }
    show(window, no_file);
    ops->retap_packets(ops->ops_id);
}

static void on_menu(void *data _U_)
{
    report_window_open();
}

void report_window_register(void)
{
    funnel_register_menu(TITLE, REGISTER_TOOLS_GROUP_UNSORTED, on_menu, NULL, NULL, FALSE);
}
