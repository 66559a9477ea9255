/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/accounts_file.h"

#include <libconfig.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/aliases.h"
#include "common/nearest.h"

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

/* One group while it is read. */
struct group {
	char address[ADDRESS_SIZE];
	struct account account;
	const char *crypt; /* the hash of crypt(3), or NULL */
	const char *scram[SCRAM_HASH_COUNT];
	const config_setting_t *fingerprints; /* a string or several; NULL: none */
	const config_setting_t *subjects;
	const config_setting_t *senders;
};

struct key {
	const char *name;
	int type;
	const char *type_name;
	int (*take)(const config_setting_t *, struct group *, struct error *);
};

static int
take_address(const config_setting_t *setting, struct group *group, struct error *err)
{
	return account_address(config_setting_get_string(setting), group->address, err);
}

static int
take_enabled(const config_setting_t *setting, struct group *group, struct error *err)
{
	(void)err;
	group->account.enabled = config_setting_get_bool(setting) != 0;
	return 0;
}

static int
take_quota(const config_setting_t *setting, struct group *group, struct error *err)
{
	return account_quota(config_setting_get_string(setting), &group->account.quota, err);
}

static int
take_quota_messages(const config_setting_t *setting, struct group *group, struct error *err)
{
	int number = config_setting_get_int(setting);

	if (number < 1)
		return error_set(err, "must be 1 or more");
	group->account.quota_messages = (uint32_t)number;
	return 0;
}

/* How many strings SETTING is: one, or an array; 0 if it is neither. */
static int
count_strings(const config_setting_t *setting)
{
	int type = setting == NULL ? CONFIG_TYPE_NONE : config_setting_type(setting);

	if (type == CONFIG_TYPE_STRING)
		return 1;
	if (type != CONFIG_TYPE_ARRAY && type != CONFIG_TYPE_LIST)
		return 0;
	for (int i = 0; i < config_setting_length(setting); i++) {
		if (config_setting_type(config_setting_get_elem(setting, (unsigned)i)) !=
		    CONFIG_TYPE_STRING)
			return 0;
	}
	return config_setting_length(setting);
}

static bool
is_empty_array(const config_setting_t *setting)
{
	int type = config_setting_type(setting);

	return (type == CONFIG_TYPE_ARRAY || type == CONFIG_TYPE_LIST) &&
	       config_setting_length(setting) == 0;
}

static const char *
string_at(const config_setting_t *setting, int index)
{
	if (config_setting_type(setting) == CONFIG_TYPE_STRING)
		return config_setting_get_string(setting);
	return config_setting_get_string_elem(setting, index);
}

static int
take_strings(const config_setting_t *setting, const config_setting_t **kept, struct error *err)
{
	*kept = setting;
	if (count_strings(setting) == 0 && !is_empty_array(setting))
		return error_set(err, "must be a string, or several: [ \"...\", \"...\" ]");
	return 0;
}

/* Where one of its kind is kept; there is one of each at most. */
static const char **
place_of_hash(struct group *group, const char *hash)
{
	for (size_t i = 0; scram_is_verifier(hash) && i < SCRAM_HASH_COUNT; i++) {
		size_t length = strlen(scram_name((enum scram_hash)i));

		if (strncmp(hash, scram_name((enum scram_hash)i), length) == 0 &&
		    hash[length] == '$')
			return &group->scram[i];
	}
	return &group->crypt;
}

static int
take_password(const config_setting_t *setting, struct group *group, struct error *err)
{
	int count = count_strings(setting);

	if (count == 0)
		return error_set(err, "must be a hash, or several of one password: "
				      "[ \"...\", \"...\" ]");
	for (int i = 0; i < count; i++) {
		const char *hash = string_at(setting, i), **place;

		if (account_hash(hash, err) == -1)
			return -1;
		place = place_of_hash(group, hash);
		if (*place != NULL)
			return error_set(err, "two hashes of one kind");
		*place = hash;
	}
	return 0;
}

static int
take_fingerprint(const config_setting_t *setting, struct group *group, struct error *err)
{
	return take_strings(setting, &group->fingerprints, err);
}

static int
take_subject(const config_setting_t *setting, struct group *group, struct error *err)
{
	return take_strings(setting, &group->subjects, err);
}

static int
take_senders(const config_setting_t *setting, struct group *group, struct error *err)
{
	return take_strings(setting, &group->senders, err);
}

#define ANY_TYPE (-1) /* the taker looks */
static const struct key keys[] = {
    {"address", CONFIG_TYPE_STRING, "a string", take_address},
    {"password", ANY_TYPE, "", take_password},
    {"enabled", CONFIG_TYPE_BOOL, "true or false", take_enabled},
    {"quota", CONFIG_TYPE_STRING, "a string", take_quota},
    {"quota_messages", CONFIG_TYPE_INT, "a number", take_quota_messages},
    {"client_fingerprint", ANY_TYPE, "", take_fingerprint},
    {"client_subject", ANY_TYPE, "", take_subject},
    {"senders", ANY_TYPE, "", take_senders},
};
#define KEYS (sizeof(keys) / sizeof(keys[0]))
static const char *const key_names[] = {"address",        "password",       "enabled",
					"quota",          "quota_messages", "client_fingerprint",
					"client_subject", "senders",        NULL};
static const char *const top_names[] = {"accounts", "aliases", NULL};

static int
unknown_key(const char *name, const char *const *known, struct error *err)
{
	const char *nearest = nearest_word(name, known);

	if (nearest != NULL)
		return error_set(err, "unknown key '%s'; is '%s' meant?", name, nearest);
	return error_set(err, "unknown key '%s'", name);
}

static int
take_setting(const config_setting_t *setting, struct group *group, struct error *err)
{
	const char *name = config_setting_name(setting);

	for (size_t i = 0; i < KEYS; i++) {
		if (strcmp(keys[i].name, name) != 0)
			continue;
		if (keys[i].type != ANY_TYPE && config_setting_type(setting) != keys[i].type)
			return error_set(err, "%s must be %s", name, keys[i].type_name);
		if (keys[i].take(setting, group, err) == -1)
			return error_prefix(err, "%s", name);
		return 0;
	}
	return unknown_key(name, key_names, err);
}

static bool
has_password(const struct group *group)
{
	bool has = group->crypt != NULL;

	for (size_t i = 0; i < SCRAM_HASH_COUNT; i++)
		has = has || group->scram[i] != NULL;
	return has;
}

static int
take_group(const config_setting_t *setting, struct group *group, unsigned *line, struct error *err)
{
	*group = (struct group){.account.enabled = true};
	*line = group->account.line = config_setting_source_line(setting);
	if (config_setting_type(setting) != CONFIG_TYPE_GROUP)
		return error_set(err, "each account must be a group, { address = ...; ... }");
	for (int i = 0; i < config_setting_length(setting); i++) {
		const config_setting_t *one = config_setting_get_elem(setting, (unsigned)i);

		*line = config_setting_source_line(one);
		if (take_setting(one, group, err) == -1)
			return -1;
	}
	*line = group->account.line;
	if (group->address[0] == '\0')
		return error_set(err, "an account without an address");
	if (!has_password(group))
		return error_set(err,
				 "the account %s has no password; posternctl account passwd "
				 "sets one",
				 group->address);
	return 0;
}

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
keep_hashes(struct accounts *accounts, struct account *account, const struct group *group)
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
	int count = count_strings(setting);

	for (int i = 0; i < count; i++) {
		const char *text = string_at(setting, i);
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
	int count = count_strings(setting);

	for (int i = 0; i < count; i++) {
		char sender[ADDRESS_SIZE];
		const char *kept;

		if (alias_address(string_at(setting, i), sender, err) == -1) {
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
add_account(struct accounts *accounts, const struct group *group, unsigned *line, struct error *err)
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
		all += (size_t)count_strings(config_setting_get_member(one, "client_fingerprint"));
		all += (size_t)count_strings(config_setting_get_member(one, "client_subject"));
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
		for (int j = 0; j < count_strings(senders); j++)
			all += is_ascii(string_at(senders, j)) ? 0 : 1;
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
		struct group group;

		if (take_group(one, &group, line, err) == -1 ||
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
			return unknown_key(name, top_names, err);
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

struct accounts *
accounts_parse(const char *text, size_t length, unsigned *line, struct error *err)
{
	struct accounts *accounts = NULL;
	config_t config;

	if (check_text(text, length, line, err) == -1)
		return NULL;
	config_init(&config);
	if (config_read_string(&config, text) != CONFIG_TRUE) {
		*line = config_error_line(&config) > 0 ? (unsigned)config_error_line(&config) : 0;
		error_set(err, "%s", config_error_text(&config));
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
