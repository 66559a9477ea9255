/* SPDX-License-Identifier: ISC */
/* The stage of milters: one after the other, each sees what those before it have made of the mail.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"
#include "worker/filter/filter.h"
#include "worker/filter/milter_edit.h"
#include "worker/filter/milter_link.h"

/* A new body may be so much longer than the one that came. */
#define BODY_GROWTH (QF_FIELDS_MAX / 2)

/* Its run through the milters. */
struct milters {
	struct check *check;
	size_t index;     /* of the one that has it */
	uint32_t request; /* to the master, for a socket; 0: none */
	struct milter_link *link;
	struct milter_edit edit;
	struct milter_mail mail;
	char id[QUEUE_ID_SIZE];
	char client[INET6_ADDRSTRLEN];
};

static const struct mf_milter *
current(const struct milters *run)
{
	return &run->check->filter->settings.milters[run->index];
}

static void
name_of(const struct mf_milter *milter, char out[INET6_ADDRSTRLEN + 8])
{
	char text[INET6_ADDRSTRLEN] = "";

	if (milter->local == 1) {
		(void)strlcpy(out, "unix", INET6_ADDRSTRLEN + 8);
		return;
	}
	if (IN6_IS_ADDR_V4MAPPED(&milter->address)) {
		(void)inet_ntop(AF_INET, &milter->address.s6_addr[12], text, sizeof(text));
		(void)snprintf(out, INET6_ADDRSTRLEN + 8, "%s:%u", text, milter->port);
		return;
	}
	(void)inet_ntop(AF_INET6, &milter->address, text, sizeof(text));
	(void)snprintf(out, INET6_ADDRSTRLEN + 8, "[%s]:%u", text, milter->port);
}

static void
put_away(struct milters *run)
{
	if (run->request != 0)
		ipc_cancel(run->check->filter->control, run->request);
	run->request = 0;
	milter_link_free(run->link);
	run->link = NULL;
	milter_edit_close(&run->edit);
}

static void
run_free(struct milters *run)
{
	put_away(run);
	run->check->stage = NULL;
	free(run);
}

/* -- What comes of it ------------------------------------------------------------------------ */

static void
note(const struct milters *run, const char *event, const char *what)
{
	char name[INET6_ADDRSTRLEN + 8];

	name_of(current(run), name);
	log_event(LOG_WARNING, event, KV_CONN(run->check->mail.conn), KV_STR("milter", name),
		  KV_STR("why", what));
}

/* rspamd's X-Spam: Yes, SpamAssassin's X-Spam-Flag: YES. */
static bool
is_spam_mark(const struct milter_change *change)
{
	const char *value = change->value;

	if ((change->type != MILTER_ADDHEADER && change->type != MILTER_INSHEADER &&
	     change->type != MILTER_CHGHEADER) ||
	    (strcasecmp(change->name, "X-Spam") != 0 &&
	     strcasecmp(change->name, "X-Spam-Flag") != 0))
		return false;
	while (*value == ' ' || *value == '\t')
		value++;
	return strncasecmp(value, "yes", 3) == 0;
}

/* What is about the mail as a whole. */
static void
look_at_changes(struct milters *run)
{
	const struct milter_change *change;

	STAILQ_FOREACH (change, &run->edit.changes, entry) {
		if (change->type == MILTER_QUARANTINE)
			check_verdict(run->check, FILTER_HOLD, 0, NULL, "a milter holds it",
				      change->name);
		else if (change->type == MILTER_ADDRCPT || change->type == MILTER_DELRCPT ||
			 change->type == MILTER_CHGFROM)
			note(run, "milter.ignored",
			     "it changes the envelope, which stays as it is");
		else if (current(run)->junk == 1 && is_spam_mark(change))
			check_junk(run->check, "a milter's mark");
	}
}

static void
failed(struct milters *run, const char *why)
{
	note(run, "milter.failed", why);
	if (current(run)->failure == FILTER_FAIL_LATER)
		check_verdict(run->check, FILTER_LATER, 451, "4.7.1", why,
			      "A filter is not available, try again later");
}

static void
accepted(struct milters *run)
{
	unsigned bad = 0;

	look_at_changes(run);
	if (milter_edit_apply(&run->edit, &bad) == -1)
		failed(run, "no memory for its changes");
	else if (bad > 0)
		note(run, "milter.ignored", "it adds what is no header field");
}

static void
carry_out(struct milters *run, const struct milter_session *session)
{
	const struct milter_code *code = &session->code;
	const char *status = code->status[0] == '\0' ? NULL : code->status;

	switch (session->outcome) {
	case MILTER_REJECT:
		check_verdict(run->check, FILTER_REJECT, code->code, status, "a milter refuses it",
			      code->text);
		break;
	case MILTER_TEMPFAIL:
		check_verdict(run->check, FILTER_LATER, code->code, status,
			      "a milter refuses it for now", code->text);
		break;
	case MILTER_DISCARD:
		check_verdict(run->check, FILTER_DISCARD, 0, NULL, "a milter discards it", NULL);
		break;
	default:
		accepted(run);
		break;
	}
}

/* -- One after the other ----------------------------------------------------------------------- */

static void next(struct milters *);

static void
on_done(void *context, const struct milter_session *session, const char *why)
{
	struct milters *run = context;

	if (why != NULL || session == NULL)
		failed(run, why != NULL ? why : "it ended without a word");
	else
		carry_out(run, session);
	put_away(run);
	run->index++;
	next(run);
}

static socklen_t
address_of(const struct mf_milter *milter, struct sockaddr_storage *out)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(milter->port)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6,
				  .sin6_port = htons(milter->port),
				  .sin6_addr = milter->address};

	if (!IN6_IS_ADDR_V4MAPPED(&milter->address)) {
		memcpy(out, &v6, sizeof(v6));
		return sizeof(v6);
	}
	memcpy(&v4.sin_addr, &milter->address.s6_addr[12], sizeof(v4.sin_addr));
	memcpy(out, &v4, sizeof(v4));
	return sizeof(v4);
}

/* FD (taken) leads to it. False if there is nothing to wait for. */
static bool
tell(struct milters *run, int fd, struct error *err)
{
	run->link = milter_link_new(run->check->filter->base, fd, current(run)->timeout, &run->mail,
				    on_done, run, err);
	return run->link != NULL;
}

static bool
connect_by_address(struct milters *run, struct error *err)
{
	struct sockaddr_storage address;
	socklen_t length = address_of(current(run), &address);
	int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd == -1) {
		(void)error_errno(err, "a socket");
		return false;
	}
	if (connect(fd, (const struct sockaddr *)(const void *)&address, length) == -1 &&
	    errno != EINPROGRESS) {
		(void)error_errno(err, "connecting");
		close(fd);
		return false;
	}
	return tell(run, fd, err);
}

/* The master has connected to a socket in the file system, or could not. */
static int
on_connected(struct ipc_channel *channel, struct ipc_message *message, void *arg)
{
	struct milters *run = arg;
	struct error err;
	bool told = false;
	int result = 0;

	(void)channel;
	run->request = 0;
	if (message == NULL) {
		(void)error_set(&err, "the master does not connect");
	} else if (message->type == MF_CONNECTED) {
		told = tell(run, ipc_take_fd(message), &err);
	} else if (message->type == MF_UNCONNECTED) {
		const struct mf_unconnected *why = message->body;

		(void)error_set(&err, "connecting: %s", strerror(why->number));
	} else {
		(void)error_set(&err, "the master says what is no answer");
		result = -1;
	}
	if (!told)
		on_done(run, NULL, err.text);
	return result;
}

static bool
ask_master(struct milters *run, struct error *err)
{
	const struct mf_connect asked = {.milter = (uint32_t)run->index};

	run->request = ipc_request(run->check->filter->control, MF_CONNECT, &asked, NULL, 0, -1,
				   current(run)->timeout, on_connected, run);
	if (run->request == 0)
		(void)error_set(err, "the master can't be asked");
	return run->request != 0;
}

/* Begins to tell the milter of the mail. False if it can't be. */
static bool
begin(struct milters *run)
{
	struct message *message = run->check->message;
	struct error err;

	if (milter_edit_open(&run->edit, message,
			     (size_t)message_body_size(message) + BODY_GROWTH) == -1)
		(void)error_set(&err, "out of memory");
	else if (current(run)->local == 1 ? ask_master(run, &err) : connect_by_address(run, &err))
		return true;
	failed(run, err.text);
	put_away(run);
	return false;
}

static bool
is_over(const struct milters *run)
{
	return run->check->private->verdict.verdict >= FILTER_DISCARD ||
	       run->index >= run->check->filter->settings.milter_count;
}

static void
next(struct milters *run)
{
	struct check *check = run->check;

	for (; !is_over(run); run->index++) {
		if ((current(run)->kinds & check->mail.kind) != 0 && begin(run))
			return;
	}
	run_free(run);
	check_next(check);
}

static void
describe(struct milters *run)
{
	const struct check *check = run->check;
	const struct in6_addr *address = &check->mail.peer.address;
	const struct client_tls *tls = &check->mail.tls;
	bool v4 = IN6_IS_ADDR_V4MAPPED(address);

	(void)snprintf(run->id, sizeof(run->id), "%016llx", (unsigned long long)check->mail.id);
	(void)inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? &address->s6_addr[12] : address->s6_addr,
			run->client, sizeof(run->client));
	run->mail = (struct milter_mail){
	    .hostname = check->filter->settings.hostname,
	    .queue_id = run->id,
	    .client_name = check->client_name[0] == '\0' ? NULL : check->client_name,
	    .client = run->client,
	    .family = v4 ? '4' : '6',
	    .port = check->mail.peer.port,
	    .helo = check->mail.helo,
	    .sender = check->sender,
	    .recipients = check->recipients,
	    .recipient_count = check->recipient_count,
	    .submitter = check->mail.submitter[0] == '\0' ? NULL : check->mail.submitter,
	    .tls_version = tls->version[0] == '\0' ? NULL : tls->version,
	    .tls_cipher = tls->cipher[0] == '\0' ? NULL : tls->cipher,
	    .field = milter_edit_field,
	    .body = milter_edit_body,
	    .change = milter_edit_change,
	    .context = &run->edit,
	};
}

static void
start(struct check *check)
{
	struct milters *run = calloc(1, sizeof(*run));

	if (run == NULL) {
		check_verdict(check, FILTER_LATER, 451, "4.3.0", "no memory",
			      "The message can't be checked now, try again later");
		check_next(check);
		return;
	}
	run->check = check;
	STAILQ_INIT(&run->edit.changes);
	check->stage = run;
	describe(run);
	next(run);
}

static void
cancel(struct check *check)
{
	run_free(check->stage);
}

static bool
wanted(const struct check *check)
{
	const struct mf_settings *settings = &check->filter->settings;

	for (size_t i = 0; i < settings->milter_count; i++) {
		if ((settings->milters[i].kinds & check->mail.kind) != 0)
			return true;
	}
	return false;
}

const struct stage stage_milters = {
    .name = "milters",
    .kinds = FILTER_STRANGER | FILTER_SUBMITTER,
    .wanted = wanted,
    .start = start,
    .cancel = cancel,
};
