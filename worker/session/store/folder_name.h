/* SPDX-License-Identifier: ISC */
/* folder_name - which names folders may have. Pure. */
#ifndef POSTERN_WORKER_SESSION_STORE_FOLDER_NAME_H
#define POSTERN_WORKER_SESSION_STORE_FOLDER_NAME_H

#include <stddef.h>

#include "common/error.h"

/*
 * 0, or -1 with ERR saying why NAME can't be a folder's: empty, too long, too deep, an empty level,
 * not UTF-8, a control character or line separator (RFC 5198 2, RFC 9051 5.1), INBOX not in
 * capitals as its first level.
 */
int folder_name_check(const char *name, struct error *);

/* Levels of hierarchy in it. */
size_t folder_name_levels(const char *name);

#endif
