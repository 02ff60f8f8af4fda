/* dice.h
 * Chance that is the same everywhere and every time, for plays made up by it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_DICE_H
#define OUTLOOKHTTP_DICE_H

#include <stdint.h>

struct dice {
    uint32_t state;
};

/* 0 to sides - 1. One roll in an expression, or in a list of arguments or members: C leaves the
 * order of their evaluation open, and each compiler would play another play. */
static inline uint32_t roll(struct dice *dice, uint32_t sides)
{
    dice->state = dice->state * 1664525 + 1013904223;
    return (dice->state >> 10) % sides;
}

/* True once in that many times. */
static inline int once_in(struct dice *dice, uint32_t sides)
{
    return roll(dice, sides) == 0;
}

#define ANY_OF(dice, list) ((list)[roll(dice, sizeof(list) / sizeof((list)[0]))])

#endif
