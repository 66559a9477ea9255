/* SPDX-License-Identifier: ISC */
/*
 * json - writes JSON (RFC 8259), a value at a time, indented for people.
 *
 *   struct json json = json_start(stdout);
 *
 *   json_array(&json, NULL);
 *   json_object(&json, NULL);
 *   json_string(&json, "name", "mail");
 *   json_end(&json);
 *   json_end(&json);
 *
 * Inside an object each value has a KEY, elsewhere it is NULL. Keys are the program's own words:
 * ASCII that needs no escape.
 */
#ifndef POSTERN_CTL_JSON_H
#define POSTERN_CTL_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define JSON_DEPTH 8

struct json {
	FILE *out;
	unsigned depth;
	char closing[JSON_DEPTH]; /* by depth */
	bool any;                 /* something is in the innermost one */
};

struct json json_start(FILE *);

void json_object(struct json *, const char *key);
void json_array(struct json *, const char *key);
void json_end(struct json *); /* of the innermost; a line end behind the last */

/* Bytes that are no UTF-8 (RFC 3629) become U+FFFD: what comes out is always JSON. It is ASCII,
 * with all else escaped: it may go to a terminal, whatever that takes for a control character. */
void json_string(struct json *, const char *key, const char *text);
void json_number(struct json *, const char *key, int64_t number);
void json_bool(struct json *, const char *key, bool value);
void json_null(struct json *, const char *key);

#endif
