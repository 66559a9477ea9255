/* SPDX-License-Identifier: ISC */
/* check_envelope - what filter wants changed of an envelope (QF_ENVELOPE), as pure functions. */
#ifndef POSTERN_WORKER_QUEUE_CHECK_ENVELOPE_H
#define POSTERN_WORKER_QUEUE_CHECK_ENVELOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/proto/queue_filter.h"

/* Points into what it was read from. */
struct envelope_change {
	const char *ranges; /* of removed recipients */
	uint32_t range_count;
	const char *sender; /* NULL: as it was */
	bool parameters;    /* RET and ENVID are these now */
	enum dsn_return ret;
	const char *envid;
	const char *added;
	uint32_t added_count;
};

struct envelope_added {
	const char *path;
	uint32_t notify;   /* DSN_NOTIFY_... */
	bool anywhere;     /* it may be at another host */
	const char *orcpt; /* "": none */
};

/*
 * Takes it apart, and looks at each part: of that MAIL, whose RECIPIENTS filter has been told, it
 * may be. TAIL has LENGTH octets and a NUL behind them. False: it is none, or not allowed.
 */
bool check_envelope_read(const struct qf_envelope *, const char *tail, size_t length,
			 const struct qf_mail *mail, size_t recipients,
			 struct envelope_change *out);

/*
 * Whether the recipient INDEX is removed. *AT begins with 0 and is this function's: INDEX goes up
 * from call to call.
 */
bool check_envelope_removes(const struct envelope_change *, uint32_t index, uint32_t *at);

/* Reads an added recipient. ENTRY begins with change->added; returns the next one's. */
const char *check_envelope_added(const char *entry, struct envelope_added *);

#endif
