/* SPDX-License-Identifier: ISC */
#include "master/conf_table.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/nearest.h"

#define KEY_PATH_SIZE 128

static const char *
type_name(const config_setting_t *setting)
{
	switch (config_setting_type(setting)) {
	case CONFIG_TYPE_GROUP:
		return "a group { }";
	case CONFIG_TYPE_LIST:
		return "a list ( )";
	case CONFIG_TYPE_ARRAY:
		return "an array [ ]";
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		return "a number";
	case CONFIG_TYPE_FLOAT:
		return "a number with a fraction";
	case CONFIG_TYPE_BOOL:
		return "true or false";
	case CONFIG_TYPE_STRING:
		return "a string";
	default:
		return "something else";
	}
}

/* "limits.sessions": the names from the root down, the last ones that fit; elements of lists have
 * none. */
static void
key_path(const config_setting_t *setting, char out[KEY_PATH_SIZE])
{
	char longer[KEY_PATH_SIZE];

	out[0] = '\0';
	for (; setting != NULL; setting = config_setting_parent(setting)) {
		const char *name = config_setting_name(setting);

		if (name == NULL)
			continue;
		if ((size_t)snprintf(longer, sizeof(longer), "%s%s%s", name, out[0] ? "." : "",
				     out) >= sizeof(longer))
			break;
		memcpy(out, longer, KEY_PATH_SIZE);
	}
}

struct conf_where
conf_where(struct conf_reader *r, const config_setting_t *setting)
{
	const char *file = config_setting_source_file(setting);

	return (struct conf_where){
	    .file = conf_file(r->conf, file != NULL ? file : r->conf->path),
	    .line = config_setting_source_line(setting),
	};
}

void
conf_bad(struct conf_reader *r, const config_setting_t *setting, const char *format, ...)
{
	char path[KEY_PATH_SIZE], text[ERROR_MAX - KEY_PATH_SIZE];
	va_list ap;

	key_path(setting, path);
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	conf_problem(r->problems, conf_where(r, setting), "%s %s", path, text);
}

static void *
member(const struct conf_key *key, void *target)
{
	return (char *)target + key->offset;
}

static void
set_number(struct conf_reader *r, const struct conf_key *key, const config_setting_t *setting,
	   void *target)
{
	int type = config_setting_type(setting);
	const char *unit = key->unit ? key->unit : "", *space = key->unit ? " " : "";
	long long value;

	if (type != CONFIG_TYPE_INT && type != CONFIG_TYPE_INT64) {
		conf_bad(r, setting, "must be a whole number%s%s, not %s", space, unit,
			 type_name(setting));
		return;
	}
	value = config_setting_get_int64(setting);
	if (value < (long long)key->min || value > (long long)key->max) {
		conf_bad(r, setting, "must be from %" PRIu32 " to %" PRIu32 "%s%s, not %lld",
			 key->min, key->max, space, unit, value);
		return;
	}
	*(uint32_t *)member(key, target) = (uint32_t)value;
}

static void
list_choices(const char *const *choices, char *out, size_t size)
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; choices[i] != NULL && used < size; i++) {
		int n = snprintf(out + used, size - used, "%s\"%s\"",
				 i == 0           ? ""
				 : choices[i + 1] ? ", "
						  : " or ",
				 choices[i]);
		if (n < 0)
			return;
		used += (size_t)n;
	}
}

static void
set_choice(struct conf_reader *r, const struct conf_key *key, const config_setting_t *setting,
	   void *target)
{
	const char *word = config_setting_get_string(setting);
	char all[200];

	list_choices(key->choices, all, sizeof(all));
	if (word == NULL) {
		conf_bad(r, setting, "must be %s, not %s", all, type_name(setting));
		return;
	}
	for (uint32_t i = 0; key->choices[i] != NULL; i++) {
		if (strcmp(key->choices[i], word) == 0) {
			*(uint32_t *)member(key, target) = i;
			return;
		}
	}
	conf_bad(r, setting, "must be %s, not \"%.64s\"", all, word);
}

static void
set_text(struct conf_reader *r, const struct conf_key *key, const config_setting_t *setting,
	 void *target)
{
	const char *text = config_setting_get_string(setting);
	size_t length;

	if (text == NULL) {
		conf_bad(r, setting, "must be a string, not %s", type_name(setting));
		return;
	}
	length = strlen(text);
	if (length < key->min || length > key->max) {
		conf_bad(r, setting, "must have %" PRIu32 " to %" PRIu32 " characters", key->min,
			 key->max);
		return;
	}
	memcpy(member(key, target), text, length + 1);
}

static void
set_path(struct conf_reader *r, const struct conf_key *key, const config_setting_t *setting,
	 void *target)
{
	const char *path = config_setting_get_string(setting);
	char **stored = member(key, target);

	if (path == NULL || path[0] != '/' || strlen(path) >= PATH_MAX) {
		conf_bad(r, setting, "must be a path that begins with \"/\"");
		return;
	}
	free(*stored);
	*stored = strdup(path);
	if (*stored == NULL)
		conf_bad(r, setting, "could not be kept: out of memory");
}

static void
set_group(struct conf_reader *r, const struct conf_key *key, const config_setting_t *setting,
	  void *target)
{
	if (!config_setting_is_group(setting)) {
		conf_bad(r, setting, "must be a group { }, not %s", type_name(setting));
		return;
	}
	conf_table_read(r, setting, key->keys, target);
}

static void
set_other(struct conf_reader *r, const struct conf_key *key, const config_setting_t *setting,
	  void *target)
{
	key->set(r, setting, target);
}

typedef void setter(struct conf_reader *, const struct conf_key *, const config_setting_t *,
		    void *);
static setter *const setters[] = {
    [CONF_NUMBER] = set_number, [CONF_CHOICE] = set_choice, [CONF_TEXT] = set_text,
    [CONF_PATH] = set_path,     [CONF_GROUP] = set_group,   [CONF_OTHER] = set_other,
};

void
conf_set(struct conf_reader *r, const struct conf_key *key, const config_setting_t *setting,
	 void *target)
{
	setters[key->kind](r, key, setting, target);
}

void
conf_table_defaults(const struct conf_key *keys, void *target)
{
	for (const struct conf_key *key = keys; key->name != NULL; key++) {
		if (key->kind == CONF_NUMBER || key->kind == CONF_CHOICE)
			*(uint32_t *)member(key, target) = key->fallback;
		else if (key->kind == CONF_GROUP)
			conf_table_defaults(key->keys, target);
	}
}

#define TABLE_KEYS_MAX 32

static void
bad_key(struct conf_reader *r, const config_setting_t *setting, const struct conf_key *keys)
{
	const char *words[TABLE_KEYS_MAX + 1] = {NULL}, *meant;

	for (size_t i = 0; i < TABLE_KEYS_MAX && keys[i].name != NULL; i++)
		words[i] = keys[i].name;
	meant = nearest_word(config_setting_name(setting), words);
	if (meant != NULL)
		conf_bad(r, setting, "is not a key that is known here: did you mean \"%s\"?",
			 meant);
	else
		conf_bad(r, setting, "is not a key that is known here: see postern.conf(5)");
}

void
conf_table_read(struct conf_reader *r, const config_setting_t *group, const struct conf_key *keys,
		void *target)
{
	int length = config_setting_length(group);

	for (int i = 0; i < length; i++) {
		const config_setting_t *setting = config_setting_get_elem(group, (unsigned)i);
		const struct conf_key *key = keys;

		while (key->name != NULL && strcmp(key->name, config_setting_name(setting)) != 0)
			key++;
		if (key->name == NULL)
			bad_key(r, setting, keys);
		else
			conf_set(r, key, setting, target);
	}
}

void
conf_set_bool(struct conf_reader *r, const config_setting_t *setting, bool *out)
{
	if (config_setting_type(setting) != CONFIG_TYPE_BOOL)
		conf_bad(r, setting, "must be true or false");
	else
		*out = config_setting_get_bool(setting) != 0;
}

bool
conf_strings(struct conf_reader *r, const config_setting_t *setting, const char *what,
	     conf_string_fn *each, void *target)
{
	const char *text = config_setting_get_string(setting);
	int length;

	if (text != NULL) {
		each(r, setting, text, target);
		return true;
	}
	length = config_setting_is_array(setting) || config_setting_is_list(setting)
		     ? config_setting_length(setting)
		     : 0;
	if (length == 0) {
		conf_bad(r, setting, "must be %s, or several as ( \"...\", \"...\" )", what);
		return false;
	}
	for (int i = 0; i < length; i++) {
		const config_setting_t *element = config_setting_get_elem(setting, (unsigned)i);

		text = config_setting_get_string(element);
		if (text == NULL) {
			conf_bad(r, element, "must hold strings, not %s", type_name(element));
			return false;
		}
		each(r, element, text, target);
	}
	return true;
}
