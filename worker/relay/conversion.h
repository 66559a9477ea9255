/* SPDX-License-Identifier: ISC */
/*
 * conversion - a message for servers that take 7 bits only (common/mime/seven_bit.h): made when the
 * first of them is met, and then read as often as needed. The message stays a file, which is
 * mapped; what is in memory is where its parts are.
 */
#ifndef POSTERN_WORKER_RELAY_CONVERSION_H
#define POSTERN_WORKER_RELAY_CONVERSION_H

#include <stdbool.h>
#include <stdint.h>

#include "common/mime/seven_bit.h"
#include "worker/relay/reply.h"

struct conversion {
	int fd;          /* the message; stays the caller's */
	uint64_t length; /* octets of it */
	bool tried;
	enum seven_bit_verdict verdict;
	void *map;
	struct seven_bit plan;
	uint64_t size; /* octets that it becomes */
};

/* Sets it up for a message of LENGTH octets; nothing is read yet. */
void conversion_start(struct conversion *, int fd, uint64_t length);
void conversion_end(struct conversion *);

/* Makes it, if that has not been tried. False: it is not possible, and REPLY says why (RFC 3463).
 */
bool conversion_make(struct conversion *, struct reply *reply);

#endif
