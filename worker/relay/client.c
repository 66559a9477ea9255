/* SPDX-License-Identifier: ISC */
#include "worker/relay/client_private.h"

#include <event2/buffer.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* RFC 5321 4.5.3.2, and what each is called in a log. */
static const struct {
	unsigned seconds;
	const char *stage;
} stages[CLIENT_STATES] = {
    [CLIENT_CONNECTING] = {30, "connecting"},
    [CLIENT_GREETING] = {300, "the greeting"},
    [CLIENT_EHLO] = {300, "the reply to EHLO"},
    [CLIENT_HELO] = {300, "the reply to HELO"},
    [CLIENT_STARTTLS] = {300, "the reply to STARTTLS"},
    [CLIENT_HANDSHAKE] = {60, "the TLS handshake"},
    [CLIENT_AUTH] = {180, "the reply to AUTH"}, /* RFC 4954 4 */
    [CLIENT_READY] = {300, "the next mail"},
    [CLIENT_RSET] = {60, "the reply to RSET"},
    [CLIENT_ENVELOPE] = {300, "the reply to MAIL or RCPT"},
    [CLIENT_DATA] = {120, "the reply to DATA"},
    [CLIENT_BODY] = {180, "taking the message"},
    [CLIENT_DOT] = {600, "the reply to the message"},
    [CLIENT_QUIT] = {10, "the reply to QUIT"},
    [CLIENT_CLOSED] = {0, "nothing"},
};

unsigned
client_seconds(const struct client *client)
{
	return stages[client->state].seconds;
}

const char *
client_stage(const struct client *client)
{
	return stages[client->state].stage;
}

void
client_start(struct client *client, const struct client_options *options)
{
	memset(client, 0, sizeof(*client));
	client->options = options;
}

enum client_action
client_connected(struct client *client)
{
	client->state = client->options->implicit_tls ? CLIENT_HANDSHAKE : CLIENT_GREETING;
	return client->options->implicit_tls ? CLIENT_START_TLS : CLIENT_WAIT;
}

/* -- The session ------------------------------------------------------------------------------ */

static enum client_action
say_ehlo(struct client *client, struct evbuffer *out)
{
	client->state = CLIENT_EHLO;
	client->capabilities = (struct capabilities){0};
	client->lines = 0;
	evbuffer_add_printf(out, "%s %s\r\n", client->options->lmtp ? "LHLO" : "EHLO",
			    client->options->helo);
	return CLIENT_WAIT;
}

/* A reply that is no good for any mail. */
static enum client_action
turned_away(struct client *client, const struct reply *reply)
{
	client->polite = true;
	return client_close_with(client, reply);
}

static enum client_action
refuse(struct client *client, unsigned code, const char *status, const char *text)
{
	struct reply why = client_own_reply(code, status, text);

	client->polite = true;
	return client_close_with(client, &why);
}

/* Greeted, and as secure as it gets. */
static enum client_action
be_ready(struct client *client, struct evbuffer *out)
{
	const struct client_options *options = client->options;

	if (options->tls == CLIENT_TLS_REQUIRED && !client->secure)
		return refuse(client, 450, "4.7.4",
			      "this server offers no TLS, and it is required");
	if (options->user == NULL) {
		client->state = CLIENT_READY;
		return CLIENT_GIVE;
	}
	if (!client->secure)
		return refuse(client, 450, "4.7.4", "a login without TLS would be told to anybody");
	client->state = CLIENT_AUTH;
	if (!login_begin(&client->login, client->capabilities.auth, options->user,
			 options->password, out))
		return refuse(client, 450, "4.7.4",
			      "this server offers no AUTH with a mechanism that is known here");
	return CLIENT_WAIT;
}

static enum client_action
on_greeting(struct client *client, const struct reply *reply, struct evbuffer *out)
{
	if (reply->code == 220)
		return say_ehlo(client, out);
	/* RFC 7504 3: there is no mail service, and never will be; who named the host can mend
	 * that. A 554 may be about us, for now. */
	client->useless = reply->code == 521 && !client->options->named;
	return turned_away(client, reply);
}

static enum client_action
on_ehlo(struct client *client, const struct reply *reply, struct evbuffer *out)
{
	if (reply->code / 100 == 5 && !client->options->lmtp) {
		client->state = CLIENT_HELO;
		client->capabilities = (struct capabilities){0};
		evbuffer_add_printf(out, "HELO %s\r\n", client->options->helo);
		return CLIENT_WAIT;
	}
	if (reply->code != 250)
		return turned_away(client, reply);
	if (client->options->tls == CLIENT_TLS_NEVER || client->plain || client->secure ||
	    (client->capabilities.can & CAN_STARTTLS) == 0)
		return be_ready(client, out);
	client->state = CLIENT_STARTTLS;
	evbuffer_add_printf(out, "STARTTLS\r\n");
	return CLIENT_WAIT;
}

static enum client_action
on_helo(struct client *client, const struct reply *reply, struct evbuffer *out)
{
	return reply->code == 250 ? be_ready(client, out) : turned_away(client, reply);
}

static enum client_action
on_starttls(struct client *client, const struct reply *reply, struct evbuffer *out)
{
	if (reply->code != 220)
		return be_ready(client, out);
	client->state = CLIENT_HANDSHAKE;
	return CLIENT_START_TLS;
}

enum client_action
client_secured(struct client *client, struct evbuffer *out)
{
	client->secure = true;
	client->loop = false;
	if (!client->options->implicit_tls)
		return say_ehlo(client, out);
	client->state = CLIENT_GREETING;
	return CLIENT_WAIT;
}

/* RFC 4954 4 and 6. Whatever ends it, the mail is for later: the configuration is wrong, not it. */
static enum client_action
on_auth(struct client *client, const struct reply *reply, struct evbuffer *out)
{
	if (reply->code == 334 && login_answer(&client->login, client->line, out))
		return CLIENT_WAIT;
	if (reply->code == 334) {
		client->login_refused = true;
		return refuse(client, 454, "4.7.0",
			      "the server's part of the login is not what it has to be");
	}
	if (reply->code != 235) {
		client->login_refused = reply->code / 100 == 5;
		return turned_away(client, reply);
	}
	if (!login_done(&client->login)) {
		client->login_refused = true;
		return refuse(client, 454, "4.7.0",
			      "the server has not shown that it knows the password");
	}
	client->state = CLIENT_READY;
	return CLIENT_GIVE;
}

/* With the word NAME. */
static bool
begins_with(const char *text, const char *name)
{
	size_t length = strlen(name);

	return strcspn(text, " ") == length && strncasecmp(text, name, length) == 0;
}

void
client_line(struct client *client, const char *text)
{
	if (client->state == CLIENT_AUTH)
		strlcpy(client->line, text, sizeof(client->line));
	if (client->state != CLIENT_EHLO && client->state != CLIENT_HELO)
		return;
	if (client->lines++ > 0) {
		capabilities_line(&client->capabilities, text);
		return;
	}
	client->loop = client->options->own != NULL && (begins_with(text, client->options->own) ||
							begins_with(text, client->options->helo));
}

static enum client_action
on_unasked(struct client *client, const struct reply *reply, struct evbuffer *out)
{
	(void)reply;
	(void)out;
	return client_lost(client, "the server answers before it is asked");
}

/* -- Events ----------------------------------------------------------------------------------- */

static client_reply_fn *const on_reply[CLIENT_STATES] = {
    [CLIENT_CONNECTING] = on_unasked, [CLIENT_GREETING] = on_greeting,
    [CLIENT_EHLO] = on_ehlo,          [CLIENT_HELO] = on_helo,
    [CLIENT_STARTTLS] = on_starttls,  [CLIENT_HANDSHAKE] = on_unasked,
    [CLIENT_AUTH] = on_auth,          [CLIENT_READY] = on_unasked,
    [CLIENT_RSET] = client_on_rset,   [CLIENT_ENVELOPE] = client_on_envelope,
    [CLIENT_DATA] = client_on_data,   [CLIENT_BODY] = client_on_body,
    [CLIENT_DOT] = client_on_dot,     [CLIENT_QUIT] = on_unasked,
    [CLIENT_CLOSED] = on_unasked,
};

enum client_action
client_reply(struct client *client, const struct reply *reply, struct evbuffer *out)
{
	/* RFC 5321 3.8: it closes the connection. Before the message is over, another may take it.
	 */
	if (reply->code == 421) {
		if (client->state == CLIENT_DOT)
			client_settle_all(client, reply, OUTCOME_LATER);
		return client_close_with(client, reply);
	}
	return on_reply[client->state](client, reply, out);
}

enum client_action
client_quit(struct client *client, struct evbuffer *out)
{
	client->polite = client->login_refused = false;
	client->state = CLIENT_QUIT;
	evbuffer_add_printf(out, "QUIT\r\n");
	return CLIENT_WAIT;
}

enum client_action
client_lost(struct client *client, const char *why)
{
	struct reply reply = {.code = 451};

	(void)snprintf(reply.status, sizeof(reply.status), "%s",
		       client->state == CLIENT_CONNECTING ? "4.4.1" : "4.4.2");
	(void)snprintf(reply.text, sizeof(reply.text), "%.200s, in %s", why, client_stage(client));
	/* Whether it has the mail is not known: it is asked again, later and alone. */
	if (client->state == CLIENT_DOT)
		client_settle_all(client, &reply, OUTCOME_LATER);
	return client_close_with(client, &reply);
}
