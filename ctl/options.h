/* SPDX-License-Identifier: ISC */
/*
 * options - the options of a command, as getopt_long(3) finds them. There the last of two wins, and
 * nobody hears of the other: here who says --from twice, or two that can't both hold, is told so.
 *
 *   struct options options = {.table = table, .exclusive = (const char *const[]){"hw", NULL}};
 *
 *   while ((option = options_next(&options, argc, argv)) != -1) {
 */
#ifndef POSTERN_CTL_OPTIONS_H
#define POSTERN_CTL_OPTIONS_H

#include <getopt.h>
#include <stdint.h>

#define OPTIONS_MAX 32 /* in a table */

struct options {
	const struct option *table; /* ends with a NULL name; options are known by their val */
	const char *allowed;        /* those that the command has; NULL: all of the table */
	const char *repeatable; /* those that may come again with another argument; NULL: none */
	const char *const *exclusive; /* the first of each excludes the others; NULL at the end */
	uint32_t seen;                /* by the place in the table */
};

/* As getopt_long(3), in a table without short options: -1 at the end; '?', and it is told what is
 * wrong. */
int options_next(struct options *, int argc, char **argv);

#endif
