/* SPDX-License-Identifier: ISC */
#include "worker/relay/client.h"

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
    [CLIENT_GREETING] = {300, "the greeting"},
    [CLIENT_EHLO] = {300, "the reply to EHLO"},
    [CLIENT_HELO] = {300, "the reply to HELO"},
    [CLIENT_STARTTLS] = {300, "the reply to STARTTLS"},
    [CLIENT_HANDSHAKE] = {60, "the TLS handshake"},
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
client_start(struct client *client, const char *helo, enum client_tls tls)
{
	memset(client, 0, sizeof(*client));
	client->helo = helo;
	client->tls = tls;
}

/* -- How things end ------------------------------------------------------------------------ */

static struct reply
own_reply(unsigned code, const char *status, const char *text)
{
	struct reply reply = {.code = code};

	(void)snprintf(reply.status, sizeof(reply.status), "%s", status);
	(void)snprintf(reply.text, sizeof(reply.text), "%s", text);
	return reply;
}

static enum client_outcome
outcome_of(const struct reply *reply)
{
	if (reply->code / 100 == 2)
		return OUTCOME_DELIVERED;
	return reply->code / 100 == 5 ? OUTCOME_FAILED : OUTCOME_LATER;
}

/* All that have no outcome yet. */
static void
settle_all(struct client *client, const struct reply *reply, enum client_outcome outcome)
{
	struct client_mail *mail = client->mail;

	for (size_t i = 0; i < mail->count; i++) {
		if (mail->recipients[i].outcome != OUTCOME_PENDING)
			continue;
		mail->recipients[i].outcome = outcome;
		mail->recipients[i].reply = *reply;
	}
}

static enum client_action
close_with(struct client *client, const struct reply *why)
{
	client->state = CLIENT_CLOSED;
	client->why = *why;
	return CLIENT_CLOSE;
}

static enum client_action
mail_done(struct client *client)
{
	client->state = CLIENT_READY;
	client->mail = NULL;
	return CLIENT_MAIL_DONE;
}

/* -- The session ------------------------------------------------------------------------------ */

static enum client_action
say_ehlo(struct client *client, struct evbuffer *out)
{
	client->state = CLIENT_EHLO;
	client->capabilities = (struct capabilities){0};
	client->lines = 0;
	evbuffer_add_printf(out, "EHLO %s\r\n", client->helo);
	return CLIENT_WAIT;
}

/* Greeted, and as secure as it gets. */
static enum client_action
be_ready(struct client *client)
{
	static const char *const none = "this server offers no TLS, and it is required";
	struct reply why;

	if (client->tls == CLIENT_TLS_REQUIRED && !client->secure) {
		why = own_reply(450, "4.7.4", none);
		return close_with(client, &why);
	}
	client->state = CLIENT_READY;
	return CLIENT_GIVE;
}

static enum client_action
on_greeting(struct client *client, const struct reply *reply, struct evbuffer *out)
{
	return reply->code == 220 ? say_ehlo(client, out) : close_with(client, reply);
}

static enum client_action
on_ehlo(struct client *client, const struct reply *reply, struct evbuffer *out)
{
	if (reply->code / 100 == 5) {
		client->state = CLIENT_HELO;
		client->capabilities = (struct capabilities){0};
		evbuffer_add_printf(out, "HELO %s\r\n", client->helo);
		return CLIENT_WAIT;
	}
	if (reply->code != 250)
		return close_with(client, reply);
	if (client->tls == CLIENT_TLS_NEVER || client->secure ||
	    (client->capabilities.can & CAN_STARTTLS) == 0)
		return be_ready(client);
	client->state = CLIENT_STARTTLS;
	evbuffer_add_printf(out, "STARTTLS\r\n");
	return CLIENT_WAIT;
}

static enum client_action
on_helo(struct client *client, const struct reply *reply, struct evbuffer *out)
{
	(void)out;
	return reply->code == 250 ? be_ready(client) : close_with(client, reply);
}

static enum client_action
on_starttls(struct client *client, const struct reply *reply, struct evbuffer *out)
{
	(void)out;
	if (reply->code != 220)
		return be_ready(client);
	client->state = CLIENT_HANDSHAKE;
	return CLIENT_START_TLS;
}

enum client_action
client_secured(struct client *client, struct evbuffer *out)
{
	client->secure = true;
	client->loop = false;
	return say_ehlo(client, out);
}

void
client_line(struct client *client, const char *text)
{
	if (client->state != CLIENT_EHLO && client->state != CLIENT_HELO)
		return;
	if (client->lines++ > 0) {
		capabilities_line(&client->capabilities, text);
		return;
	}
	/* Who says our own name is us: the mail would come back for ever. */
	client->loop = strcspn(text, " ") == strlen(client->helo) &&
		       strncasecmp(text, client->helo, strlen(client->helo)) == 0;
}

/* -- A mail --------------------------------------------------------------------------------------
 */

/* What this server can't carry, or NULL. */
static const char *
lacks(const struct client *client, struct reply *reply)
{
	const struct capabilities *caps = &client->capabilities;
	const struct client_mail *mail = client->mail;

	if (client->loop)
		*reply = own_reply(554, "5.4.6", "mail for this domain leads back to this server");
	else if (caps->size > 0 && mail->size > caps->size)
		*reply = own_reply(552, "5.3.4", "the message is larger than the server takes");
	else if (mail->utf8 && (caps->can & CAN_SMTPUTF8) == 0)
		*reply = own_reply(553, "5.6.7", "the server does not take UTF-8 in addresses");
	else if (mail->eight_bit && (caps->can & CAN_8BITMIME) == 0)
		*reply = own_reply(554, "5.6.3", "the server takes 7-bit messages only");
	else
		return NULL;
	return reply->text;
}

static void
say_mail(const struct client *client, struct evbuffer *out)
{
	const struct client_mail *mail = client->mail;

	evbuffer_add_printf(out, "MAIL FROM:<%s>", mail->sender);
	if ((client->capabilities.can & CAN_SIZE) != 0)
		evbuffer_add_printf(out, " SIZE=%" PRIu64, mail->size);
	if (mail->eight_bit)
		evbuffer_add_printf(out, " BODY=8BITMIME");
	if (mail->utf8)
		evbuffer_add_printf(out, " SMTPUTF8");
	evbuffer_add_printf(out, "\r\n");
}

/* The envelope: all of it at once (RFC 2920), or the next command. */
static enum client_action
say_envelope(struct client *client, struct evbuffer *out)
{
	const struct client_mail *mail = client->mail;
	bool all = (client->capabilities.can & CAN_PIPELINING) != 0;

	do {
		if (client->sent == 0)
			say_mail(client, out);
		else
			evbuffer_add_printf(out, "RCPT TO:<%s>\r\n",
					    mail->recipients[client->sent - 1].path);
		client->sent++;
	} while (all && client->sent <= mail->count);
	return CLIENT_WAIT;
}

static enum client_action
begin_mail(struct client *client, struct evbuffer *out)
{
	client->state = CLIENT_ENVELOPE;
	client->sent = client->answered = 0;
	return say_envelope(client, out);
}

enum client_action
client_mail(struct client *client, struct client_mail *mail, struct evbuffer *out)
{
	struct reply reply;

	client->mail = mail;
	if (lacks(client, &reply) != NULL) {
		settle_all(client, &reply, OUTCOME_FAILED);
		return mail_done(client);
	}
	if (!client->transaction)
		return begin_mail(client, out);
	client->state = CLIENT_RSET;
	evbuffer_add_printf(out, "RSET\r\n");
	return CLIENT_WAIT;
}

static enum client_action
on_rset(struct client *client, const struct reply *reply, struct evbuffer *out)
{
	if (reply->code != 250)
		return close_with(client, reply);
	client->transaction = false;
	return begin_mail(client, out);
}

static bool
any_pending(const struct client_mail *mail)
{
	for (size_t i = 0; i < mail->count; i++) {
		if (mail->recipients[i].outcome == OUTCOME_PENDING)
			return true;
	}
	return false;
}

/* The whole envelope is answered: PENDING are those whose RCPT was taken. */
static enum client_action
end_envelope(struct client *client, struct evbuffer *out)
{
	if (!any_pending(client->mail))
		return mail_done(client);
	client->state = CLIENT_DATA;
	evbuffer_add_printf(out, "DATA\r\n");
	return CLIENT_WAIT;
}

static enum client_action
on_envelope(struct client *client, const struct reply *reply, struct evbuffer *out)
{
	struct client_mail *mail = client->mail;
	size_t which = client->answered++;
	bool taken = reply->code / 100 == 2;

	if (which == 0) {
		client->transaction = taken;
		if (!taken)
			settle_all(client, reply, outcome_of(reply));
	} else if (!taken && mail->recipients[which - 1].outcome == OUTCOME_PENDING) {
		mail->recipients[which - 1].outcome = outcome_of(reply);
		mail->recipients[which - 1].reply = *reply;
	}
	if (client->answered < client->sent)
		return CLIENT_WAIT;
	if (client->sent <= mail->count && client->transaction)
		return say_envelope(client, out);
	return end_envelope(client, out);
}

static enum client_action
on_data(struct client *client, const struct reply *reply, struct evbuffer *out)
{
	(void)out;
	if (reply->code == 354) {
		client->state = CLIENT_BODY;
		return CLIENT_SEND_BODY;
	}
	/* A 2xx here is none of the answers there are. */
	settle_all(client, reply,
		   outcome_of(reply) == OUTCOME_FAILED ? OUTCOME_FAILED : OUTCOME_LATER);
	return mail_done(client);
}

enum client_action
client_sent(struct client *client)
{
	client->state = CLIENT_DOT;
	return CLIENT_WAIT;
}

/* It answers before it has the message: what is on its way would be taken for commands. */
static enum client_action
on_body(struct client *client, const struct reply *reply, struct evbuffer *out)
{
	(void)out;
	settle_all(client, reply,
		   outcome_of(reply) == OUTCOME_FAILED ? OUTCOME_FAILED : OUTCOME_LATER);
	return close_with(client, reply);
}

static enum client_action
on_dot(struct client *client, const struct reply *reply, struct evbuffer *out)
{
	(void)out;
	client->transaction = false;
	settle_all(client, reply, outcome_of(reply));
	return mail_done(client);
}

static enum client_action
on_unasked(struct client *client, const struct reply *reply, struct evbuffer *out)
{
	(void)out;
	return close_with(client, reply);
}

/* -- Events ----------------------------------------------------------------------------------- */

typedef enum client_action on_reply_fn(struct client *, const struct reply *, struct evbuffer *);

static on_reply_fn *const on_reply[CLIENT_STATES] = {
    [CLIENT_GREETING] = on_greeting, [CLIENT_EHLO] = on_ehlo,         [CLIENT_HELO] = on_helo,
    [CLIENT_STARTTLS] = on_starttls, [CLIENT_HANDSHAKE] = on_unasked, [CLIENT_READY] = on_unasked,
    [CLIENT_RSET] = on_rset,         [CLIENT_ENVELOPE] = on_envelope, [CLIENT_DATA] = on_data,
    [CLIENT_BODY] = on_body,         [CLIENT_DOT] = on_dot,           [CLIENT_QUIT] = on_unasked,
    [CLIENT_CLOSED] = on_unasked,
};

enum client_action
client_reply(struct client *client, const struct reply *reply, struct evbuffer *out)
{
	/* RFC 5321 3.8: it closes the connection. Before the message is over, another may take it.
	 */
	if (reply->code == 421) {
		if (client->state == CLIENT_DOT)
			settle_all(client, reply, OUTCOME_LATER);
		return close_with(client, reply);
	}
	return on_reply[client->state](client, reply, out);
}

enum client_action
client_quit(struct client *client, struct evbuffer *out)
{
	client->state = CLIENT_QUIT;
	evbuffer_add_printf(out, "QUIT\r\n");
	return CLIENT_WAIT;
}

enum client_action
client_lost(struct client *client, const char *why)
{
	struct reply reply = {.code = 451};

	(void)snprintf(reply.status, sizeof(reply.status), "4.4.2");
	(void)snprintf(reply.text, sizeof(reply.text), "%s, in %s", why, client_stage(client));
	/* Whether it has the mail is not known: it is asked again, later and alone. */
	if (client->state == CLIENT_DOT)
		settle_all(client, &reply, OUTCOME_LATER);
	return close_with(client, &reply);
}
