/* SPDX-License-Identifier: ISC */
/* listeners = ( { service = "smtp"; ... }, ... ) */
#include "master/conf_keys.h"

#include <stdlib.h>
#include <string.h>

#include "master/names.h"

const char *const conf_services[] = {
    [SERVICE_SMTP] = "smtp", [SERVICE_SUBMISSION] = "submission",
    [SERVICE_POP3] = "pop3", [SERVICE_IMAP] = "imap",
    [SERVICE_COUNT] = NULL,
};

const char *const conf_tls_modes[] = {
    [TLS_NONE] = "none",
    [TLS_EXPLICIT] = "explicit",
    [TLS_IMPLICIT] = "implicit",
    [TLS_MODE_COUNT] = NULL,
};

const char *const conf_sni_modes[] = {
    [SNI_ANY] = "any",       [SNI_OWN] = "own",
    [SNI_STRICT] = "strict", [SNI_STRICT_OWN] = "strict-own",
    [SNI_MODE_COUNT] = NULL,
};

static const struct {
	uint16_t port;          /* with tls = "explicit" or "none" */
	uint16_t implicit_port; /* RFC 8314 7; 0: none is registered */
	uint32_t idle_timeout;
} services[] = {
    /* RFC 5321 4.5.3.2.7: the server waits for commands for at least 5 minutes. */
    [SERVICE_SMTP] = {25, 0, 300},
    [SERVICE_SUBMISSION] = {587, 465, 300},
    /* RFC 1939 3: at least 10 minutes. */
    [SERVICE_POP3] = {110, 995, 600},
    /* RFC 3501 5.4: at least 30 minutes. */
    [SERVICE_IMAP] = {143, 993, 1800},
};

/* What to listen on when nothing is said. */
static const struct {
	enum service service;
	enum tls_mode tls;
} default_listeners[] = {
    {SERVICE_SMTP, TLS_EXPLICIT},       {SERVICE_SUBMISSION, TLS_EXPLICIT},
    {SERVICE_SUBMISSION, TLS_IMPLICIT}, {SERVICE_POP3, TLS_EXPLICIT},
    {SERVICE_POP3, TLS_IMPLICIT},       {SERVICE_IMAP, TLS_EXPLICIT},
    {SERVICE_IMAP, TLS_IMPLICIT},
};

static void
set_tls(struct conf_reader *r, const config_setting_t *setting, void *target)
{
	static const struct conf_key choice = {.name = "tls",
					       .kind = CONF_CHOICE,
					       .offset = offsetof(struct conf_listener, tls),
					       .choices = conf_tls_modes};

	((struct conf_listener *)target)->tls_given = true;
	conf_set(r, &choice, setting, target);
}

static void
set_listener_certificate(struct conf_reader *r, const config_setting_t *setting, void *target)
{
	struct conf_listener *l = target;

	conf_set_certificates(r, setting, &l->certificates, &l->certificate_where);
}

static void
add_address(struct conf_reader *r, const config_setting_t *setting, const char *text, void *target)
{
	struct conf_listener *l = target;

	if (l->address_count == CONF_ADDRESSES_MAX)
		conf_bad(r, setting, "has more than %d addresses", CONF_ADDRESSES_MAX);
	else if (endpoint_parse(text, 0, &l->addresses[l->address_count]))
		l->address_count++;
	else
		conf_bad(
		    r, setting,
		    "\"%.64s\" is not an IPv4 or IPv6 address (no names; \"0.0.0.0\" is all of "
		    "IPv4, \"::\" all of IPv6)",
		    text);
}

static void
set_address(struct conf_reader *r, const config_setting_t *setting, void *target)
{
	conf_strings(r, setting, "an address", add_address, target);
}

/* Adds to allow or deny, whichever *COUNT is of. */
static void
add_network(struct conf_reader *r, const config_setting_t *setting, const char *text,
	    struct conf_listener *l, size_t *count)
{
	struct network network;
	const char *problem = network_parse(text, &network);
	size_t all = l->allow_count + l->deny_count;
	size_t at = count == &l->allow_count ? l->allow_count : all;

	if (problem != NULL) {
		conf_bad(r, setting, "\"%.64s\": %s (192.0.2.0/24, 2001:db8::/32)", text, problem);
		return;
	}
	if (all == GATE_NETWORKS_MAX) {
		conf_bad(r, setting, "has more than %d networks (allow and deny together)",
			 GATE_NETWORKS_MAX);
		return;
	}
	memmove(&l->networks[at + 1], &l->networks[at], (all - at) * sizeof(network));
	l->networks[at] = network;
	++*count;
}

static void
add_allow(struct conf_reader *r, const config_setting_t *setting, const char *text, void *target)
{
	struct conf_listener *l = target;

	add_network(r, setting, text, l, &l->allow_count);
}

static void
add_deny(struct conf_reader *r, const config_setting_t *setting, const char *text, void *target)
{
	struct conf_listener *l = target;

	add_network(r, setting, text, l, &l->deny_count);
}

static void
set_allow(struct conf_reader *r, const config_setting_t *setting, void *target)
{
	conf_strings(r, setting, "a network", add_allow, target);
}

static void
set_deny(struct conf_reader *r, const config_setting_t *setting, void *target)
{
	conf_strings(r, setting, "a network", add_deny, target);
}

static void
set_weak(struct conf_reader *r, const config_setting_t *setting, void *target)
{
	conf_set_bool(r, setting, &((struct conf_listener *)target)->weak);
}

static const char *const client_modes[] = {
    [CLIENT_OFF] = "off",
    [CLIENT_REQUEST] = "request",
    [CLIENT_REQUIRE] = "require",
    [CLIENT_MODE_COUNT] = NULL,
};

#define OFFSET(member) offsetof(struct conf_listener, member)
static const struct conf_key client_keys[] = {
    {.name = "client_certificates",
     .kind = CONF_CHOICE,
     .offset = OFFSET(clients),
     .choices = client_modes},
    {.name = "client_authorities", .kind = CONF_PATH, .offset = OFFSET(client_authorities)},
    {.name = "client_crl", .kind = CONF_PATH, .offset = OFFSET(client_crl)},
    {.name = "client_depth",
     .kind = CONF_NUMBER,
     .offset = OFFSET(client_depth),
     .max = 8,
     .unit = "authorities"},
    {0},
};

/* The same as in a table, and where the first of them stands. */
static void
set_client(struct conf_reader *r, const config_setting_t *setting, void *target)
{
	struct conf_listener *l = target;

	if (l->client_where.line == 0)
		l->client_where = conf_where(r, setting);
	for (const struct conf_key *key = client_keys; key->name != NULL; key++) {
		if (strcmp(key->name, config_setting_name(setting)) == 0)
			conf_set(r, key, setting, l);
	}
}

static const struct conf_key listener_keys[] = {
    {.name = "service",
     .kind = CONF_CHOICE,
     .offset = OFFSET(service),
     .choices = conf_services,
     .fallback = SERVICE_COUNT},
    {.name = "port", .kind = CONF_NUMBER, .offset = OFFSET(port), .min = 1, .max = 65535},
    {.name = "address", .kind = CONF_OTHER, .set = set_address},
    {.name = "tls", .kind = CONF_OTHER, .set = set_tls},
    {.name = "certificate", .kind = CONF_OTHER, .set = set_listener_certificate},
    {.name = "sni",
     .kind = CONF_CHOICE,
     .offset = OFFSET(sni),
     .choices = conf_sni_modes,
     .fallback = SNI_ANY},
    {.name = "max_connections",
     .kind = CONF_NUMBER,
     .offset = OFFSET(max_connections),
     .min = 1,
     .max = 1000000,
     .fallback = 10000,
     .unit = "connections"},
    {.name = "max_connections_per_address",
     .kind = CONF_NUMBER,
     .offset = OFFSET(max_connections_per_address),
     .min = 1,
     .max = 1000000,
     .fallback = 100,
     .unit = "connections"},
    {.name = "max_rate_per_address",
     .kind = CONF_NUMBER,
     .offset = OFFSET(max_rate_per_address),
     .max = 60000,
     .unit = "connections a minute"},
    {.name = "idle_timeout",
     .kind = CONF_NUMBER,
     .offset = OFFSET(idle_timeout),
     .min = 1,
     .max = 86400,
     .unit = "seconds"},
    {.name = "allow", .kind = CONF_OTHER, .set = set_allow},
    {.name = "deny", .kind = CONF_OTHER, .set = set_deny},
    {.name = "client_certificates", .kind = CONF_OTHER, .set = set_client},
    {.name = "client_authorities", .kind = CONF_OTHER, .set = set_client},
    {.name = "client_crl", .kind = CONF_OTHER, .set = set_client},
    {.name = "client_depth", .kind = CONF_OTHER, .set = set_client},
    {.name = "weak", .kind = CONF_OTHER, .set = set_weak},
    {0},
};

static struct conf_listener *
new_listener(struct configuration *conf)
{
	struct conf_listener *l;

	if (conf->listeners == NULL)
		conf->listeners = calloc(CONF_LISTENERS_MAX, sizeof(*conf->listeners));
	if (conf->listeners == NULL || conf->listener_count == CONF_LISTENERS_MAX)
		return NULL;
	l = &conf->listeners[conf->listener_count++];
	conf_table_defaults(listener_keys, l);
	l->tls = TLS_EXPLICIT;
	l->client_depth = 2;
	return l;
}

/* RFC 8314: these ports speak TLS from the first byte; not saying so is a mistake. */
static bool
is_implicit_port(const struct conf_listener *l)
{
	return services[l->service].implicit_port != 0 &&
	       services[l->service].implicit_port == l->port;
}

/* What the table cannot say about one listener. */
static void
finish_listener(struct conf_reader *r, const config_setting_t *setting, struct conf_listener *l)
{
	struct conf_problems *p = r->problems;

	if (l->service == SERVICE_COUNT) {
		if (config_setting_get_member(setting, "service") == NULL)
			conf_problem(
			    p, l->where,
			    "a listener needs service = \"smtp\", \"submission\", \"pop3\" or "
			    "\"imap\"");
		return;
	}
	conf_clients_finish(r, l);
	if (is_implicit_port(l) && !l->tls_given)
		conf_problem(
		    p, l->where,
		    "a listener on port %u needs tls = \"implicit\" (or \"explicit\", if it "
		    "is meant)",
		    (unsigned)l->port);
	if (l->service == SERVICE_POP3 && l->idle_timeout != 0 && l->idle_timeout < 600)
		conf_warning(
		    p, l->where,
		    "idle_timeout is below the 600 seconds of RFC 1939, section 3: clients "
		    "may be cut off while they work");
	if (l->service == SERVICE_IMAP && l->idle_timeout != 0 && l->idle_timeout < 1800)
		conf_warning(
		    p, l->where,
		    "idle_timeout is below the 1800 seconds of RFC 9051, section 5.4: clients "
		    "that wait in IDLE will be cut off");
}

void
conf_set_listeners(struct conf_reader *r, const config_setting_t *setting, void *target)
{
	struct configuration *conf = target;
	int length = config_setting_is_list(setting) ? config_setting_length(setting) : 0;

	if (length == 0) {
		conf_bad(r, setting, "must be a list: listeners = ( { service = \"smtp\"; } );");
		return;
	}
	for (int i = 0; i < length; i++) {
		const config_setting_t *element = config_setting_get_elem(setting, (unsigned)i);
		struct conf_listener *l;

		if (!config_setting_is_group(element)) {
			conf_bad(r, element, "must hold groups: { service = \"smtp\"; }");
			continue;
		}
		l = new_listener(conf);
		if (l == NULL) {
			conf_bad(r, element, "has more than %d listeners", CONF_LISTENERS_MAX);
			return;
		}
		l->where = conf_where(r, element);
		conf_table_read(r, element, listener_keys, l);
		finish_listener(r, element, l);
	}
}

/* Defaults that depend on the service and on the rest of the file. */
static void
complete(struct configuration *conf, struct conf_listener *l)
{
	static const char *const all[] = {"0.0.0.0", "::"};
	bool implicit = l->tls == TLS_IMPLICIT && services[l->service].implicit_port != 0;

	if (l->port == 0)
		l->port = implicit ? services[l->service].implicit_port : services[l->service].port;
	if (l->idle_timeout == 0)
		l->idle_timeout = services[l->service].idle_timeout;
	if (l->certificates.count == 0) {
		l->certificates = conf->certificates;
		l->certificate_where = conf->certificate_where;
	}
	/* None at all is chosen for this name. */
	if (l->certificates.count == 0)
		l->certificate_where = l->where.line != 0 ? l->where : conf->hostname_where;
	l->all_addresses = l->address_count == 0;
	for (size_t i = 0; l->all_addresses && i < 2; i++)
		endpoint_parse(all[i], 0, &l->addresses[l->address_count++]);
	for (size_t i = 0; i < l->address_count; i++)
		endpoint_set_port(&l->addresses[i], (uint16_t)l->port);
}

/* A login in plaintext stays on this host. */
static void
check_plaintext(struct conf_reader *r, const struct conf_listener *l)
{
	char text[ENDPOINT_TEXT_SIZE];

	if (l->tls != TLS_NONE || l->service == SERVICE_SMTP)
		return;
	for (size_t i = 0; i < l->address_count; i++) {
		if (!endpoint_is_loopback(&l->addresses[i])) {
			conf_problem(r->problems, l->where,
				     "tls = \"none\" would take passwords in plaintext on %s: only "
				     "loopback addresses may (address = \"127.0.0.1\")",
				     endpoint_text(&l->addresses[i], text));
			return;
		}
	}
}

/* Is an address of A also one of B? */
static const struct endpoint *
shared_endpoint(const struct conf_listener *a, const struct conf_listener *b)
{
	for (size_t i = 0; i < a->address_count; i++) {
		for (size_t j = a == b ? i + 1 : 0; j < b->address_count; j++) {
			if (endpoint_overlaps(&a->addresses[i], &b->addresses[j]))
				return &a->addresses[i];
		}
	}
	return NULL;
}

static void
check_duplicates(struct conf_reader *r, const struct conf_listener *l)
{
	const struct endpoint *shared;
	char text[ENDPOINT_TEXT_SIZE];

	for (const struct conf_listener *other = r->conf->listeners; other <= l; other++) {
		if (other->service == SERVICE_COUNT)
			continue;
		shared = shared_endpoint(l, other);
		if (shared == NULL)
			continue;
		if (other == l)
			conf_problem(r->problems, l->where, "this listener has %s twice",
				     endpoint_text(shared, text));
		else
			conf_problem(r->problems, l->where,
				     "%s is taken by the listener of line %u already",
				     endpoint_text(shared, text), other->where.line);
		return;
	}
}

void
conf_listeners_finish(struct conf_reader *r)
{
	struct configuration *conf = r->conf;

	if (conf->listeners == NULL) {
		for (size_t i = 0; i < sizeof(default_listeners) / sizeof(*default_listeners);
		     i++) {
			struct conf_listener *l = new_listener(conf);

			if (l == NULL)
				return;
			l->service = default_listeners[i].service;
			l->tls = default_listeners[i].tls;
			l->where.file = conf->hostname_where.file;
		}
	}
	for (size_t i = 0; i < conf->listener_count; i++) {
		struct conf_listener *l = &conf->listeners[i];

		if (l->service == SERVICE_COUNT)
			continue;
		complete(conf, l);
		check_plaintext(r, l);
		check_duplicates(r, l);
	}
}
