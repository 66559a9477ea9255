/* SPDX-License-Identifier: ISC */
/*
 * addresses = { separator = "+"; tag_folders = false; forward = true; srs = true; srs_domain =
 * "example.org"; domains = ( { name = "example.net"; separator = "-"; forward = false; } ); }
 */
#include <stdlib.h>
#include <string.h>

#include "master/conf_keys.h"

/* Of what a dot-string may have, what is no letter, digit or dot (RFC 5322 3.2.3); "/" is no part
 * of an account's address. */
static void
read_separator(struct conf_reader *r, const config_setting_t *setting, char out[2])
{
	const char *text = config_setting_get_string(setting);

	if (text == NULL || strlen(text) > 1 ||
	    (text[0] != '\0' && strchr("!#$%&'*+-=?^_`{|}~", text[0]) == NULL))
		conf_bad(r, setting, "must be one of !#$%%&'*+-=?^_`{|}~, or \"\" for none");
	else
		strlcpy(out, text, 2);
}

/* -- One domain's ---------------------------------------------------------------------------- */

static void
set_name(struct conf_reader *r, const config_setting_t *setting, void *target)
{
	struct conf_address_domain *domain = target;
	const char *text = config_setting_get_string(setting);

	if (text == NULL)
		conf_bad(r, setting, "must be a string");
	else
		conf_read_domain(r, setting, text, domain->name);
}

static void
set_domain_separator(struct conf_reader *r, const config_setting_t *setting, void *target)
{
	struct conf_address_domain *domain = target;

	domain->separator_given = true;
	read_separator(r, setting, domain->separator);
}

static void
set_domain_forward(struct conf_reader *r, const config_setting_t *setting, void *target)
{
	struct conf_address_domain *domain = target;

	domain->forward_given = true;
	conf_set_bool(r, setting, &domain->forward);
}

static void
set_domain_tag_folders(struct conf_reader *r, const config_setting_t *setting, void *target)
{
	struct conf_address_domain *domain = target;

	domain->tag_folders_given = true;
	conf_set_bool(r, setting, &domain->tag_folders);
}

static const struct conf_key domain_keys[] = {
    {.name = "name", .kind = CONF_OTHER, .set = set_name},
    {.name = "separator", .kind = CONF_OTHER, .set = set_domain_separator},
    {.name = "forward", .kind = CONF_OTHER, .set = set_domain_forward},
    {.name = "tag_folders", .kind = CONF_OTHER, .set = set_domain_tag_folders},
    {0},
};

static void
set_domains(struct conf_reader *r, const config_setting_t *setting, void *target)
{
	struct conf_addresses *addresses = &((struct configuration *)target)->addresses;
	size_t count = (size_t)config_setting_length(setting);

	if (!config_setting_is_list(setting)) {
		conf_bad(r, setting, "must be a list of groups: ( { name = \"...\"; ... }, ... )");
		return;
	}
	free(addresses->domains);
	addresses->domain_count = 0;
	addresses->domains = calloc(count + 1, sizeof(*addresses->domains));
	if (addresses->domains == NULL) {
		conf_bad(r, setting, "cannot be kept: out of memory");
		return;
	}
	for (size_t i = 0; i < count; i++) {
		const config_setting_t *group = config_setting_get_elem(setting, (unsigned)i);
		struct conf_address_domain *domain = &addresses->domains[addresses->domain_count];

		domain->where = conf_where(r, group);
		if (!config_setting_is_group(group)) {
			conf_bad(r, setting, "has something else than groups in it");
			continue;
		}
		conf_table_read(r, group, domain_keys, domain);
		addresses->domain_count++;
	}
}

/* -- All of them ----------------------------------------------------------------------------- */

static void
set_separator(struct conf_reader *r, const config_setting_t *setting, void *target)
{
	read_separator(r, setting, ((struct configuration *)target)->addresses.separator);
}

static void
set_forward(struct conf_reader *r, const config_setting_t *setting, void *target)
{
	conf_set_bool(r, setting, &((struct configuration *)target)->addresses.forward);
}

static void
set_tag_folders(struct conf_reader *r, const config_setting_t *setting, void *target)
{
	conf_set_bool(r, setting, &((struct configuration *)target)->addresses.tag_folders);
}

static void
set_srs(struct conf_reader *r, const config_setting_t *setting, void *target)
{
	conf_set_bool(r, setting, &((struct configuration *)target)->addresses.srs);
}

static void
set_srs_domain(struct conf_reader *r, const config_setting_t *setting, void *target)
{
	struct conf_addresses *addresses = &((struct configuration *)target)->addresses;
	const char *text = config_setting_get_string(setting);

	if (text == NULL)
		conf_bad(r, setting, "must be a string");
	else
		conf_read_domain(r, setting, text, addresses->srs_domain);
}

const struct conf_key conf_address_keys[] = {
    {.name = "separator", .kind = CONF_OTHER, .set = set_separator},
    {.name = "forward", .kind = CONF_OTHER, .set = set_forward},
    {.name = "tag_folders", .kind = CONF_OTHER, .set = set_tag_folders},
    {.name = "srs", .kind = CONF_OTHER, .set = set_srs},
    {.name = "srs_domain", .kind = CONF_OTHER, .set = set_srs_domain},
    {.name = "domains", .kind = CONF_OTHER, .set = set_domains},
    {0},
};

void
conf_addresses_start(struct configuration *conf)
{
	strlcpy(conf->addresses.separator, "+", sizeof(conf->addresses.separator));
	conf->addresses.forward = true;
	conf->addresses.srs = true;
}

static bool
is_repeated(const struct conf_addresses *addresses, size_t index)
{
	for (size_t i = 0; i < index; i++) {
		if (strcmp(addresses->domains[i].name, addresses->domains[index].name) == 0)
			return true;
	}
	return false;
}

void
conf_addresses_finish(struct conf_reader *r)
{
	struct configuration *conf = r->conf;
	struct conf_addresses *addresses = &conf->addresses;

	if (addresses->srs_domain[0] == '\0' && conf->domain_count > 0)
		strlcpy(addresses->srs_domain, conf->domains[0], sizeof(addresses->srs_domain));
	for (size_t i = 0; i < addresses->domain_count; i++) {
		struct conf_address_domain *domain = &addresses->domains[i];

		if (domain->name[0] == '\0')
			conf_problem(r->problems, domain->where, "a domain without a name");
		else if (!conf_has_domain(conf, domain->name))
			conf_problem(r->problems, domain->where,
				     "%s is not in the list domains of this file", domain->name);
		else if (is_repeated(addresses, i))
			conf_problem(r->problems, domain->where, "%s has settings already",
				     domain->name);
		if (!domain->separator_given)
			strlcpy(domain->separator, addresses->separator, sizeof(domain->separator));
		if (!domain->forward_given)
			domain->forward = addresses->forward;
		if (!domain->tag_folders_given)
			domain->tag_folders = addresses->tag_folders;
	}
}

char
conf_tag_separator(const struct configuration *conf, const char *mailbox)
{
	const struct conf_addresses *addresses = &conf->addresses;
	const char *at = strrchr(mailbox, '@');

	for (size_t i = 0; at != NULL && i < addresses->domain_count; i++) {
		const struct conf_address_domain *domain = &addresses->domains[i];

		if (strcmp(domain->name, at + 1) == 0)
			return domain->tag_folders ? domain->separator[0] : '\0';
	}
	return addresses->tag_folders ? addresses->separator[0] : '\0';
}
