/* SPDX-License-Identifier: ISC */
/*
 * mime/text - what a message says: words of headers and bodies as UTF-8, folded so that they can be
 * compared, and looked for.
 *
 * The same fold is used for what a client looks for, for what is looked in, and for the full-text
 * index: case folding and compatibility decomposition (NFKD), which is what i;unicode-casemap does
 * (RFC 5051 2, RFC 5255 4: I18NLEVEL=1) but for full instead of simple case folding. So "STRASSE"
 * finds "Strasse" with a sharp s, a composed letter finds a decomposed one.
 */
#ifndef POSTERN_COMMON_MIME_TEXT_H
#define POSTERN_COMMON_MIME_TEXT_H

#include "common/mime/out.h"
#include "common/mime/structure.h"

/* -- Into UTF-8 ----------------------------------------------------------------------------- */

/*
 * Appends a field's value, unfolded, its encoded-words decoded (RFC 2047), as UTF-8 without NULs.
 * Octets above ASCII are UTF-8 (RFC 6532) or else ISO-8859-1 letters.
 */
void mime_decode_words(struct mime_text value, struct mime_out *);

/* A parameter's value (RFC 2231): "utf-8'de'na%C3%AFve" is decoded, anything else is as above. */
void mime_decode_parameter(struct mime_text attribute, struct mime_text value, struct mime_out *);

/* -- Compared ------------------------------------------------------------------------------- */

/* Appends the fold of UTF-8 text; what is not UTF-8 in it becomes U+FFFD. */
void mime_fold(const char *utf8, size_t length, struct mime_out *);

/* Is NEEDLE (folded) in HAYSTACK (folded)? Linear. An empty one is in everything. */
bool mime_contains(const char *haystack, size_t length, const char *needle, size_t needle_length);

/* -- Searched ------------------------------------------------------------------------------- */

#define MIME_WHERE_HEADER 1u /* the header of the message, and of each part in it */
#define MIME_WHERE_BODY 2u   /* the bodies of all text parts, decoded */

/*
 * Calls EACH with the folded text of a message in pieces of some 64 KiB. What is one text (a
 * field's name and value "name: value", a part's body) may come in more than one piece: FIRST is
 * true for the first of each; the others follow without anything between. False from EACH: enough.
 * Returns 0, or -1 if there is no memory.
 */
typedef bool mime_piece_fn(const char *folded, size_t length, bool first, void *arg);
int mime_each_text(const struct mime_message *, unsigned where, mime_piece_fn *each, void *arg);

/*
 * Is NEEDLE (folded) a substring of the text? As SEARCH BODY (WHERE_BODY) and TEXT (both) ask, RFC
 * 9051 6.4.4. 1, 0, or -1 if there is no memory.
 */
int mime_text_contains(const struct mime_message *, unsigned where, struct mime_text needle);

/* SEARCH HEADER: is there a field NAME whose value contains NEEDLE (folded)? HEADER: the message's.
 */
int mime_field_contains(struct mime_text header, struct mime_text name, struct mime_text needle);

#endif
