/* SPDX-License-Identifier: ISC */
/* relay = { host = "smtp.example.net"; port = 25; tls = "require"; resolver = "192.0.2.53"; } */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "master/conf_keys.h"
#include "master/names.h"
#include "master/network.h"

/* By enum relay_tls. */
static const char *const tls_words[] = {"none", "opportunistic", "require", "verify", NULL};

static void
set_host(struct conf_reader *r, const config_setting_t *setting, void *target)
{
	struct conf_relay *relay = &((struct configuration *)target)->relay;
	const char *text = config_setting_get_string(setting), *problem;
	struct endpoint endpoint;

	if (text == NULL) {
		conf_bad(r, setting, "must be a host's name or address");
		return;
	}
	if (endpoint_parse(text, 25, &endpoint)) {
		strlcpy(relay->host, text, sizeof(relay->host));
		return;
	}
	problem = domain_name_parse(text, relay->host);
	if (problem != NULL)
		conf_bad(r, setting, "\"%.255s\" is neither an address nor a host name: %s", text,
			 problem);
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
    {.name = "host", .kind = CONF_OTHER, .set = set_host},
    {.name = "port",
     .kind = CONF_NUMBER,
     .offset = OFFSET(port),
     .min = 1,
     .max = 65535,
     .fallback = 25},
    {.name = "tls",
     .kind = CONF_CHOICE,
     .offset = OFFSET(tls),
     .choices = tls_words,
     .fallback = RELAY_TLS_OPPORTUNISTIC},
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
    {0},
};

static const struct conf_key relay_group = {
    .name = "relay", .kind = CONF_GROUP, .keys = relay_keys};

void
conf_set_relay(struct conf_reader *r, const config_setting_t *setting, void *target)
{
	struct configuration *conf = target;

	conf_table_defaults(relay_keys, conf);
	conf->relay.wanted = true;
	conf->relay.validation = DNS_VALIDATE_IF_ABLE;
	conf_set(r, &relay_group, setting, conf);
}
