/* SPDX-License-Identifier: ISC */
/* A mail on a connection: its envelope, its message, and what each recipient ends with. */
#include <event2/buffer.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "worker/relay/client_private.h"

/* -- How things end ------------------------------------------------------------------------ */

struct reply
client_own_reply(unsigned code, const char *status, const char *text)
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
void
client_settle_all(struct client *client, const struct reply *reply, enum client_outcome outcome)
{
	struct client_mail *mail = client->mail;

	for (size_t i = 0; i < mail->count; i++) {
		if (mail->recipients[i].outcome != OUTCOME_PENDING)
			continue;
		mail->recipients[i].outcome = outcome;
		mail->recipients[i].reply = *reply;
	}
}

enum client_action
client_close_with(struct client *client, const struct reply *why)
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

/* -- A mail --------------------------------------------------------------------------------------
 */

/* What this server can't carry, or NULL. */
static const char *
lacks(const struct client *client, struct reply *reply)
{
	const struct capabilities *caps = &client->capabilities;
	const struct client_mail *mail = client->mail;

	if (client->loop)
		*reply = client_own_reply(554, "5.4.6",
					  "mail for this domain leads back to this server");
	else if (caps->size > 0 && mail->size > caps->size)
		*reply =
		    client_own_reply(552, "5.3.4", "the message is larger than the server takes");
	else if (mail->utf8 && (caps->can & CAN_SMTPUTF8) == 0)
		*reply =
		    client_own_reply(553, "5.6.7", "the server does not take UTF-8 in addresses");
	else if (mail->eight_bit && (caps->can & CAN_8BITMIME) == 0)
		*reply = client_own_reply(554, "5.6.3", "the server takes 7-bit messages only");
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

/* The command behind COMMAND: 0 is MAIL, then each RCPT that is asked. */
static size_t
next_command(const struct client_mail *mail, size_t command)
{
	command++;
	while (command <= mail->count && !mail->recipients[command - 1].asked)
		command++;
	return command;
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
		client->sent = next_command(mail, client->sent);
	} while (all && client->sent <= mail->count);
	return CLIENT_WAIT;
}

/* Another host may have decided on some of its recipients. */
static enum client_action
begin_mail(struct client *client, struct evbuffer *out)
{
	struct client_mail *mail = client->mail;

	for (size_t i = 0; i < mail->count; i++)
		mail->recipients[i].asked = mail->recipients[i].outcome == OUTCOME_PENDING;
	client->state = CLIENT_ENVELOPE;
	client->sent = client->answered = 0;
	client->mails++;
	return say_envelope(client, out);
}

enum client_action
client_mail(struct client *client, struct client_mail *mail, struct evbuffer *out)
{
	struct reply reply;

	client->mail = mail;
	if (lacks(client, &reply) != NULL) {
		client_settle_all(client, &reply, OUTCOME_FAILED);
		return mail_done(client);
	}
	if (!client->transaction)
		return begin_mail(client, out);
	client->state = CLIENT_RSET;
	evbuffer_add_printf(out, "RSET\r\n");
	return CLIENT_WAIT;
}

enum client_action
client_on_rset(struct client *client, const struct reply *reply, struct evbuffer *out)
{
	if (reply->code != 250)
		return client_close_with(client, reply);
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

enum client_action
client_on_envelope(struct client *client, const struct reply *reply, struct evbuffer *out)
{
	struct client_mail *mail = client->mail;
	size_t which = client->answered;
	bool taken = reply->code / 100 == 2;

	client->answered = next_command(mail, which);
	if (which == 0) {
		client->transaction = taken;
		if (!taken)
			client_settle_all(client, reply, outcome_of(reply));
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

enum client_action
client_on_data(struct client *client, const struct reply *reply, struct evbuffer *out)
{
	(void)out;
	if (reply->code == 354) {
		client->state = CLIENT_BODY;
		return CLIENT_SEND_BODY;
	}
	/* A 2xx here is none of the answers there are. */
	client_settle_all(client, reply,
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
enum client_action
client_on_body(struct client *client, const struct reply *reply, struct evbuffer *out)
{
	(void)out;
	client_settle_all(client, reply,
			  outcome_of(reply) == OUTCOME_FAILED ? OUTCOME_FAILED : OUTCOME_LATER);
	return client_close_with(client, reply);
}

/* RFC 2033 4.2: a reply for each recipient that was taken, in the order of the RCPT commands. */
static void
settle_next(struct client *client, const struct reply *reply)
{
	struct client_recipient *recipient = client->mail->recipients;

	while (recipient->outcome != OUTCOME_PENDING)
		recipient++;
	recipient->outcome = outcome_of(reply);
	recipient->reply = *reply;
}

enum client_action
client_on_dot(struct client *client, const struct reply *reply, struct evbuffer *out)
{
	(void)out;
	client->transaction = false;
	if (client->options->lmtp)
		settle_next(client, reply);
	else
		client_settle_all(client, reply, outcome_of(reply));
	return any_pending(client->mail) ? CLIENT_WAIT : mail_done(client);
}
