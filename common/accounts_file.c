/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/accounts_file.h"

#include <libconfig.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/account_group.h"
#include "common/aliases.h"

struct accounts {
	struct account *list;
	size_t count;
	char *strings; /* of all accounts, in one block, so that they are wiped at once */
	size_t strings_size;
	size_t strings_used;
	struct hsearch_data index; /* by address */
	bool indexed;
	struct hsearch_data certificates; /* by 'F' and fingerprint, by 'S' and subject */
	bool certificates_indexed;
	struct aliases *aliases;
};

static const char *const top_names[] = {"accounts", "aliases", NULL};

/* The block was made large enough for all. */
static const char *
keep_string(struct accounts *accounts, const char *string)
{
	char *kept = accounts->strings + accounts->strings_used;
	size_t size = strlen(string) + 1;

	memcpy(kept, string, size);
	accounts->strings_used += size;
	return kept;
}

static void
keep_hashes(struct accounts *accounts, struct account *account, const struct account_group *group)
{
	if (group->crypt != NULL)
		account->hash = keep_string(accounts, group->crypt);
	for (size_t i = 0; i < SCRAM_HASH_COUNT; i++) {
		if (group->scram[i] == NULL)
			continue;
		account->scram[i] = keep_string(accounts, group->scram[i]);
		if (account->hash == NULL) /* the stronger ones come first */
			account->hash = account->scram[i];
	}
}

/* One that another account has too would not say whose it is. */
static int
add_certificate(struct accounts *accounts, struct account *account, const char *key,
		struct error *err)
{
	const struct account *first;
	ENTRY *found, entry;

	memset(&entry, 0, sizeof(entry));
	memcpy(&entry.key, &key, sizeof(entry.key)); /* hsearch(3) lacks a const */
	if (hsearch_r(entry, FIND, &found, &accounts->certificates) != 0) {
		first = found->data;
		return error_set(err, "this certificate is the account %s's already, in line %u",
				 first->address, first->line);
	}
	key = keep_string(accounts, key);
	memcpy(&entry.key, &key, sizeof(entry.key));
	entry.data = account;
	if (hsearch_r(entry, ENTER, &found, &accounts->certificates) == 0)
		return error_errno(err, "indexing the certificates");
	if (account->certificate_count++ == 0)
		account->certificates = key;
	return 0;
}

/* KIND: 'F' or 'S'. */
static int
add_certificates(struct accounts *accounts, struct account *account, char kind,
		 const config_setting_t *setting, unsigned *line, struct error *err)
{
	int count = setting_strings(setting);

	for (int i = 0; i < count; i++) {
		const char *text = setting_string_at(setting, i);
		char key[1 + SUBJECT_MAX + 1] = {kind};
		int good = kind == 'F' ? account_fingerprint(text, key + 1, err)
				       : account_subject(text, err);

		if (good == 0 && kind == 'S')
			strlcpy(key + 1, text, sizeof(key) - 1);
		if (good == -1 || add_certificate(accounts, account, key, err) == -1) {
			*line = config_setting_source_line(setting);
			return error_prefix(err, "%s", config_setting_name(setting));
		}
	}
	return 0;
}

static int
add_senders(struct accounts *accounts, struct account *account, const config_setting_t *setting,
	    unsigned *line, struct error *err)
{
	int count = setting_strings(setting);

	for (int i = 0; i < count; i++) {
		char sender[ADDRESS_SIZE];
		const char *kept;

		if (alias_address(setting_string_at(setting, i), sender, err) == -1) {
			*line = config_setting_source_line(setting);
			return error_prefix(err, "senders");
		}
		kept = keep_string(accounts, sender);
		if (account->sender_count++ == 0)
			account->senders = kept;
	}
	return 0;
}

static int
add_account(struct accounts *accounts, const struct account_group *group, unsigned *line,
	    struct error *err)
{
	struct account *account = &accounts->list[accounts->count];
	const struct account *first = accounts_find(accounts, group->address);
	ENTRY *found, entry;

	if (first != NULL) {
		*line = group->account.line;
		return error_set(err, "the account %s is there already, in line %u", group->address,
				 first->line);
	}
	*account = group->account;
	account->address = keep_string(accounts, group->address);
	keep_hashes(accounts, account, group);
	memcpy(&entry.key, &account->address, sizeof(entry.key)); /* hsearch(3) lacks a const */
	entry.data = account;
	if (hsearch_r(entry, ENTER, &found, &accounts->index) == 0)
		return error_errno(err, "indexing the accounts");
	accounts->count++;
	if (add_certificates(accounts, account, 'F', group->fingerprints, line, err) == -1)
		return -1;
	if (add_certificates(accounts, account, 'S', group->subjects, line, err) == -1)
		return -1;
	return add_senders(accounts, account, group->senders, line, err);
}

/* All strings of the file cannot need more than the file has, but for A-labels: MORE bytes. */
static struct accounts *
allocate(size_t count, size_t certificates, size_t length, size_t more, struct error *err)
{
	struct accounts *accounts = calloc(1, sizeof(*accounts));

	if (accounts == NULL) {
		error_errno(err, "no memory");
		return NULL;
	}
	accounts->strings_size = length + 1 + more;
	accounts->strings = malloc(accounts->strings_size);
	accounts->list = calloc(count + 1, sizeof(*accounts->list));
	accounts->indexed = hcreate_r(count * 2 + 1, &accounts->index) != 0;
	accounts->certificates_indexed =
	    hcreate_r(certificates * 2 + 1, &accounts->certificates) != 0;
	if (accounts->strings == NULL || accounts->list == NULL || !accounts->indexed ||
	    !accounts->certificates_indexed) {
		error_set(err, "no memory for %zu accounts", count);
		accounts_free(accounts);
		return NULL;
	}
	return accounts;
}

/* The table for them can't grow. */
static size_t
count_certificates(const config_setting_t *list, size_t count)
{
	size_t all = 0;

	for (size_t i = 0; i < count; i++) {
		const config_setting_t *one = config_setting_get_elem(list, (unsigned)i);

		if (!config_setting_is_group(one))
			continue;
		all +=
		    (size_t)setting_strings(config_setting_get_member(one, "client_fingerprint"));
		all += (size_t)setting_strings(config_setting_get_member(one, "client_subject"));
	}
	return all;
}

static bool
is_ascii(const char *text)
{
	while (*text != '\0' && (unsigned char)*text < 128)
		text++;
	return *text == '\0';
}

/* How many domains get A-labels, which may be longer than what the file has. */
static size_t
count_domains(const config_setting_t *list, size_t count)
{
	size_t all = 0;

	for (size_t i = 0; i < count; i++) {
		const config_setting_t *one = config_setting_get_elem(list, (unsigned)i);
		const config_setting_t *senders;
		const char *address;

		if (!config_setting_is_group(one))
			continue;
		if (config_setting_lookup_string(one, "address", &address) == CONFIG_TRUE)
			all += is_ascii(address) ? 0 : 1;
		senders = config_setting_get_member(one, "senders");
		for (int j = 0; j < setting_strings(senders); j++)
			all += is_ascii(setting_string_at(senders, j)) ? 0 : 1;
	}
	return all;
}

static struct accounts *
take_list(const config_setting_t *list, size_t length, unsigned *line, struct error *err)
{
	size_t count = list == NULL ? 0 : (size_t)config_setting_length(list);
	struct accounts *accounts;

	if (count > ACCOUNTS_MAX) {
		error_set(err, "more than %u accounts", ACCOUNTS_MAX);
		return NULL;
	}
	accounts = allocate(count, count_certificates(list, count), length,
			    count_domains(list, count) * HOST_NAME_SIZE, err);
	if (accounts == NULL)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		const config_setting_t *one = config_setting_get_elem(list, (unsigned)i);
		struct account_group group;

		if (account_group_take(one, &group, line, err) == -1 ||
		    add_account(accounts, &group, line, err) == -1) {
			accounts_free(accounts);
			return NULL;
		}
	}
	*line = 0;
	return accounts;
}

/* The keys of the file; NULL where one is not given. */
struct lists {
	const config_setting_t *accounts;
	const config_setting_t *aliases;
};

static int
find_lists(const config_setting_t *root, struct lists *lists, unsigned *line, struct error *err)
{
	for (int i = 0; i < config_setting_length(root); i++) {
		const config_setting_t *one = config_setting_get_elem(root, (unsigned)i);
		const char *name = config_setting_name(one);

		*line = config_setting_source_line(one);
		if (strcmp(name, "accounts") != 0 && strcmp(name, "aliases") != 0)
			return setting_unknown(name, top_names, err);
		if (config_setting_type(one) != CONFIG_TYPE_LIST)
			return error_set(err, "%s must be a list, %s = ( { ... }, ... );", name,
					 name);
		if (strcmp(name, "accounts") == 0)
			lists->accounts = one;
		else
			lists->aliases = one;
	}
	return 0;
}

static struct accounts *
take_root(const config_setting_t *root, size_t length, unsigned *line, struct error *err)
{
	struct lists lists = {NULL, NULL};
	struct accounts *accounts;

	if (find_lists(root, &lists, line, err) == -1)
		return NULL;
	accounts = take_list(lists.accounts, length, line, err);
	if (accounts == NULL)
		return NULL;
	accounts->aliases = aliases_take(lists.aliases, accounts, line, err);
	if (accounts->aliases == NULL) {
		accounts_free(accounts);
		return NULL;
	}
	return accounts;
}

/*
 * What must not reach libconfig: an @include would open files in a process that may not, and its
 * parser would take a NUL for the end. An "@include" counts at the start of a line only; one in a
 * comment there is refused too, to be simple.
 */
static int
check_text(const char *text, size_t length, unsigned *line, struct error *err)
{
	static const char include[] = "@include";
	const char *end = text + length;

	*line = 1;
	for (const char *p = text; p < end; (*line)++) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		const char *stop = newline == NULL ? end : newline;

		if (memchr(p, '\0', (size_t)(stop - p)) != NULL)
			return error_set(err, "a NUL byte; is this a text file?");
		while (p < stop && (*p == ' ' || *p == '\t'))
			p++;
		if ((size_t)(stop - p) >= sizeof(include) - 1 &&
		    memcmp(p, include, sizeof(include) - 1) == 0)
			return error_set(err, "@include is not supported here");
		p = newline == NULL ? end : newline + 1;
	}
	*line = 0;
	return 0;
}

/* To libconfig, a comment in the last line is a syntax error if that line doesn't end. */
static int
read_text(config_t *config, const char *text, size_t length)
{
	char *whole;
	int result;

	if (length == 0 || text[length - 1] == '\n')
		return config_read_string(config, text);
	whole = malloc(length + 2);
	if (whole == NULL)
		return CONFIG_FALSE;
	memcpy(whole, text, length);
	memcpy(whole + length, "\n", 2);
	result = config_read_string(config, whole);
	freezero(whole, length + 2);
	return result;
}

struct accounts *
accounts_parse(const char *text, size_t length, unsigned *line, struct error *err)
{
	struct accounts *accounts = NULL;
	const char *problem;
	config_t config;

	if (check_text(text, length, line, err) == -1)
		return NULL;
	config_init(&config);
	if (read_text(&config, text, length) != CONFIG_TRUE) {
		*line = config_error_line(&config) > 0 ? (unsigned)config_error_line(&config) : 0;
		problem = config_error_text(&config);
		error_set(err, "%s", problem != NULL ? problem : "no memory");
	} else {
		accounts = take_root(config_root_setting(&config), length, line, err);
	}
	config_destroy(&config);
	return accounts;
}

void
accounts_free(struct accounts *accounts)
{
	if (accounts == NULL)
		return;
	if (accounts->indexed)
		hdestroy_r(&accounts->index);
	if (accounts->certificates_indexed)
		hdestroy_r(&accounts->certificates);
	aliases_free(accounts->aliases);
	freezero(accounts->strings, accounts->strings_size);
	free(accounts->list);
	free(accounts);
}

const struct aliases *
accounts_aliases(const struct accounts *accounts)
{
	return accounts->aliases;
}

size_t
accounts_count(const struct accounts *accounts)
{
	return accounts->count;
}

const struct account *
accounts_at(const struct accounts *accounts, size_t index)
{
	return &accounts->list[index];
}

static const struct account *
find(const struct hsearch_data *table, const char *key)
{
	struct hsearch_data index = *table; /* a lookup changes nothing, but wants to */
	ENTRY *found, entry;

	memcpy(&entry.key, &key, sizeof(entry.key));
	entry.data = NULL;
	if (hsearch_r(entry, FIND, &found, &index) == 0)
		return NULL;
	return found->data;
}

const struct account *
accounts_find(const struct accounts *accounts, const char *address)
{
	return find(&accounts->index, address);
}

const struct account *
accounts_find_fingerprint(const struct accounts *accounts,
			  const uint8_t fingerprint[FINGERPRINT_SIZE])
{
	char key[1 + FINGERPRINT_TEXT_SIZE] = "F";

	for (size_t i = 0; i < FINGERPRINT_SIZE; i++)
		snprintf(key + 1 + 2 * i, 3, "%02x", fingerprint[i]);
	return find(&accounts->certificates, key);
}

const struct account *
accounts_find_subject(const struct accounts *accounts, const char *subject)
{
	char key[1 + SUBJECT_MAX + 1] = "S";

	if (strlcpy(key + 1, subject, sizeof(key) - 1) >= sizeof(key) - 1)
		return NULL;
	return find(&accounts->certificates, key);
}
