/* SPDX-License-Identifier: ISC */
/* routes = ( { domain = "example.net"; host = "smtp.example.net"; ... }, ... ) of relay */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "common/cert_name.h"
#include "common/saslprep.h"
#include "master/conf_keys.h"
#include "master/names.h"
#include "master/network.h"

/* By enum relay_tls and enum relay_protocol. */
static const char *const tls_words[] = {"none", "opportunistic", "require", "verify", NULL};
static const char *const protocols[] = {"smtp", "lmtp", NULL};

#define CONNECTIONS 20 /* at a time to the same hosts, unless the file says otherwise */

/* By protocol, and whether TLS comes first. 24: LMTP has no port of its own, and uses that. */
static const uint32_t ports[RELAY_PROTOCOL_COUNT][2] = {
    [RELAY_SMTP] = {25, 465}, /* RFC 8314 7.3 */
    [RELAY_LMTP] = {24, 24},
};

static void
set_host(struct conf_reader *r, const config_setting_t *setting, void *target)
{
	struct conf_route *route = target;
	const char *text = config_setting_get_string(setting), *problem;
	struct endpoint endpoint;
	struct error err;

	if (text == NULL) {
		conf_bad(r, setting, "must be a host's name or address");
		return;
	}
	if (endpoint_parse(text, 25, &endpoint)) {
		strlcpy(route->host, text, sizeof(route->host));
		return;
	}
	problem = conf_parse_name(text, route->host, &err);
	if (problem == NULL)
		return;
	conf_bad(r, setting, "\"%.255s\" is neither an address nor a host name: %s", text, problem);
	route->faulty = true;
}

static void
set_name(struct conf_reader *r, const config_setting_t *setting, void *target)
{
	struct conf_route *route = target;
	const char *text = config_setting_get_string(setting);
	struct error err;
	const char *problem =
	    text == NULL ? "it must be a text" : conf_parse_name(text, route->helo, &err);

	if (problem != NULL)
		conf_bad(r, setting, "is no host name: %s", problem);
}

/* "example.net", ".example.net". */
static void
set_domain(struct conf_reader *r, const config_setting_t *setting, void *target)
{
	struct conf_route *route = target;
	const char *text = config_setting_get_string(setting), *problem;
	char name[HOST_NAME_SIZE];
	bool below = text != NULL && text[0] == '.';
	struct error err;

	if (text != NULL && strcmp(text, "*") == 0) {
		conf_bad(r, setting,
			 "can't be \"*\": the way of all domains without a route is what relay's "
			 "own keys say: host, port, ...");
		route->faulty = true;
		return;
	}
	problem = text == NULL ? "it must be a text" : conf_parse_name(text + below, name, &err);
	if (problem == NULL && strlen(name) + below >= sizeof(route->domain))
		problem = "it is too long";
	if (problem != NULL) {
		conf_bad(r, setting,
			 "must be a domain, or one with a dot in front for all below it: %s",
			 problem);
		route->faulty = true;
		return;
	}
	strlcpy(route->domain, below ? "." : "", sizeof(route->domain));
	strlcat(route->domain, name, sizeof(route->domain));
}

static void
add_source(struct conf_reader *r, const config_setting_t *setting, const char *text, void *target)
{
	struct conf_route *route = target;
	char mapped[INET6_ADDRSTRLEN + 8];
	bool v4 = strchr(text, ':') == NULL;
	struct in6_addr *source = &route->source[v4 ? 0 : 1];

	(void)snprintf(mapped, sizeof(mapped), "%s%.45s", v4 ? "::ffff:" : "", text);
	if (!IN6_IS_ADDR_UNSPECIFIED(source))
		conf_bad(r, setting, "has more than one address of IPv4 or of IPv6");
	else if (inet_pton(AF_INET6, mapped, source) != 1 || (!v4 && IN6_IS_ADDR_V4MAPPED(source)))
		conf_bad(r, setting, "\"%.64s\" is not an IPv4 or IPv6 address", text);
}

static void
set_source(struct conf_reader *r, const config_setting_t *setting, void *target)
{
	conf_strings(r, setting, "an address", add_source, target);
}

static void
set_implicit_tls(struct conf_reader *r, const config_setting_t *setting, void *target)
{
	conf_set_bool(r, setting, &((struct conf_route *)target)->implicit_tls);
}

static void
set_inbound(struct conf_reader *r, const config_setting_t *setting, void *target)
{
	conf_set_bool(r, setting, &((struct conf_route *)target)->inbound);
}

static void
set_user(struct conf_reader *r, const config_setting_t *setting, void *target)
{
	struct conf_route *route = target;
	const char *text = config_setting_get_string(setting);

	if (text == NULL || saslprep(text, route->user, sizeof(route->user)) == -1)
		conf_bad(r, setting, "must be a name of at most %d octets", RELAY_USER_SIZE - 1);
}

static void
set_certificate(struct conf_reader *r, const config_setting_t *setting, void *target)
{
	struct conf_route *route = target;
	const char *text = config_setting_get_string(setting);

	if (text == NULL || (text[0] != '\0' && !cert_name_valid(text))) {
		conf_bad(r, setting,
			 "must be the name of a certificate, as posternctl cert list "
			 "shows it, or \"\" for none");
		return;
	}
	route->certificate_set = true;
	strlcpy(route->certificate, text, sizeof(route->certificate));
}

#define OFFSET(member) offsetof(struct conf_route, member)
static const struct conf_key route_keys[] = {
    {.name = "domain", .kind = CONF_OTHER, .set = set_domain},
    {.name = "host", .kind = CONF_OTHER, .set = set_host},
    {.name = "port", .kind = CONF_NUMBER, .offset = OFFSET(port), .min = 1, .max = 65535},
    {.name = "protocol", .kind = CONF_CHOICE, .offset = OFFSET(protocol), .choices = protocols},
    {.name = "tls",
     .kind = CONF_CHOICE,
     .offset = OFFSET(tls),
     .choices = tls_words,
     .fallback = RELAY_TLS_COUNT},
    {.name = "implicit_tls", .kind = CONF_OTHER, .set = set_implicit_tls},
    {.name = "inbound", .kind = CONF_OTHER, .set = set_inbound},
    {.name = "helo", .kind = CONF_OTHER, .set = set_name},
    {.name = "source", .kind = CONF_OTHER, .set = set_source},
    {.name = "connections",
     .kind = CONF_NUMBER,
     .offset = OFFSET(connections),
     .min = 1,
     .max = RELAY_CONNECTIONS_MAX,
     .unit = "connections"},
    {.name = "user", .kind = CONF_OTHER, .set = set_user},
    {.name = "password_file", .kind = CONF_PATH, .offset = OFFSET(password_file)},
    {.name = "certificate", .kind = CONF_OTHER, .set = set_certificate},
    {0},
};

void
conf_route_start(struct conf_route *route)
{
	conf_table_defaults(route_keys, route);
}

void
conf_set_route_key(struct conf_reader *r, const config_setting_t *setting, struct conf_route *route)
{
	for (const struct conf_key *key = route_keys; key->name != NULL; key++) {
		if (strcmp(key->name, config_setting_name(setting)) == 0)
			conf_set(r, key, setting, route);
	}
}

void
conf_set_routes(struct conf_reader *r, const config_setting_t *setting, void *target)
{
	struct conf_relay *relay = &((struct configuration *)target)->relay;
	int length = config_setting_is_list(setting) ? config_setting_length(setting) : 0;

	if (length == 0 || length >= RELAY_ROUTES_MAX) {
		conf_bad(r, setting, "must be a list of 1 to %d routes: ( { domain = \"...\"; } )",
			 RELAY_ROUTES_MAX - 1);
		return;
	}
	relay->routes = calloc((size_t)length, sizeof(*relay->routes));
	for (int i = 0; relay->routes != NULL && i < length; i++) {
		const config_setting_t *element = config_setting_get_elem(setting, (unsigned)i);
		struct conf_route *route = &relay->routes[relay->route_count++];

		conf_route_start(route);
		route->where = conf_where(r, element);
		if (config_setting_is_group(element))
			conf_table_read(r, element, route_keys, route);
		else
			conf_bad(r, element, "must hold groups: { domain = \"...\"; }");
	}
}

/* -- What the table can't say --------------------------------------------------------------------
 */

/* Each NULL, or what is wrong. */
static const char *
problem_of(const struct conf_route *route)
{
	bool login = route->user[0] != '\0';

	if (route->domain[0] == '\0')
		return "a route needs domain = \"example.net\"";
	if (route->inbound && route->domain[0] == '.')
		return "inbound needs one domain, not all below it";
	if (route->protocol == RELAY_LMTP && route->host[0] == '\0')
		return "protocol = \"lmtp\" needs a host: no MX record leads to one";
	if (login != (route->password_file != NULL))
		return "user and password_file need each other";
	if (login && route->host[0] == '\0')
		return "user needs a host: a password is for one server, not for any";
	if (route->certificate_set && route->certificate[0] != '\0' && route->tls == RELAY_TLS_NONE)
		return "certificate needs TLS: it is shown in its handshake";
	if ((login || route->implicit_tls) && route->tls < RELAY_TLS_REQUIRE)
		return "user and implicit_tls need tls = \"verify\" or \"require\"";
	return NULL;
}

static bool
is_repeated(const struct conf_relay *relay, const struct conf_route *route)
{
	for (size_t i = 0; i < relay->route_count && &relay->routes[i] != route; i++) {
		if (strcmp(relay->routes[i].domain, route->domain) == 0)
			return true;
	}
	return false;
}

void
conf_route_finish(struct conf_reader *r, struct conf_route *route,
		  const struct conf_route *standard)
{
	bool strict = route->user[0] != '\0' || route->implicit_tls;
	const char *problem;

	if (route->port == 0)
		route->port = ports[route->protocol][route->implicit_tls ? 1 : 0];
	/* A login goes to who can show who it is, unless the file says that anybody will do. */
	if (route->tls == RELAY_TLS_COUNT)
		route->tls = strict ? RELAY_TLS_VERIFY
			     : standard != NULL && standard->tls != RELAY_TLS_COUNT
				 ? standard->tls
				 : RELAY_TLS_OPPORTUNISTIC;
	if (route->connections == 0)
		route->connections = standard != NULL && standard->connections != 0
					 ? standard->connections
					 : CONNECTIONS;
	if (standard != NULL && route->helo[0] == '\0')
		strlcpy(route->helo, standard->helo, sizeof(route->helo));
	if (standard != NULL && IN6_IS_ADDR_UNSPECIFIED(&route->source[0]) &&
	    IN6_IS_ADDR_UNSPECIFIED(&route->source[1]))
		memcpy(route->source, standard->source, sizeof(route->source));
	if (standard != NULL && !route->certificate_set && route->tls != RELAY_TLS_NONE)
		strlcpy(route->certificate, standard->certificate, sizeof(route->certificate));
	if (route->faulty)
		return;
	problem = problem_of(route);
	if (problem == NULL && is_repeated(&r->conf->relay, route))
		problem = "this domain has a route already";
	if (problem != NULL)
		conf_problem(r->problems, route->where, "%s", problem);
	else if (conf_has_domain(r->conf, route->domain))
		conf_warning(r->problems, route->where,
			     "the route \"%s\" is never used: that is one of domains, whose mail "
			     "stays here",
			     route->domain);
}
