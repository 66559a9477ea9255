/* SPDX-License-Identifier: ISC */
/*
 * accounts.conf as bytes: parsed; and what is valid is edited by posternctl's text functions, which
 * must leave text that is valid, or say that they can't.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/accounts_file.h"
#include "common/aliases.h"
#include "ctl/accounts_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* libconfig 1.5 loses a string when its parser stops in the middle of one: some bytes a bad file.
 */
const char *__lsan_default_suppressions(void);
const char *
__lsan_default_suppressions(void)
{
	return "leak:libconfig.so";
}

#define HASH "\"$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjlO\""

static void
check_edit(char *text)
{
	struct accounts *accounts;
	struct error err;
	unsigned line;

	if (text == NULL)
		return;
	/* That it is what was meant is posternctl's to check; that it is safe is checked here. */
	accounts = accounts_parse(text, strlen(text), &line, &err);
	accounts_free(accounts);
	free(text);
}

/* Each subject that is listed is found again. */
static void
check_certificates(const struct accounts *accounts, const struct account *account)
{
	const char *key = account->certificates;

	for (size_t i = 0; i < account->certificate_count; i++) {
		if (*key == 'S' && accounts_find_subject(accounts, key + 1) != account)
			abort();
		key += strlen(key) + 1;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct text_setting added[] = {
	    {"address", "\"new@example.org\""}, {"password", HASH}, {NULL, NULL}};
	static const struct text_setting alias[] = {
	    {"address", "\"@example.org\""}, {"to", "\"a@example.org\""}, {NULL, NULL}};
	static const struct text_setting to = {"to", "[ \"a@example.org\" ]"};
	static const struct text_setting off = {"enabled", "false"};
	char *text = malloc(size + 1);
	struct accounts *accounts;
	struct error err;
	unsigned line;

	if (text == NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	accounts = accounts_parse(text, size, &line, &err);
	if (accounts != NULL) {
		size_t count = accounts_count(accounts);

		for (size_t i = 0; i < count; i++) {
			const struct account *account = accounts_at(accounts, i);

			if (accounts_find(accounts, account->address) != account)
				abort();
			check_certificates(accounts, account);
			check_edit(text_set(text, "accounts", i, &off, &err));
			check_edit(text_remove(text, "accounts", i, &err));
		}
		for (size_t i = 0; i < aliases_count(accounts_aliases(accounts)); i++) {
			check_edit(text_set(text, "aliases", i, &to, &err));
			check_edit(text_remove(text, "aliases", i, &err));
		}
		check_edit(text_add(text, "accounts", added, &err));
		check_edit(text_add(text, "aliases", alias, &err));
	}
	accounts_free(accounts);
	free(text);
	return 0;
}
