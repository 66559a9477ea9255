/* SPDX-License-Identifier: ISC */
#include "certd/import_name.h"

#include <string.h>
#include <strings.h>

#include "common/ascii.h"
#include "common/cert_name.h"

/* What certificates come in. */
static const char *const suffixes[] = {".crt", ".cer", ".cert", ".pem", ".der", ".p7b", ".p7c",
				       ".p12", ".pfx", ".key",  ".csr", ".txt", ".b64"};
/* What our own files end in, and temporary ones of many programs. */
static const char *const confusing[] = {".key", ".csr", ".crt", ".pem",
					".new", ".old", ".bak", ".tmp"};

static bool
ends_with(const char *name, size_t length, const char *suffix)
{
	size_t end = strlen(suffix);

	return length > end && strncasecmp(name + length - end, suffix, end) == 0;
}

int
import_name_check(const char *name, struct error *err)
{
	if (!cert_name_valid(name))
		return error_set(err,
				 "'%.*s' can't be a certificate's NAME, which is " CERT_NAME_RULE
				 ": choose one with --name",
				 CERT_NAME_SIZE, name);
	for (size_t i = 0; i < sizeof(confusing) / sizeof(confusing[0]); i++) {
		if (ends_with(name, strlen(name), confusing[i]))
			return error_set(err,
					 "'%s' as a NAME would be confused with a file: choose one "
					 "that doesn't end in %s",
					 name, confusing[i]);
	}
	return 0;
}

static size_t
without_suffixes(const char *file)
{
	size_t length = strlen(file), i = 0;

	while (i < sizeof(suffixes) / sizeof(suffixes[0])) {
		if (ends_with(file, length, suffixes[i])) {
			length -= strlen(suffixes[i]);
			i = 0;
		} else {
			i++;
		}
	}
	return length;
}

int
import_name_from_file(const char *file, char name[CERT_NAME_SIZE], struct error *err)
{
	size_t length = without_suffixes(file);
	char text[CERT_NAME_SIZE + 1];

	/* One character too many makes it invalid, and shows what it was. */
	if (length >= sizeof(text))
		length = sizeof(text) - 1;
	memcpy(text, file, length);
	text[length] = '\0';
	for (char *c = text; *c != '\0'; c++) {
		if (*c < ' ' || *c > '~')
			*c = '?';
	}
	if (import_name_check(text, err) == -1)
		return -1;
	strlcpy(name, text, CERT_NAME_SIZE);
	return 0;
}

int
import_name_from_text(const char *text, char name[CERT_NAME_SIZE], struct error *err)
{
	size_t used = 0;

	if (strncmp(text, "*.", 2) == 0) {
		used = strlcpy(name, "wildcard", CERT_NAME_SIZE);
		text++;
	}
	for (; *text != '\0' && used < CERT_NAME_SIZE - 1; text++) {
		bool fine = ascii_is_alnum(*text) || *text == '_' ||
			    (used > 0 && (*text == '.' || *text == '-'));

		name[used++] = fine ? ascii_lower(*text) : '_';
	}
	name[used] = '\0';
	return import_name_check(name, err);
}
