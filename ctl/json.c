/* SPDX-License-Identifier: ISC */
#include "ctl/json.h"

#include <inttypes.h>
#include <string.h>

struct json
json_start(FILE *out)
{
	return (struct json){.out = out};
}

static void
indent(const struct json *json)
{
	for (unsigned i = 0; i < json->depth; i++)
		fputs("  ", json->out);
}

/* What stands in front of any value. */
static void
begin_value(struct json *json, const char *key)
{
	if (json->any)
		fputc(',', json->out);
	if (json->depth > 0) {
		fputc('\n', json->out);
		indent(json);
	}
	if (key != NULL)
		fprintf(json->out, "\"%s\": ", key);
	json->any = true;
}

static void
begin_group(struct json *json, const char *key, char opening, char closing)
{
	begin_value(json, key);
	fputc(opening, json->out);
	if (json->depth < JSON_DEPTH)
		json->closing[json->depth++] = closing;
	json->any = false;
}

void
json_object(struct json *json, const char *key)
{
	begin_group(json, key, '{', '}');
}

void
json_array(struct json *json, const char *key)
{
	begin_group(json, key, '[', ']');
}

void
json_end(struct json *json)
{
	if (json->depth == 0)
		return;
	json->depth--;
	if (json->any) {
		fputc('\n', json->out);
		indent(json);
	}
	fputc(json->closing[json->depth], json->out);
	json->any = true;
	if (json->depth == 0)
		fputc('\n', json->out);
}

/* The bytes of the character that TEXT begins with, 0 if it is none (RFC 3629 4). */
static size_t
character(const unsigned char *text)
{
	static const struct {
		unsigned char from, to;  /* the first byte */
		unsigned char low, high; /* the second */
		size_t length;
	} forms[] = {
	    {0x20, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
	    {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
	    {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
	};

	/* A NUL in the middle is no continuation, so nothing is read behind the end. */
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		size_t length = forms[i].length;

		if (text[0] < forms[i].from || text[0] > forms[i].to)
			continue;
		if (length > 1 && (text[1] < forms[i].low || text[1] > forms[i].high))
			return 0;
		for (size_t k = 2; k < length; k++) {
			if ((text[k] & 0xc0) != 0x80)
				return 0;
		}
		return length;
	}
	return 0;
}

void
json_string(struct json *json, const char *key, const char *text)
{
	const unsigned char *at = (const unsigned char *)text;

	begin_value(json, key);
	fputc('"', json->out);
	while (*at != '\0') {
		size_t length = character(at);

		if (*at < 0x20 || *at == 0x7f) {
			fprintf(json->out, "\\u%04x", *at);
			length = 1;
		} else if (length == 0) {
			fputs("\\ufffd", json->out);
			length = 1;
		} else {
			if (*at == '"' || *at == '\\')
				fputc('\\', json->out);
			fwrite(at, 1, length, json->out);
		}
		at += length;
	}
	fputc('"', json->out);
}

void
json_number(struct json *json, const char *key, int64_t number)
{
	begin_value(json, key);
	fprintf(json->out, "%" PRId64, number);
}

void
json_bool(struct json *json, const char *key, bool value)
{
	begin_value(json, key);
	fputs(value ? "true" : "false", json->out);
}

void
json_null(struct json *json, const char *key)
{
	begin_value(json, key);
	fputs("null", json->out);
}
