/* SPDX-License-Identifier: ISC */
/*
 * mime/render - what IMAP's FETCH tells of a message: ENVELOPE, BODY, BODYSTRUCTURE (RFC 9051
 * 7.5.2) and the sections of BODY[...] (6.4.5.1).
 */
#ifndef POSTERN_COMMON_MIME_RENDER_H
#define POSTERN_COMMON_MIME_RENDER_H

#include "common/mime/out.h"
#include "common/mime/structure.h"

/*
 * One answer is not longer than this (and what its punctuation needs): a string that would come
 * behind is NIL. Real mails stay below 100 kB.
 */
#define MIME_RENDER_MAX ((size_t)4 << 20)

/* The envelope of a message: of the whole (PART 0), or of the child of a MIME_MESSAGE. */
void mime_render_envelope(const struct mime_message *, uint32_t part, struct mime_out *);

/* BODYSTRUCTURE, or BODY without the extension data. */
void mime_render_body(const struct mime_message *, bool extension, struct mime_out *);

/*
 * The part with these numbers ("1.2" is {1, 2}; none is the message itself). False: there is none.
 * A message that is no multipart has a part 1, its body: PART is then the message itself.
 */
bool mime_find_part(const struct mime_message *, const uint32_t *numbers, size_t count,
		    uint32_t *part);

/* What may stand in BODY[...] behind the numbers. */
enum mime_section {
	MIME_SECTION_ALL,    /* nothing: the whole message, or a part's body */
	MIME_SECTION_HEADER, /* also for HEADER.FIELDS and .NOT: where their fields come from */
	MIME_SECTION_TEXT,
	MIME_SECTION_MIME,
};

/*
 * Which octets of the message a section is. False: there is no such section (RFC 9051: NIL), as
 * HEADER and TEXT of a part that is no message.
 */
bool mime_find_section(const struct mime_message *, const uint32_t *numbers, size_t count,
		       enum mime_section, struct mime_text *);

/*
 * HEADER.FIELDS, or with NOT HEADER.FIELDS.NOT: the fields of HEADER with (without) one of these
 * names, each as it is there, then an empty line. Names are compared without case.
 */
void mime_render_fields(struct mime_text header, const struct mime_text *names, size_t count,
			bool not, struct mime_out *);

#endif
