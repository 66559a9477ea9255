/* SPDX-License-Identifier: ISC */
/* imap_dump - a parsed IMAP command as text, for tables of what becomes what. */
#ifndef POSTERN_TESTS_UNIT_IMAP_DUMP_H
#define POSTERN_TESTS_UNIT_IMAP_DUMP_H

#include "worker/session/imap/parse.h"

/* TEXT has SIZE octets; longer text is cut. */
void imap_dump(const struct imap_command *, char *text, size_t size);

#endif
