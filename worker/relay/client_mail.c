/* SPDX-License-Identifier: ISC */
/* A mail on a connection: its envelope, its message, and what each recipient ends with. */
#include <event2/buffer.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/xtext.h"
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

/* Of a reply before the message, which nobody has now that it doesn't take. */
static enum client_outcome
outcome_before(const struct reply *reply)
{
	return reply->code / 100 == 5 ? OUTCOME_FAILED : OUTCOME_PUT_OFF;
}

/* What RCPT has asked of this server, and is not decided yet. */
static bool
is_open(const struct client_recipient *recipient)
{
	return recipient->asked && recipient->outcome == OUTCOME_PENDING;
}

/* All that were asked and have no outcome yet. */
void
client_settle_all(struct client *client, const struct reply *reply, enum client_outcome outcome)
{
	struct client_mail *mail = client->mail;

	for (size_t i = 0; i < mail->count; i++) {
		if (!is_open(&mail->recipients[i]))
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

/* Why this server can't carry it, or NULL; in the order in which it is looked at. */
static const struct {
	unsigned code;
	const char *status, *text;
} obstacles[] = {
    {554, "5.4.6", "mail for this domain leads back to this server"},
    /* We are a host of the domain, for mail that the preferred ones don't take now. */
    {451, "4.4.6", "no host that is preferred to this server takes it now"},
    {552, "5.3.4", "the message is larger than the server takes"},
    {553, "5.6.7", "the server does not take UTF-8 in addresses and header (SMTPUTF8)"},
    {554, "5.6.3", "the server takes 7-bit messages only"},
    {554, "5.6.3", "the server does not take binary messages (BINARYMIME)"},
};

static bool
can(const struct client *client, uint32_t what)
{
	return (client->capabilities.can & what) == what;
}

bool
client_requires_tls(const struct client_mail *mail)
{
	return (mail->parameters.flags & MAIL_REQUIRETLS) != 0 && mail->sender[0] != '\0';
}

/* Octets on their way, as this server gets them. */
static uint64_t
size_of(const struct client_mail *mail)
{
	uint64_t size = mail->converts ? mail->conversion->size : mail->size;

	return size + (mail->prefix != NULL ? strlen(mail->prefix) : 0);
}

/* RFC 6152 3, RFC 3030 3: what the server doesn't take is converted, if it can be. */
static bool
convert(const struct client *client, struct reply *reply)
{
	struct client_mail *mail = client->mail;
	bool carried = mail->binary ? can(client, CAN_BINARYMIME | CAN_CHUNKING)
				    : !mail->eight_bit || can(client, CAN_8BITMIME);

	mail->converts = false;
	if (carried || mail->conversion == NULL || (mail->utf8 && !can(client, CAN_SMTPUTF8)))
		return true;
	mail->converts = conversion_make(mail->conversion, reply);
	return mail->converts;
}

static bool
lacks(const struct client *client, struct reply *reply)
{
	const struct client_mail *mail = client->mail;
	bool possible = convert(client, reply);
	bool as_it_is = !mail->converts;
	const bool in_the_way[] = {
	    client->loop && !client->options->backup,
	    client->loop,
	    client->capabilities.size > 0 && size_of(mail) > client->capabilities.size,
	    mail->utf8 && !can(client, CAN_SMTPUTF8),
	    as_it_is && mail->eight_bit && !mail->binary && !can(client, CAN_8BITMIME),
	    as_it_is && mail->binary && !can(client, CAN_BINARYMIME | CAN_CHUNKING),
	};

	if (!possible)
		return true;

	for (size_t i = 0; i < sizeof(in_the_way) / sizeof(in_the_way[0]); i++) {
		if (!in_the_way[i])
			continue;
		*reply =
		    client_own_reply(obstacles[i].code, obstacles[i].status, obstacles[i].text);
		return true;
	}
	return false;
}

/* RFC 8689 4.2.1: another host of the domain may do. */
static bool
lacks_tls(const struct client *client, struct reply *reply)
{
	if (!client_requires_tls(client->mail) || (client->secure && can(client, CAN_REQUIRETLS)))
		return false;
	*reply = !client->secure
		     ? client_own_reply(550, "5.7.10",
					"the sender requires TLS, and this connection has none")
		     : client_own_reply(550, "5.7.30",
					"the sender requires TLS up to the end, and the server "
					"has no REQUIRETLS");
	return true;
}

/* RFC 3461 4.3, 4.4 */
static void
say_dsn_of_mail(const struct client_mail *mail, struct evbuffer *out)
{
	static const char *const returns[DSN_RETURNS] = {
	    [DSN_RETURN_HDRS] = "HDRS", [DSN_RETURN_FULL] = "FULL"};
	const char *ret = returns[mail->parameters.ret];
	char envid[3 * ENVID_SIZE];

	if (ret != NULL)
		evbuffer_add_printf(out, " RET=%s", ret);
	if (mail->parameters.envid[0] != '\0' &&
	    xtext_encode(mail->parameters.envid, envid, sizeof(envid)) != -1)
		evbuffer_add_printf(out, " ENVID=%s", envid);
}

static void
say_mail(const struct client *client, struct evbuffer *out)
{
	const struct client_mail *mail = client->mail;
	bool tls = (mail->parameters.flags & MAIL_REQUIRETLS) != 0 && client->secure;

	evbuffer_add_printf(out, "MAIL FROM:<%s>", mail->sender);
	if (can(client, CAN_SIZE))
		evbuffer_add_printf(out, " SIZE=%" PRIu64, size_of(mail));
	if (mail->binary && !mail->converts)
		evbuffer_add_printf(out, " BODY=BINARYMIME");
	else if (mail->eight_bit && !mail->converts)
		evbuffer_add_printf(out, " BODY=8BITMIME");
	if (mail->utf8)
		evbuffer_add_printf(out, " SMTPUTF8");
	if (tls && can(client, CAN_REQUIRETLS))
		evbuffer_add_printf(out, " REQUIRETLS");
	if (can(client, CAN_DSN))
		say_dsn_of_mail(mail, out);
	evbuffer_add_printf(out, "\r\n");
}

/* RFC 3461 4.2; of "utf-8" the form that any server takes (RFC 6533 3). */
static void
say_orcpt(const char *orcpt, struct evbuffer *out)
{
	size_t type = strcspn(orcpt, ";");
	char address[4 * ORCPT_SIZE];
	int length = -1;

	if (orcpt[type] == ';')
		length = strncmp(orcpt, "utf-8;", type + 1) == 0
			     ? unitext_encode(orcpt + type + 1, address, sizeof(address))
			     : xtext_encode(orcpt + type + 1, address, sizeof(address));
	if (length > 0)
		evbuffer_add_printf(out, " ORCPT=%.*s;%s", (int)type, orcpt, address);
}

/* RFC 3461 4.1 */
static void
say_notify(uint32_t notify, struct evbuffer *out)
{
	static const struct {
		uint32_t bit;
		const char *word;
	} words[] = {{DSN_NOTIFY_NEVER, "NEVER"},
		     {DSN_NOTIFY_SUCCESS, "SUCCESS"},
		     {DSN_NOTIFY_FAILURE, "FAILURE"},
		     {DSN_NOTIFY_DELAY, "DELAY"}};
	const char *before = " NOTIFY=";

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if ((notify & words[i].bit) == 0)
			continue;
		evbuffer_add_printf(out, "%s%s", before, words[i].word);
		before = ",";
	}
}

static void
say_rcpt(const struct client *client, struct client_recipient *recipient, struct evbuffer *out)
{
	evbuffer_add_printf(out, "RCPT TO:<%s>", recipient->path);
	recipient->dsn = can(client, CAN_DSN);
	if (recipient->dsn) {
		say_notify(recipient->notify, out);
		say_orcpt(recipient->orcpt, out);
	}
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
	bool all = can(client, CAN_PIPELINING);

	do {
		if (client->sent == 0)
			say_mail(client, out);
		else
			say_rcpt(client, &mail->recipients[client->sent - 1], out);
		client->sent = next_command(mail, client->sent);
	} while (all && client->sent <= mail->count);
	return CLIENT_WAIT;
}

/*
 * Another host may have decided on some of its recipients, and more than the server takes at once
 * (RFC 9422 4.2) stay PENDING: the caller gives it the mail again.
 */
static void
choose_recipients(struct client *client, uint64_t max)
{
	struct client_mail *mail = client->mail;
	uint64_t asked = 0;

	for (size_t i = 0; i < mail->count; i++) {
		mail->recipients[i].asked =
		    mail->recipients[i].outcome == OUTCOME_PENDING && (max == 0 || asked < max);
		asked += mail->recipients[i].asked ? 1 : 0;
	}
}

static enum client_action
begin_mail(struct client *client, struct evbuffer *out)
{
	choose_recipients(client, client->capabilities.rcpt_max);
	client->state = CLIENT_ENVELOPE;
	client->sent = client->answered = 0;
	client->mails++;
	return say_envelope(client, out);
}

enum client_action
client_mail(struct client *client, struct client_mail *mail, struct evbuffer *out)
{
	static const char *const enough = "the server takes no more mails on this connection";
	const struct capabilities *caps = &client->capabilities;
	struct reply reply;

	client->mail = mail;
	if (lacks_tls(client, &reply)) {
		client->polite = client->useless = true;
		return client_close_with(client, &reply);
	}
	if (lacks(client, &reply)) {
		choose_recipients(client, 0);
		client_settle_all(client, &reply,
				  reply.code < 500 ? OUTCOME_LATER : OUTCOME_FAILED);
		return mail_done(client);
	}
	/* RFC 9422 4.1 */
	if (caps->mail_max > 0 && client->mails >= caps->mail_max) {
		reply = client_own_reply(451, "4.5.0", enough);
		client->polite = true;
		return client_close_with(client, &reply);
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
		if (is_open(&mail->recipients[i]))
			return true;
	}
	return false;
}

/* The whole envelope is answered: PENDING of those asked are those whose RCPT was taken. */
static enum client_action
end_envelope(struct client *client, struct evbuffer *out)
{
	if (!any_pending(client->mail))
		return mail_done(client);
	if (client->mail->binary && !client->mail->converts) {
		/* RFC 3030 2: it is asked for nothing before it has all. */
		evbuffer_add_printf(out, "BDAT %" PRIu64 " LAST\r\n", size_of(client->mail));
		client->state = CLIENT_BODY;
		return CLIENT_SEND_CHUNK;
	}
	client->state = CLIENT_DATA;
	evbuffer_add_printf(out, "DATA\r\n");
	return CLIENT_WAIT;
}

/*
 * Of the recipient WHICH. RFC 5321 4.5.3.1.10: 552 may be how a server that has taken some says
 * that it takes no more at once.
 */
static enum client_outcome
outcome_of_rcpt(const struct client_mail *mail, size_t which, const struct reply *reply)
{
	for (size_t i = 0; reply->code == 552 && i < which; i++) {
		if (is_open(&mail->recipients[i]))
			return OUTCOME_PUT_OFF;
	}
	return outcome_before(reply);
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
			client_settle_all(client, reply, outcome_before(reply));
	} else if (!taken && mail->recipients[which - 1].outcome == OUTCOME_PENDING) {
		mail->recipients[which - 1].outcome = outcome_of_rcpt(mail, which - 1, reply);
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
	client_settle_all(client, reply, outcome_before(reply));
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

	while (!is_open(recipient))
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
