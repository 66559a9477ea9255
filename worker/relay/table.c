/* SPDX-License-Identifier: ISC */
#include "worker/relay/table.h"

#include <stdlib.h>
#include <string.h>

#include "common/cert_name.h"

struct table {
	unsigned holders;
	struct mr_table head;
	size_t count; /* routes that have come */
	struct mr_route routes[];
};

/* -- What the master says ------------------------------------------------------------------------
 */

struct table *
table_begin(const struct mr_table *head)
{
	struct table *table;

	if (head->routes == 0 || head->routes > RELAY_ROUTES_MAX || head->address_literals > 1 ||
	    head->reply_seconds == 0 || head->reply_seconds > RELAY_REPLY_SECONDS_MAX ||
	    head->zero != 0)
		return NULL;
	for (size_t i = 0; i < RELAY_LISTENERS_MAX; i++) {
		if (head->listeners[i].port > UINT16_MAX)
			return NULL;
	}
	table = calloc(1, sizeof(*table) + head->routes * sizeof(table->routes[0]));
	if (table == NULL)
		return NULL;
	table->holders = 1;
	table->head = *head;
	return table;
}

static bool
is_text(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

/* What is written into a command has no octets that a command can't have. */
static bool
is_name(const char *text, size_t size)
{
	if (!is_text(text, size))
		return false;
	for (; *text != '\0'; text++) {
		if (*text <= 0x20 || *text > 0x7e)
			return false;
	}
	return true;
}

static bool
is_any(const struct in6_addr *address)
{
	return IN6_IS_ADDR_UNSPECIFIED(address);
}

static bool
is_certificate(const char name[CERT_NAME_SIZE])
{
	return name[0] == '\0' ||
	       (memchr(name, '\0', CERT_NAME_SIZE) != NULL && cert_name_valid(name));
}

static bool
is_sound(const struct mr_route *route)
{
	bool secure = route->implicit_tls == 1 || route->user[0] != '\0';

	return is_name(route->domain, sizeof(route->domain)) && route->domain[0] != '\0' &&
	       is_name(route->host, sizeof(route->host)) &&
	       is_name(route->helo, sizeof(route->helo)) && route->port >= 1 &&
	       route->port <= UINT16_MAX && route->protocol < RELAY_PROTOCOL_COUNT &&
	       route->tls < RELAY_TLS_COUNT && route->implicit_tls <= 1 &&
	       route->connections >= 1 && route->connections <= RELAY_CONNECTIONS_MAX &&
	       route->inbound <= 1 && route->zero2[0] == 0 && route->zero2[1] == 0 &&
	       route->zero2[2] == 0 && is_certificate(route->certificate) &&
	       is_text(route->user, sizeof(route->user)) &&
	       is_text(route->password, sizeof(route->password)) &&
	       (is_any(&route->source[0]) || IN6_IS_ADDR_V4MAPPED(&route->source[0])) &&
	       !IN6_IS_ADDR_V4MAPPED(&route->source[1]) &&
	       (!secure || route->tls >= RELAY_TLS_REQUIRE);
}

static bool
is_for_all(const struct mr_route *route)
{
	return strcmp(route->domain, "*") == 0;
}

int
table_add(struct table *table, const struct mr_route *route)
{
	unsigned for_all = 0;

	if (table->count == table->head.routes || !is_sound(route))
		return -1;
	table->routes[table->count++] = *route;
	if (!table_is_whole(table))
		return 0;
	for (size_t i = 0; i < table->count; i++)
		for_all += is_for_all(&table->routes[i]) ? 1 : 0;
	return for_all == 1 ? 0 : -1;
}

bool
table_is_whole(const struct table *table)
{
	return table->count == table->head.routes;
}

bool
table_equal(const struct table *a, const struct table *b)
{
	return a->count == b->count && memcmp(&a->head, &b->head, sizeof(a->head)) == 0 &&
	       memcmp(a->routes, b->routes, a->count * sizeof(a->routes[0])) == 0;
}

struct table *
table_hold(struct table *table)
{
	table->holders++;
	return table;
}

void
table_release(struct table *table)
{
	if (table != NULL && --table->holders == 0)
		freezero(table, sizeof(*table) + table->head.routes * sizeof(table->routes[0]));
}

/* -- Which way -----------------------------------------------------------------------------------
 */

/* How well the route's domain fits: 0 not at all, else the longer the better. */
static size_t
fitness(const struct mr_route *route, const char *domain)
{
	size_t length = strlen(domain), own = strlen(route->domain);

	if (is_for_all(route))
		return 1;
	if (route->domain[0] != '.')
		return strcmp(route->domain, domain) == 0 ? HOST_NAME_SIZE + 1 : 0;
	return length > own && strcmp(domain + length - own, route->domain) == 0 ? own + 1 : 0;
}

const struct mr_route *
table_find(const struct table *table, const char *domain)
{
	const struct mr_route *best = NULL;
	size_t fits = 0;

	for (size_t i = 0; i < table->count; i++) {
		size_t new = fitness(&table->routes[i], domain);

		if (new <= fits)
			continue;
		fits = new;
		best = &table->routes[i];
	}
	return best;
}

unsigned
table_reply_seconds(const struct table *table)
{
	return table->head.reply_seconds;
}

bool
table_takes_literals(const struct table *table)
{
	return table->head.address_literals == 1;
}

/* 0.0.0.0 or :: */
static bool
is_all(const struct in6_addr *address)
{
	static const struct in6_addr all_v4 = {.s6_addr = {[10] = 0xff, [11] = 0xff}};

	return is_any(address) || memcmp(address, &all_v4, sizeof(all_v4)) == 0;
}

bool
table_is_listener(const struct table *table, const struct in6_addr *address, uint16_t port,
		  bool local)
{
	bool v4 = IN6_IS_ADDR_V4MAPPED(address);

	for (size_t i = 0; i < RELAY_LISTENERS_MAX; i++) {
		const struct mr_listener *own = &table->head.listeners[i];

		if (own->port == 0 || own->port != port)
			continue;
		if (memcmp(&own->address, address, sizeof(*address)) == 0 ||
		    (local && is_all(address)) ||
		    (local && is_all(&own->address) && IN6_IS_ADDR_V4MAPPED(&own->address) == v4))
			return true;
	}
	return false;
}
