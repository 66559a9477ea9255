/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/account_group.h"

#include <string.h>

#include "common/nearest.h"

struct key {
	const char *name;
	int type;
	const char *type_name;
	int (*take)(const config_setting_t *, struct account_group *, struct error *);
};

static int
take_address(const config_setting_t *setting, struct account_group *group, struct error *err)
{
	return account_address(config_setting_get_string(setting), group->address, err);
}

static int
take_enabled(const config_setting_t *setting, struct account_group *group, struct error *err)
{
	(void)err;
	group->account.enabled = config_setting_get_bool(setting) != 0;
	return 0;
}

static int
take_quota(const config_setting_t *setting, struct account_group *group, struct error *err)
{
	return account_quota(config_setting_get_string(setting), &group->account.quota, err);
}

static int
take_quota_messages(const config_setting_t *setting, struct account_group *group, struct error *err)
{
	int number = config_setting_get_int(setting);

	if (number < 1)
		return error_set(err, "must be 1 or more");
	group->account.quota_messages = (uint32_t)number;
	return 0;
}

/* LIMIT: one of those of the account. */
static int
take_limit(const config_setting_t *setting, uint32_t *limit, struct error *err)
{
	int number = config_setting_get_int(setting);

	if (number < 1)
		return error_set(err, "must be 1 or more");
	*limit = (uint32_t)number;
	return 0;
}

static int
take_messages_per_hour(const config_setting_t *setting, struct account_group *group,
		       struct error *err)
{
	return take_limit(setting, &group->account.limits.messages_per_hour, err);
}

static int
take_recipients_per_hour(const config_setting_t *setting, struct account_group *group,
			 struct error *err)
{
	return take_limit(setting, &group->account.limits.recipients_per_hour, err);
}

static int
take_recipients_per_message(const config_setting_t *setting, struct account_group *group,
			    struct error *err)
{
	return take_limit(setting, &group->account.limits.recipients_per_message, err);
}

int
setting_strings(const config_setting_t *setting)
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

const char *
setting_string_at(const config_setting_t *setting, int index)
{
	if (config_setting_type(setting) == CONFIG_TYPE_STRING)
		return config_setting_get_string(setting);
	return config_setting_get_string_elem(setting, index);
}

static int
take_strings(const config_setting_t *setting, const config_setting_t **kept, struct error *err)
{
	*kept = setting;
	if (setting_strings(setting) == 0 && !is_empty_array(setting))
		return error_set(err, "must be a string, or several: [ \"...\", \"...\" ]");
	return 0;
}

/* Where one of its kind is kept; there is one of each at most. */
static const char **
place_of_hash(struct account_group *group, const char *hash)
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
take_password(const config_setting_t *setting, struct account_group *group, struct error *err)
{
	int count = setting_strings(setting);

	if (count == 0)
		return error_set(err, "must be a hash, or several of one password: "
				      "[ \"...\", \"...\" ]");
	for (int i = 0; i < count; i++) {
		const char *hash = setting_string_at(setting, i), **place;

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
take_fingerprint(const config_setting_t *setting, struct account_group *group, struct error *err)
{
	return take_strings(setting, &group->fingerprints, err);
}

static int
take_subject(const config_setting_t *setting, struct account_group *group, struct error *err)
{
	return take_strings(setting, &group->subjects, err);
}

static int
take_senders(const config_setting_t *setting, struct account_group *group, struct error *err)
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
    {"messages_per_hour", CONFIG_TYPE_INT, "a number", take_messages_per_hour},
    {"recipients_per_hour", CONFIG_TYPE_INT, "a number", take_recipients_per_hour},
    {"recipients_per_message", CONFIG_TYPE_INT, "a number", take_recipients_per_message},
    {"client_fingerprint", ANY_TYPE, "", take_fingerprint},
    {"client_subject", ANY_TYPE, "", take_subject},
    {"senders", ANY_TYPE, "", take_senders},
};
#define KEYS (sizeof(keys) / sizeof(keys[0]))
static const char *const key_names[] = {"address",
					"password",
					"enabled",
					"quota",
					"quota_messages",
					"client_fingerprint",
					"client_subject",
					"senders",
					"messages_per_hour",
					"recipients_per_hour",
					"recipients_per_message",
					NULL};

int
setting_unknown(const char *name, const char *const *known, struct error *err)
{
	const char *nearest = nearest_word(name, known);

	if (nearest != NULL)
		return error_set(err, "unknown key '%s'; is '%s' meant?", name, nearest);
	return error_set(err, "unknown key '%s'", name);
}

static int
take_setting(const config_setting_t *setting, struct account_group *group, struct error *err)
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
	return setting_unknown(name, key_names, err);
}

static bool
has_password(const struct account_group *group)
{
	bool has = group->crypt != NULL;

	for (size_t i = 0; i < SCRAM_HASH_COUNT; i++)
		has = has || group->scram[i] != NULL;
	return has;
}

int
account_group_take(const config_setting_t *setting, struct account_group *group, unsigned *line,
		   struct error *err)
{
	*group = (struct account_group){.account.enabled = true};
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
