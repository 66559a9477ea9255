/* SPDX-License-Identifier: ISC */
/* mime/subject - the base subject that SORT and THREAD compare (RFC 5256 2.1). */
#ifndef POSTERN_COMMON_MIME_SUBJECT_H
#define POSTERN_COMMON_MIME_SUBJECT_H

#include "common/mime/out.h"

/*
 * VALUE: the Subject: field's, as it stands in the message. OUT gets UTF-8. *REPLY (may be NULL):
 * it is a reply or a forward, as THREAD=REFERENCES wants to know (RFC 5256 3, step 5).
 */
void mime_base_subject(struct mime_text value, struct mime_out *, bool *reply);

#endif
