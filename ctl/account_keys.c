/* SPDX-License-Identifier: ISC */
#include "ctl/account_keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One string for libconfig. */
static void
put_quoted(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

static int
take_one(FILE *block, FILE *value, char kind, const char *text, struct error *err)
{
	char fingerprint[FINGERPRINT_TEXT_SIZE];

	if (kind == 'F') {
		if (account_fingerprint(text, fingerprint, err) == -1)
			return error_prefix(err, "%s", text);
		text = fingerprint;
	} else if (account_subject(text, err) == -1) {
		return error_prefix(err, "%s", text);
	}
	fputc(kind, block);
	fwrite(text, 1, strlen(text) + 1, block);
	fputc(' ', value);
	put_quoted(value, text);
	return 0;
}

static int
take_all(struct account_keys *keys, FILE *block, FILE *value, char *const *texts, struct error *err)
{
	fputc('[', value);
	for (size_t i = 0; i < keys->count; i++) {
		if (i > 0)
			fputc(',', value);
		if (take_one(block, value, keys->kind, texts[i], err) == -1)
			return -1;
	}
	fputs(" ]", value);
	return 0;
}

int
account_keys_take(struct account_keys *keys, char kind, char *const *texts, size_t count,
		  struct error *err)
{
	FILE *block, *value;
	size_t size;
	int result;

	*keys = (struct account_keys){.kind = kind, .count = count};
	block = open_memstream(&keys->block, &keys->length);
	value = open_memstream(&keys->value, &size);
	if (block == NULL || value == NULL)
		result = error_errno(err, "no memory");
	else
		result = take_all(keys, block, value, texts, err);
	if (block != NULL && fclose(block) == EOF && result == 0)
		result = error_errno(err, "no memory");
	if (value != NULL && fclose(value) == EOF && result == 0)
		result = error_errno(err, "no memory");
	if (result == -1)
		account_keys_free(keys);
	return result;
}

void
account_keys_free(struct account_keys *keys)
{
	free(keys->block);
	free(keys->value);
	*keys = (struct account_keys){.kind = 0};
}

const char *
account_keys_name(const struct account_keys *keys)
{
	return keys->kind == 'F' ? "client_fingerprint" : "client_subject";
}

/* Those of ACCOUNT that are of KIND: they stand together. Their bytes, or none. */
static const char *
part(const struct account *account, char kind, size_t *length)
{
	const char *at = account == NULL ? NULL : account->certificates, *first = NULL;

	*length = 0;
	for (size_t i = 0; account != NULL && i < account->certificate_count; i++) {
		size_t size = strlen(at) + 1;

		if (*at == kind) {
			if (first == NULL)
				first = at;
			*length += size;
		}
		at += size;
	}
	return first;
}

bool
account_keys_match(const struct account *account, const struct account *old,
		   const struct account_keys *keys)
{
	for (const char *kind = "FS"; *kind != '\0'; kind++) {
		size_t have, want;
		const char *is = part(account, *kind, &have), *was = part(old, *kind, &want);

		if (keys != NULL && keys->kind == *kind) {
			was = keys->block;
			want = keys->length;
		}
		if (have != want || (have > 0 && memcmp(is, was, have) != 0))
			return false;
	}
	return true;
}
