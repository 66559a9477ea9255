/* SPDX-License-Identifier: ISC */
#include "worker/relay/connection.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <stdlib.h>

#include "common/log.h"
#include "worker/relay/body.h"
#include "worker/relay/outgoing.h"
#include "worker/relay/pause.h"

struct connection {
	LIST_ENTRY(connection) entry;
	struct relay *relay;
	struct table *table;
	const struct mr_route *route; /* in it */
	struct route_target target;
	struct in6_addr other; /* of the same host, until one of them has answered; or all zero */
	bool made;
	struct security security; /* it has a reference */
	const struct connection_calls *calls;
	void *arg;
	struct event *news; /* the owner is told from the loop: he may do what he likes then */
	struct outgoing *stream;
	struct client_options options;
	struct client client;
	struct reply_parser parser;
	struct client_mail *mail;
	struct body body;
	bool quits; /* nobody owns it any more */
};

/* -- Its end --------------------------------------------------------------------------------- */

void
connection_drop(struct connection *connection)
{
	if (connection == NULL)
		return;
	LIST_REMOVE(connection, entry);
	event_active(connection->relay->room, 0, 0);
	outgoing_free(connection->stream);
	if (connection->news != NULL)
		event_free(connection->news);
	dane_release(connection->security.dane);
	table_release(connection->table);
	free(connection);
}

/* Somebody has to look: all mail of the route waits for it. */
static void
log_refused_login(const struct connection *connection)
{
	const struct reply *why = &connection->client.why;

	log_event(LOG_ERR, "relay.login_refused", KV_STR("route", connection->route->domain),
		  KV_STR("host", connection->target.host), KV_STR("user", connection->route->user),
		  KV_U64("code", why->code), KV_STR("text", why->text));
}

static void say_quit(struct connection *);

static void
on_news(evutil_socket_t fd, short what, void *arg)
{
	struct connection *connection = arg;

	(void)fd;
	(void)what;
	if (connection->client.state != CLIENT_CLOSED) {
		connection->calls->ready(connection->arg);
		return;
	}
	if (connection->client.login_refused) {
		log_refused_login(connection);
		pause_begin(connection->relay, connection->table, connection->route,
			    &connection->client.why);
	}
	if (!connection->quits)
		connection->calls->closed(connection->arg, &connection->client.why);
	if (connection->client.polite)
		say_quit(connection);
	else
		connection_drop(connection);
}

static void
tell(struct connection *connection)
{
	event_active(connection->news, 0, 0);
}

/* -- The conversation ------------------------------------------------------------------------ */

static enum client_action
send_body(struct connection *connection, bool plain)
{
	struct client_mail *mail = connection->mail;

	if (mail->converts)
		body_start_converted(&connection->body, connection->body.fd,
				     &mail->conversion->plan);
	else
		body_start(&connection->body, connection->body.fd, mail->size, plain);
	body_put_before(&connection->body, mail->prefix);
	return body_fill(&connection->body, outgoing_out(connection->stream)) == 0
		   ? CLIENT_WAIT
		   : client_lost(&connection->client, "the message can't be read here");
}

static enum client_action
start_tls(struct connection *connection)
{
	reply_start(&connection->parser);
	return outgoing_start_tls(connection->stream, &connection->security,
				  connection->relay->certificates,
				  connection->route->certificate) == 0
		   ? CLIENT_WAIT
		   : client_lost(&connection->client, "no memory for TLS");
}

/* For the whole of what comes next, however slowly it trickles in. */
static void
set_deadline(struct connection *connection)
{
	unsigned usual = client_seconds(&connection->client);
	unsigned most = table_reply_seconds(connection->table);

	outgoing_wait(connection->stream, usual < most ? usual : most);
}

/* Does what the client wants done. */
static void
act(struct connection *connection, enum client_action action)
{
	if (action == CLIENT_START_TLS)
		action = start_tls(connection);
	else if (action == CLIENT_SEND_BODY || action == CLIENT_SEND_CHUNK)
		action = send_body(connection, action == CLIENT_SEND_CHUNK);
	if (action != CLIENT_CLOSE)
		set_deadline(connection);
	if (action != CLIENT_WAIT)
		tell(connection);
}

static void
on_connected(void *arg)
{
	struct connection *connection = arg;

	if (outgoing_which(connection->stream) == 1)
		connection->target.address = connection->other;
	connection->other = in6addr_any;
	connection->made = true;
	reply_start(&connection->parser);
	act(connection, client_connected(&connection->client));
}

static void
on_secured(void *arg)
{
	struct connection *connection = arg;

	act(connection, client_secured(&connection->client, outgoing_out(connection->stream)));
}

/* REST: octets that came together with the reply, behind it. */
static enum client_action
take_reply(struct connection *connection, enum reply_result result, size_t rest)
{
	struct client *client = &connection->client;
	struct evbuffer *out = outgoing_out(connection->stream);
	size_t before = evbuffer_get_length(out);
	enum client_action action;

	if (result == REPLY_BAD)
		return client_lost(client, "the server does not speak SMTP");
	action = client_reply(client, &connection->parser.reply, out);
	/* What answers a command that has not left yet answers something else. */
	if (action == CLIENT_WAIT && rest > 0 && evbuffer_get_length(out) > before)
		return client_lost(client, "the server answers before it is asked");
	return action;
}

static void
on_received(void *arg, const char *data, size_t length)
{
	struct connection *connection = arg;
	enum client_action action;
	size_t used;

	for (; length > 0 && connection->client.state != CLIENT_CLOSED;
	     data += used, length -= used) {
		enum reply_result result = reply_feed(&connection->parser, data, length, &used);

		if (result == REPLY_LINE || result == REPLY_END)
			client_line(&connection->client, connection->parser.line);
		if (result == REPLY_MORE || result == REPLY_LINE)
			continue;
		action = take_reply(connection, result, length - used);
		act(connection, action);
		/* RFC 3207 6: what came behind the reply to STARTTLS was never secure. */
		if (action == CLIENT_START_TLS)
			return;
	}
}

static void
on_sent(void *arg)
{
	struct connection *connection = arg;
	struct evbuffer *out = outgoing_out(connection->stream);

	if (connection->client.state != CLIENT_BODY)
		return;
	if (body_fill(&connection->body, out) == -1)
		act(connection, client_lost(&connection->client, "the message can't be read here"));
	else if (connection->body.whole && evbuffer_get_length(out) == 0)
		act(connection, client_sent(&connection->client));
	else
		set_deadline(connection);
}

static int dial(struct connection *);

/*
 * Our side of the handshake does not tell how the server's ends: in TLS 1.3 what it says to our
 * having no certificate comes behind it (RFC 8446 4.4.2.4). Only its first line of SMTP tells.
 */
static bool
handshake_failed(const struct connection *connection)
{
	const struct client *client = &connection->client;

	return client->state == CLIENT_HANDSHAKE ||
	       (client->state == CLIENT_EHLO && client->secure && client->lines == 0 &&
		outgoing_was_ended(connection->stream));
}

static void
on_lost(void *arg, const char *why)
{
	struct connection *connection = arg;
	struct client *client = &connection->client;

	if (client->state == CLIENT_CLOSED) {
		client->polite = false;
		return;
	}
	/* Better than not at all, unless it is required (RFC 7435), or we are to show who we are.
	 */
	if (handshake_failed(connection) && client->options->tls == CLIENT_TLS_OFFERED &&
	    connection->route->certificate[0] == '\0') {
		outgoing_free(connection->stream);
		if (dial(connection) == 0) {
			client->plain = true;
			return;
		}
	}
	(void)client_lost(client, why);
	tell(connection);
}

static const struct outgoing_calls calls = {.connected = on_connected,
					    .secured = on_secured,
					    .received = on_received,
					    .sent = on_sent,
					    .lost = on_lost};

/* -- From outside ------------------------------------------------------------------------------ */

static void
plan_for(const struct connection *connection, struct dial_plan *plan,
	 const struct in6_addr *address)
{
	if (IN6_IS_ADDR_UNSPECIFIED(address))
		return;
	plan->addresses[plan->count] = *address;
	plan->sources[plan->count++] =
	    connection->route->source[IN6_IS_ADDR_V4MAPPED(address) ? 0 : 1];
}

static int
dial(struct connection *connection)
{
	struct relay *relay = connection->relay;
	struct dial_plan plan = {.port = (uint16_t)connection->route->port};

	plan_for(connection, &plan, &connection->target.address);
	plan_for(connection, &plan, &connection->other);
	client_start(&connection->client, &connection->options);
	connection->stream =
	    outgoing_connect(relay->base, relay->tls.ctx, &plan, &calls, connection);
	if (connection->stream == NULL)
		return -1;
	set_deadline(connection);
	return 0;
}

static struct client_options
options_of(const struct relay *relay, const struct mr_route *route,
	   const struct route_target *target, enum security_level level)
{
	static const enum client_tls tls[SECURITY_LEVELS] = {
	    [SECURITY_NONE] = CLIENT_TLS_NEVER,        [SECURITY_OFFERED] = CLIENT_TLS_OFFERED,
	    [SECURITY_REQUIRED] = CLIENT_TLS_REQUIRED, [SECURITY_VERIFIED] = CLIENT_TLS_REQUIRED,
	    [SECURITY_DANE] = CLIENT_TLS_REQUIRED,
	};

	return (struct client_options){
	    .helo = route->helo[0] != '\0' ? route->helo : relay->settings.hostname,
	    .tls = tls[level],
	    .implicit_tls = route->implicit_tls != 0,
	    .lmtp = route->protocol == RELAY_LMTP,
	    /* A host that was named may be a filter, or a store, on this one. */
	    .own = route->host[0] == '\0' ? relay->settings.hostname : NULL,
	    .named = route->host[0] != '\0',
	    .backup = target->backup,
	    .user = route->user[0] != '\0' ? route->user : NULL,
	    .password = route->password,
	};
}

struct connection *
connection_open(struct relay *relay, struct table *table, const struct mr_route *route,
		const struct route_target *target, const struct in6_addr *other,
		const struct security *security, const struct connection_calls *owner, void *arg)
{
	struct connection *connection = calloc(1, sizeof(*connection));

	if (connection == NULL)
		return NULL;
	LIST_INSERT_HEAD(&relay->connections, connection, entry);
	connection->relay = relay;
	connection->table = table_hold(table);
	connection->route = route;
	connection->target = *target;
	connection->target.dane = NULL;
	connection->other = other != NULL ? *other : in6addr_any;
	connection->security = *security;
	(void)dane_hold(connection->security.dane);
	connection->calls = owner;
	connection->arg = arg;
	connection->body.fd = -1;
	connection->options = options_of(relay, route, target, security->level);
	connection->news = event_new(relay->base, -1, 0, on_news, connection);
	if (connection->news != NULL && dial(connection) == 0)
		return connection;
	connection_drop(connection);
	return NULL;
}

void
connection_send(struct connection *connection, struct client_mail *mail, int body)
{
	connection->mail = mail;
	connection->body.fd = body;
	act(connection, client_mail(&connection->client, mail, outgoing_out(connection->stream)));
	outgoing_flush(connection->stream);
}

static void
say_quit(struct connection *connection)
{
	connection->quits = true;
	act(connection, client_quit(&connection->client, outgoing_out(connection->stream)));
	outgoing_flush(connection->stream);
}

void
connection_quit(struct connection *connection)
{
	if (connection_is_ready(connection))
		say_quit(connection);
	else
		connection->quits = true; /* it is lost: on_news() is due, and ends it */
}

bool
connection_is_ready(const struct connection *connection)
{
	return connection->client.state == CLIENT_READY;
}

void
connection_give(struct connection *connection, const struct connection_calls *owner, void *arg)
{
	connection->calls = owner;
	connection->arg = arg;
	/* Ready for whoever waits for one. */
	event_active(connection->relay->room, 0, 0);
}

bool
connection_delivers(const struct connection *connection)
{
	return connection->client.state == CLIENT_BODY || connection->client.state == CLIENT_DOT;
}

struct connection *
connection_next(const struct connection *connection)
{
	return LIST_NEXT(connection, entry);
}

const struct mr_route *
connection_route(const struct connection *connection)
{
	return connection->route;
}

const struct security *
connection_security(const struct connection *connection)
{
	return &connection->security;
}

bool
connection_is_useless(const struct connection *connection)
{
	return connection->client.useless;
}

bool
connection_was_made(const struct connection *connection)
{
	return connection->made;
}

unsigned
connection_mails(const struct connection *connection)
{
	return connection->client.mails;
}

const struct route_target *
connection_target(const struct connection *connection)
{
	return &connection->target;
}

const char *
connection_verified(const struct connection *connection)
{
	return outgoing_verified(connection->stream) ? security_word(&connection->security)
						     : "none";
}

const char *
connection_tls(const struct connection *connection)
{
	return outgoing_tls(connection->stream);
}
