/* SPDX-License-Identifier: ISC */
/* A certd without its process, and a posternctl that asks it, for the tests of its requests. */
#ifndef POSTERN_TESTS_CERTD_ADMIN_H
#define POSTERN_TESTS_CERTD_ADMIN_H

#include <stdbool.h>

#include "tests/unit/certd_support.h"

#include "certd/admin.h"

struct admin_house {
	struct folder folder;
	struct event_base *base;
	struct keygen *keygen;
	struct admins *admins;
	struct admin_target target;
	int fd; /* posternctl's end */
};

void admin_house_make(struct admin_house *);
void admin_house_free(struct admin_house *);

/* What a request has brought. */
struct admin_answer {
	bool cut; /* certd has ended the channel; a new one is there */
	bool ok;
	char text[CERT_TEXT_MAX + 1];
	char *data; /* all CC_DATA, one after the other; wiped and freed with admin_answer_free() */
	size_t length;
};

/* Sends it, with FD or -1, and runs certd until it has answered. */
void admin_ask(struct admin_house *, uint16_t type, const void *body, size_t size, int fd,
	       struct admin_answer *);
void admin_answer_free(struct admin_answer *);

#endif
