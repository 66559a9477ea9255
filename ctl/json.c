/* SPDX-License-Identifier: ISC */
#include "ctl/json.h"

#include <inttypes.h>
#include <string.h>

#include "ctl/text.h"

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

/* Beyond U+FFFF as two surrogates (RFC 8259 7). */
static void
write_escaped(FILE *out, uint32_t code)
{
	if (code > 0xffff) {
		fprintf(out, "\\u%04" PRIx32, 0xd800 + ((code - 0x10000) >> 10));
		code = 0xdc00 + (code & 0x3ff);
	}
	fprintf(out, "\\u%04" PRIx32, code);
}

void
json_string(struct json *json, const char *key, const char *text)
{
	const unsigned char *at = (const unsigned char *)text;

	begin_value(json, key);
	fputc('"', json->out);
	while (*at != '\0') {
		uint32_t code;
		size_t length = text_character(at, &code);

		if (code < ' ' || code > '~') {
			write_escaped(json->out, code);
		} else {
			if (code == '"' || code == '\\')
				fputc('\\', json->out);
			fputc((int)code, json->out);
		}
		at += length == 0 ? 1 : length;
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
