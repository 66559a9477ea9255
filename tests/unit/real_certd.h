/* SPDX-License-Identifier: ISC */
/* real_certd - a postern-certd process, started and spoken to as the master does. */
#ifndef POSTERN_TESTS_UNIT_REAL_CERTD_H
#define POSTERN_TESTS_UNIT_REAL_CERTD_H

#include <stddef.h>
#include <sys/types.h>

#include "common/proto/ctl_certd.h"

struct real_certd {
	const char *program;
	char folder[64]; /* a temporary one, of mode 0700 */
	pid_t pid;
	int control;
};

/* All of these end the program when something fails. */
void real_certd_init(struct real_certd *, const char *program);
void real_certd_start(struct real_certd *);
/* NAMES: one dNSName. */
void real_certd_create(struct real_certd *, const char *name, enum cert_key_kind, const char *host);
/* A channel that may use these; the gate's end of it. */
int real_certd_channel(struct real_certd *, const char *const *names, unsigned count);
/* Puts FROM's files in place of NAME's, and has certd read the folder again, without waiting. */
void real_certd_swap(struct real_certd *, const char *name, const char *from);
void real_certd_kill(struct real_certd *);
/* Removes the folder too. */
void real_certd_free(struct real_certd *);

#endif
