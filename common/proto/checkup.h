/* SPDX-License-Identifier: ISC */
/*
 * checkup - what a session process says to posternctl on the stream of a MAILBOX_CHECK or
 * MAILBOX_REPAIR, line by line (LF). posternctl says nothing.
 *
 *   finding TEXT       what is wrong, and where; any number of them up to CHECKUP_FINDINGS_MAX
 *   failed TEXT        it could not be done; or
 *   done NUMBER ...    it was done: CHECKUP_NUMBERS, in their order
 *
 * Nothing follows the last two; a stream that ends without them was cut off.
 */
#ifndef POSTERN_COMMON_PROTO_CHECKUP_H
#define POSTERN_COMMON_PROTO_CHECKUP_H

#define CHECKUP_FINDINGS_MAX 10000 /* the others are only counted */
#define CHECKUP_LINE_MAX 640       /* octets, with the LF; longer texts are cut */

#define CHECKUP_FINDING "finding "
#define CHECKUP_FAILED "failed "
#define CHECKUP_DONE "done"

/* struct store_check has them too, with what they mean. */
enum checkup_number {
	CHECKUP_MESSAGES,
	CHECKUP_FILES,
	CHECKUP_PROBLEMS,
	CHECKUP_STRANGE,
	CHECKUP_LOST,
	CHECKUP_RECOVERED,
	CHECKUP_REBUILT,
	CHECKUP_NUMBERS
};

#endif
