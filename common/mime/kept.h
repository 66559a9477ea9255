/* SPDX-License-Identifier: ISC */
/*
 * mime/kept - the header fields that a mailbox keeps as text, so that SEARCH need not read the
 * message: Subject, From, To, Cc, Bcc and Message-ID, decoded and folded.
 */
#ifndef POSTERN_COMMON_MIME_KEPT_H
#define POSTERN_COMMON_MIME_KEPT_H

#include <stdbool.h>

#include "common/mime/out.h"
#include "common/mime/structure.h"

/* Octets kept of a message; with more nothing is kept. */
#define MIME_KEPT_MAX 4096

/* Is the field NAME (any case) one that is kept? */
bool mime_is_kept(struct mime_text name);

/*
 * Appends what is kept of a message's HEADER: without NULs, and empty if a field is too long or has
 * an octet that the text can't hold.
 */
void mime_keep_header(struct mime_text header, struct mime_out *);

/*
 * mime_field_contains() (mime/text.h) asked of the text kept: is there a field NAME, one that is
 * kept, whose value contains NEEDLE (folded)? 1, 0, or -1 if nothing was kept: the header must be
 * read.
 */
int mime_kept_contains(const char *kept, struct mime_text name, struct mime_text needle);

#endif
