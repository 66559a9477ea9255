/* SPDX-License-Identifier: ISC */
/* match - folder names against LIST's patterns (RFC 9051 6.3.9.1). Pure. */
#ifndef POSTERN_WORKER_SESSION_IMAP_MATCH_H
#define POSTERN_WORKER_SESSION_IMAP_MATCH_H

#include <stdbool.h>

/*
 * Does NAME match PATTERN, where "*" stands for anything and "%" for anything without "/"? INBOX is
 * compared without case. The time is at most the product of both lengths.
 */
bool match_name(const char *pattern, const char *name);

#endif
