/* SPDX-License-Identifier: ISC */
/*
 * mime/summary - what a mailbox keeps of each message so as not to read it again: what FETCH, SORT
 * and THREAD ask for.
 */
#ifndef POSTERN_COMMON_MIME_SUMMARY_H
#define POSTERN_COMMON_MIME_SUMMARY_H

#include <stddef.h>
#include <stdint.h>

#include "common/mime/structure.h"

#define MIME_PREVIEW_MAX 200  /* characters, RFC 8970 3.2 */
#define MIME_SUBJECT_MAX 2000 /* octets kept of a base subject */
#define MIME_THREAD_MAX                                                           \
	200 /* message-ids kept: a message's own, the first one's, the last ones' \
	     */

/* The members of struct store_summary (worker/session/store.h), with the same meaning. */
struct mime_summary {
	const char *envelope; /* RFC 9051 7.5.2, in parentheses; may hold literals */
	size_t envelope_length;
	const char *bodystructure;
	size_t bodystructure_length;
	const char *preview;
	const char *subject;
	const char *from, *to, *cc;
	const char *from_display, *to_display;
	const char *thread;
	const char *kept;
	int64_t sent;
	int64_t sent_day;
	bool reply;
	void *block; /* all of the above are in it */
};

/*
 * INTERNALDATE (seconds since the epoch): for a message without a Date: that can be read. Strings
 * are never NULL, have a NUL behind them and none in them. 0, or -1 if there is no memory.
 */
int mime_summarize(const struct mime_message *, int64_t internaldate, struct mime_summary *);
void mime_summary_free(struct mime_summary *);

#endif
