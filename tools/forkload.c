/* forkload.c
 * Lets one start of tshark dissect any number of captures: preloaded into it, this waits
 * where the capture is opened and makes a child for each one named on standard input, so
 * that starting tshark (most of a run on a small capture) is paid for once.
 *
 * A line of input is CAPTURE, OUTPUT, ERRORS and SECONDS, parted by tabs; the answer, on
 * standard output, is the child's wait status and peak resident size in KiB.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

struct wtap;
typedef struct wtap *open_offline(const char *filename, unsigned type, int *err, char **err_info, int do_random);
void epan_cleanup(void);
open_offline wtap_open_offline;      /* bool from 4.4 on: the caller widens either to an int */

static void send_to(int fd, const char *path)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (file < 0 || dup2(file, fd) < 0)
        _exit(120);
    close(file);
}

/* Returns in each child with the capture it is to open; never in the parent. */
static const char *next_capture(char *line, size_t size)
{
    while (fgets(line, (int)size, stdin)) {
        char *rest = line;
        const char *word[4];
        for (int i = 0; i < 4; i++) {
            word[i] = strsep(&rest, "\t\n");
            if (!word[i])
                _exit(121);
        }
        pid_t child = fork();
        if (child == 0) {
            send_to(STDOUT_FILENO, word[1]);
            send_to(STDERR_FILENO, word[2]);
            alarm((unsigned)atoi(word[3]));
            return word[0];
        }
        int status;
        struct rusage usage;
        if (child < 0 || wait4(child, &status, 0, &usage) != child)
            _exit(122);
        printf("%d %ld\n", status, usage.ru_maxrss);
        fflush(stdout);
    }
    _exit(0);
}

/* Stands in for libwireshark's, called when a capture is done with: giving back what
 * starting took would copy most of the parent's memory. */
void epan_cleanup(void)
{
    fflush(NULL);
    _exit(0);
}

/* Stands in for libwiretap's. */
struct wtap *wtap_open_offline(const char *filename, unsigned type, int *err, char **err_info, int do_random)
{
    (void)filename;
    char line[4096];
    union {
        void *symbol;
        open_offline *function;
    } real = { dlsym(RTLD_NEXT, "wtap_open_offline") };
    if (!real.symbol)
        _exit(123);
    return real.function(next_capture(line, sizeof line), type, err, err_info, do_random);
}
