/* SPDX-License-Identifier: ISC */
/* mime/preview - the first words of a message (RFC 8970). */
#ifndef POSTERN_COMMON_MIME_PREVIEW_H
#define POSTERN_COMMON_MIME_PREVIEW_H

#include "common/mime/out.h"
#include "common/mime/structure.h"

/*
 * Appends up to MIME_PREVIEW_MAX characters of UTF-8 from the first text/plain part that is no
 * attachment, or from text/html without its tags: without what is quoted, a blank for each run of
 * blanks. Nothing, if there is no text.
 */
void mime_preview(const struct mime_message *, struct mime_out *);

#endif
