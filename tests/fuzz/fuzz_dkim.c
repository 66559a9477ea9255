/* SPDX-License-Identifier: ISC */
/*
 * DKIM as strangers write it. The first octet says what the rest is: a signature's value, a key's
 * record, a field, a body, or the fields that certd is asked to sign.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "certd/dkim_compose.h"
#include "common/dkim_fields.h"
#include "worker/filter/dkim_canon.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(int condition)
{
	if (!condition)
		abort();
}

static void
fuzz_signature(const char *text, size_t length)
{
	struct dkim_signature signature;
	char name[HOST_NAME_SIZE];

	for (int kind = DKIM_MESSAGE; kind <= DKIM_ARC_SEAL; kind++) {
		if (dkim_signature_parse((struct mime_text){text, length}, (enum dkim_kind)kind,
					 &signature) != NULL)
			continue;
		must(signature.domain[0] != '\0' && signature.selector[0] != '\0');
		must(signature.length > 0 && signature.length <= DKIM_SIGNATURE_MAX);
		must(signature.b.at >= text &&
		     signature.b.at + signature.b.length <= text + length);
		if (dkim_key_name(&signature, name))
			must(strlen(name) <= 253);
	}
}

static void
fuzz_key(const char *text, size_t length)
{
	struct dkim_key key;

	if (dkim_key_parse(text, length, &key) == NULL)
		must(key.length <= DKIM_KEY_MAX);
}

/* What is canonical stays as it is. */
static void
fuzz_field(const char *text, size_t length)
{
	char *once = malloc(length + 2), *twice = malloc(length + 4);
	size_t used, again;

	must(once != NULL && twice != NULL);
	for (int canon = DKIM_SIMPLE; canon <= DKIM_RELAXED; canon++) {
		used = dkim_canon_field((enum dkim_canon)canon, (struct mime_text){text, length},
					once);
		must(used <= length + 2);
		again =
		    dkim_canon_field((enum dkim_canon)canon, (struct mime_text){once, used}, twice);
		must(again == used && memcmp(once, twice, used) == 0);
	}
	free(once);
	free(twice);
}

struct sink {
	char *octets;
	size_t length, room;
};

static void
collect(void *arg, const void *octets, size_t length)
{
	struct sink *sink = arg;

	must(sink->length + length <= sink->room);
	memcpy(sink->octets + sink->length, octets, length);
	sink->length += length;
}

static void
canonical(enum dkim_canon canon, const char *text, size_t length, size_t piece, struct sink *sink)
{
	struct dkim_body body;

	sink->room = length + 2;
	sink->length = 0;
	sink->octets = malloc(sink->room);
	must(sink->octets != NULL);
	dkim_body_begin(&body, canon, false, 0, collect, sink);
	for (size_t at = 0; at < length; at += piece)
		dkim_body_add(&body, text + at, length - at < piece ? length - at : piece);
	dkim_body_end(&body);
	must(body.size == sink->length);
}

/* In whatever pieces it comes; and what is canonical stays as it is. */
static void
fuzz_body(const char *text, size_t length)
{
	for (int canon = DKIM_SIMPLE; canon <= DKIM_RELAXED; canon++) {
		struct sink whole, pieces, again;

		canonical((enum dkim_canon)canon, text, length, length + 1, &whole);
		canonical((enum dkim_canon)canon, text, length, 3, &pieces);
		canonical((enum dkim_canon)canon, whole.octets, whole.length, 7, &again);
		must(whole.length == pieces.length &&
		     memcmp(whole.octets, pieces.octets, whole.length) == 0);
		must(whole.length == again.length &&
		     memcmp(whole.octets, again.octets, whole.length) == 0);
		free(whole.octets);
		free(pieces.octets);
		free(again.octets);
	}
}

/* Whatever certd takes, what it signs ends with its own field, of its own domain. */
static void
fuzz_compose(const char *text, size_t length)
{
	static const uint8_t hash[DKIM_HASH_SIZE];
	static const char end[] = "b=";
	const struct dkim_order order = {.domain = "example.org",
					 .selector = "s",
					 .body_hash = hash,
					 .fields = text,
					 .length = length};
	struct dkim_composed composed;

	if (!dkim_compose(&order, &composed))
		return;
	must(length > 0 && text[length - 1] == '\n');
	must(strncmp(composed.canonical,
		     "dkim-signature:v=1; a=rsa-sha256; c=relaxed/relaxed; "
		     "d=example.org; s=s;",
		     71) == 0);
	must(strcmp(composed.canonical + composed.canonical_length - 2, end) == 0);
	must(strchr(composed.canonical, '\n') == NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const kinds[])(const char *, size_t) = {fuzz_signature, fuzz_key, fuzz_field,
							      fuzz_body, fuzz_compose};
	char *text;

	if (size < 1 || size > 65536)
		return 0;
	text = malloc(size);
	must(text != NULL);
	memcpy(text, data + 1, size - 1);
	kinds[data[0] % (sizeof(kinds) / sizeof(kinds[0]))](text, size - 1);
	free(text);
	return 0;
}
