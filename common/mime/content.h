/* SPDX-License-Identifier: ISC */
/*
 * mime/content - the values of Content-Type (RFC 2045 5.1), Content-Disposition (RFC 2183 2),
 * Content-Transfer-Encoding and Content-Language: words and parameters. What is broken is read as
 * far as it goes.
 */
#ifndef POSTERN_COMMON_MIME_CONTENT_H
#define POSTERN_COMMON_MIME_CONTENT_H

#include "common/mime/header.h"

/* Where a reader of a value is; and room for one word at a time. */
struct mime_words {
	struct mime_text rest;
	char *room; /* as long as the value; the caller's */
};

/* ROOM has value.length bytes; what is read lies there until the next is read. */
void mime_words_open(struct mime_words *, struct mime_text value, char *room);

/*
 * The next token (RFC 2045 5.1) or quoted-string, unquoted; blanks and comments before it are
 * skipped. False: something else comes, or nothing.
 */
bool mime_next_word(struct mime_words *, struct mime_text *word);

/* Skips blanks and comments, and takes C if that comes. */
bool mime_take(struct mime_words *, char c);

/* "text/plain": both words, where they stand in the value. False if it isn't that. */
bool mime_read_type(struct mime_text value, struct mime_text *type, struct mime_text *subtype);

/* The next "; attribute=value", skipping what is none. False at the end. */
bool mime_next_parameter(struct mime_words *, struct mime_text *attribute, struct mime_text *value);

/* More of them in one field are not read. */
#define MIME_PARAMETERS_MAX 256

struct mime_parameter {
	struct mime_text attribute; /* with a "*" behind it: the value has charset and escapes */
	struct mime_text value;
};

/*
 * All parameters behind the first ";" of a value, each once, the continuations of RFC 2231 3 put
 * together: "a*0=x; a*1=y" is "a=xy"; if one has escapes, all get them, and the name its "*".
 */
struct mime_parameters {
	struct mime_parameter list[MIME_PARAMETERS_MAX];
	size_t count;
	char *room;
};

/* 0, or -1 if there is no memory. mime_parameters_free() in both cases. */
int mime_read_parameters(struct mime_text value, struct mime_parameters *);
void mime_parameters_free(struct mime_parameters *);
/* The value of that one, without its "*" (*ESCAPED then); NULL: there is none. */
const struct mime_parameter *mime_parameter(const struct mime_parameters *, const char *name,
					    bool *escaped);

#endif
