/* SPDX-License-Identifier: ISC */
/* relay = { host = "smtp.example.net"; resolver = "192.0.2.53"; routes = ( ... ); } */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "common/proto/master_certd.h"
#include "master/conf_keys.h"
#include "master/names.h"
#include "master/network.h"

/* The group is the route of all domains that have none. */
static void
set_standard(struct conf_reader *r, const config_setting_t *setting, void *target)
{
	conf_set_route_key(r, setting, &((struct configuration *)target)->relay.standard);
}

static void
set_literals(struct conf_reader *r, const config_setting_t *setting, void *target)
{
	conf_set_bool(r, setting, &((struct configuration *)target)->relay.address_literals);
}

static void
set_enabled(struct conf_reader *r, const config_setting_t *setting, void *target)
{
	conf_set_bool(r, setting, &((struct configuration *)target)->relay.wanted);
}

/* ADDRESS or ADDRESS@PORT, as libunbound has it. */
static void
add_resolver(struct conf_reader *r, const config_setting_t *setting, const char *text, void *target)
{
	struct conf_relay *relay = target;
	char address[RESOLVER_SIZE];
	const char *at = strchr(text, '@'), *error = NULL;
	struct endpoint endpoint;

	if (strlen(text) >= sizeof(address)) {
		conf_bad(r, setting, "is longer than any address");
		return;
	}
	strlcpy(address, text, sizeof(address));
	if (at != NULL) {
		address[at - text] = '\0';
		(void)strtonum(at + 1, 1, UINT16_MAX, &error);
	}
	if (error != NULL || !endpoint_parse(address, 53, &endpoint))
		conf_bad(r, setting, "must be an address, or ADDRESS@PORT");
	else if (relay->resolver_count == RESOLVERS_MAX)
		conf_bad(r, setting, "has more than %d addresses", RESOLVERS_MAX);
	else
		strlcpy(relay->resolvers[relay->resolver_count++], text, RESOLVER_SIZE);
}

static void
set_resolver(struct conf_reader *r, const config_setting_t *setting, void *target)
{
	struct configuration *conf = target;

	conf_strings(r, setting, "an address", add_resolver, &conf->relay);
}

/* A path, kept in *STORED. */
static void
set_file(struct conf_reader *r, const config_setting_t *setting, char **stored,
	 struct conf_where *where)
{
	static const struct conf_key path = {.kind = CONF_PATH};

	conf_set(r, &path, setting, stored);
	*where = conf_where(r, setting);
}

static void
set_trust_anchor(struct conf_reader *r, const config_setting_t *setting, void *target)
{
	struct conf_relay *relay = &((struct configuration *)target)->relay;
	const char *text = config_setting_get_string(setting);

	if (text != NULL && strcmp(text, "none") == 0) {
		relay->validation = DNS_VALIDATE_NONE;
		return;
	}
	relay->validation = DNS_VALIDATE_ALWAYS;
	set_file(r, setting, &relay->anchors, &relay->anchors_where);
}

static void
set_authorities(struct conf_reader *r, const config_setting_t *setting, void *target)
{
	struct conf_relay *relay = &((struct configuration *)target)->relay;

	set_file(r, setting, &relay->authorities, &relay->authorities_where);
}

#define OFFSET(member) offsetof(struct configuration, relay.member)
static const struct conf_key relay_keys[] = {
    {.name = "enabled", .kind = CONF_OTHER, .set = set_enabled},
    {.name = "host", .kind = CONF_OTHER, .set = set_standard},
    {.name = "port", .kind = CONF_OTHER, .set = set_standard},
    {.name = "protocol", .kind = CONF_OTHER, .set = set_standard},
    {.name = "tls", .kind = CONF_OTHER, .set = set_standard},
    {.name = "implicit_tls", .kind = CONF_OTHER, .set = set_standard},
    {.name = "helo", .kind = CONF_OTHER, .set = set_standard},
    {.name = "source", .kind = CONF_OTHER, .set = set_standard},
    {.name = "connections", .kind = CONF_OTHER, .set = set_standard},
    {.name = "user", .kind = CONF_OTHER, .set = set_standard},
    {.name = "password_file", .kind = CONF_OTHER, .set = set_standard},
    {.name = "certificate", .kind = CONF_OTHER, .set = set_standard},
    {.name = "routes", .kind = CONF_OTHER, .set = conf_set_routes},
    {.name = "address_literals", .kind = CONF_OTHER, .set = set_literals},
    {.name = "resolver", .kind = CONF_OTHER, .set = set_resolver},
    {.name = "sts_port",
     .kind = CONF_NUMBER,
     .offset = OFFSET(sts_port),
     .min = 0,
     .max = 65535,
     .fallback = 443},
    {.name = "trust_anchor", .kind = CONF_OTHER, .set = set_trust_anchor},
    {.name = "authorities", .kind = CONF_OTHER, .set = set_authorities},
    {.name = "expire",
     .kind = CONF_NUMBER,
     .offset = OFFSET(expire),
     .min = 1,
     .max = 30 * 86400,
     .fallback = 5 * 86400, /* RFC 5321 4.5.4.1: at least 4 to 5 days */
     .unit = "seconds"},
    {.name = "reply_timeout",
     .kind = CONF_NUMBER,
     .offset = OFFSET(reply_timeout),
     .min = 1,
     .max = RELAY_REPLY_SECONDS_MAX,
     .fallback = RELAY_REPLY_SECONDS_MAX,
     .unit = "seconds"},
    {0},
};

static const struct conf_key relay_group = {
    .name = "relay", .kind = CONF_GROUP, .keys = relay_keys};

uint32_t
conf_reach(const struct configuration *conf)
{
	if (!conf->relay.wanted)
		return REACH_HERE;
	return conf->relay.address_literals ? REACH_LITERALS : REACH_DOMAINS;
}

void
conf_relay_start(struct configuration *conf)
{
	conf_table_defaults(relay_keys, conf);
	conf->relay.wanted = true;
	conf->relay.validation = DNS_VALIDATE_IF_ABLE;
	conf_route_start(&conf->relay.standard);
	strlcpy(conf->relay.standard.domain, "*", HOST_NAME_SIZE);
}

void
conf_set_relay(struct conf_reader *r, const config_setting_t *setting, void *target)
{
	struct conf_relay *relay = &((struct configuration *)target)->relay;

	relay->standard.where = conf_where(r, setting);
	conf_set(r, &relay_group, setting, target);
}

void
conf_relay_finish(struct conf_reader *r)
{
	struct conf_relay *relay = &r->conf->relay;

	for (size_t i = 0; i < relay->route_count; i++)
		conf_route_finish(r, &relay->routes[i], &relay->standard);
	conf_route_finish(r, &relay->standard, NULL);
}

/* -- Certificates ------------------------------------------------------------------------------ */

static const struct conf_route *
route_at(const struct conf_relay *relay, size_t index)
{
	return index < relay->route_count ? &relay->routes[index] : &relay->standard;
}

/* Does a route before INDEX name it? */
static bool
is_named_before(const struct conf_relay *relay, size_t index, const char *name)
{
	for (size_t i = 0; i < index; i++) {
		if (strcmp(route_at(relay, i)->certificate, name) == 0)
			return true;
	}
	return false;
}

size_t
conf_relay_certificates(const struct configuration *conf, char *out, size_t *length)
{
	const struct conf_relay *relay = &conf->relay;
	size_t count = 0;

	*length = 0;
	for (size_t i = 0; relay->wanted && i <= relay->route_count; i++) {
		const char *name = route_at(relay, i)->certificate;

		if (name[0] == '\0' || count == CERTD_RELAY_KEYS_MAX ||
		    is_named_before(relay, i, name))
			continue;
		memcpy(out + *length, name, strlen(name) + 1);
		*length += strlen(name) + 1;
		count++;
	}
	return count;
}

bool
conf_relay_shows(const struct configuration *conf, const char *name)
{
	return conf->relay.wanted &&
	       is_named_before(&conf->relay, conf->relay.route_count + 1, name);
}

bool
conf_relay_keeps(const struct configuration *conf, const char *name)
{
	return strcmp(name, conf->hostname) != 0 && conf_relay_shows(conf, name);
}
