/* SPDX-License-Identifier: ISC */
/*
 * checkup_lines - what a mailbox's process says of a checkup (common/proto/checkup.h). A pure
 * function over one line; the process is trusted less than posternctl: anything may come.
 */
#ifndef POSTERN_CTL_CHECKUP_LINES_H
#define POSTERN_CTL_CHECKUP_LINES_H

#include <stddef.h>
#include <stdint.h>

#include "common/proto/checkup.h"

enum checkup_line_kind {
	CHECKUP_LINE_FINDING,
	CHECKUP_LINE_FAILED,
	CHECKUP_LINE_DONE,
	CHECKUP_LINE_BAD, /* none of these */
};

struct checkup_line {
	enum checkup_line_kind kind;
	const char *text; /* of the first two: for a terminal, UTF-8, with a NUL behind it */
	uint64_t numbers[CHECKUP_NUMBERS]; /* of CHECKUP_LINE_DONE */
};

/*
 * LINE: LENGTH octets without the LF, and a NUL behind them. It is changed: what moves a cursor,
 * and all that is not ASCII if it is no UTF-8, becomes '?'.
 */
struct checkup_line checkup_line_read(char *line, size_t length);

#endif
