/* SPDX-License-Identifier: ISC */
/* The stage of milters: one after the other, each sees what those before it have made of the mail.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "worker/filter/milter_envelope.h"
#include "worker/filter/milters_private.h"

/* A new body may be so much longer than the one that came. */
#define BODY_GROWTH (QF_WISHES_MAX / 2)
/* Within its timeout, so often the master tries again to connect to a socket that is busy. */
#define AGAINS_A_SECOND 10

static void
put_away(struct milters *run)
{
	if (run->request != 0)
		ipc_cancel(run->check->filter->control, run->request);
	run->request = 0;
	if (run->again != NULL)
		event_free(run->again);
	run->again = NULL;
	run->agains = 0;
	milter_link_free(run->link);
	run->link = NULL;
	milter_edit_close(&run->edit);
	free(run->recipients);
	run->recipients = NULL;
}

static void
run_free(struct milters *run)
{
	put_away(run);
	run->check->stage = NULL;
	free(run);
}

/* -- One after the other ----------------------------------------------------------------------- */

static void next(struct milters *);

static void
on_done(void *context, const struct milter_session *session, const char *why)
{
	struct milters *run = context;

	if (run->edit.too_much)
		milters_too_much(run);
	else if (why != NULL || session == NULL)
		milters_failed(run, why != NULL ? why : "it ended without a word");
	else
		milters_carry_out(run, session);
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
	run->link = milter_link_new(run->check->filter->base, fd, milters_current(run)->timeout,
				    &run->mail, on_done, run, err);
	return run->link != NULL;
}

static bool
connect_by_address(struct milters *run, struct error *err)
{
	struct sockaddr_storage address;
	socklen_t length = address_of(milters_current(run), &address);
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

static bool ask_master(struct milters *, struct error *);

static void
on_again(evutil_socket_t fd, short what, void *arg)
{
	struct milters *run = arg;
	struct error err;

	(void)fd;
	(void)what;
	if (!ask_master(run, &err))
		on_done(run, NULL, err.text);
}

/* More connect to it than it takes at a time: unlike a port, its socket keeps none of them waiting
 * then. False if its time is over. */
static bool
ask_again(struct milters *run)
{
	static const struct timeval wait = {.tv_usec = 1000000 / AGAINS_A_SECOND};

	if (run->agains >= milters_current(run)->timeout * AGAINS_A_SECOND)
		return false;
	if (run->again == NULL) {
		milters_busy(run);
		run->again = evtimer_new(run->check->filter->base, on_again, run);
	}
	run->agains++;
	return run->again != NULL && evtimer_add(run->again, &wait) == 0;
}

/* The master has connected to a socket in the file system, or could not. */
static int
on_connected(struct ipc_channel *channel, struct ipc_message *message, void *arg)
{
	struct milters *run = arg;
	struct error err;
	bool waits = false;
	int result = 0;

	(void)channel;
	run->request = 0;
	if (message == NULL) {
		(void)error_set(&err, "the master does not connect");
	} else if (message->type == MF_CONNECTED) {
		waits = tell(run, ipc_take_fd(message), &err);
	} else if (message->type == MF_UNCONNECTED) {
		const struct mf_unconnected *why = message->body;

		waits = why->number == EAGAIN && ask_again(run);
		(void)error_set(&err, "connecting: %s", strerror(why->number));
	} else {
		(void)error_set(&err, "the master says what is no answer");
		result = -1;
	}
	if (!waits)
		on_done(run, NULL, err.text);
	return result;
}

static bool
ask_master(struct milters *run, struct error *err)
{
	const struct mf_connect asked = {.milter = (uint32_t)run->index};

	run->request = ipc_request(run->check->filter->control, MF_CONNECT, &asked, NULL, 0, -1,
				   milters_current(run)->timeout, on_connected, run);
	if (run->request == 0)
		(void)error_set(err, "the master can't be asked");
	return run->request != 0;
}

/* Sender and recipients as those before it have left them. False without memory. */
static bool
take_envelope(struct milters *run)
{
	const struct milter_envelope *envelope = run->check->envelope;

	if (envelope == NULL)
		return true;
	run->recipients = milter_envelope_list(envelope);
	if (run->recipients == NULL)
		return false;
	run->mail.recipients = run->recipients;
	run->mail.recipient_count = milter_envelope_count(envelope);
	if (envelope->sender != NULL)
		run->mail.sender = envelope->sender;
	return true;
}

/* Begins to tell the milter of the mail. False if it can't be. */
static bool
begin(struct milters *run)
{
	struct message *message = run->check->message;
	struct error err;

	if (!take_envelope(run) ||
	    milter_edit_open(&run->edit, message,
			     (size_t)message_body_size(message) + BODY_GROWTH) == -1)
		(void)error_set(&err, "out of memory");
	else if (milters_current(run)->local == 1 ? ask_master(run, &err)
						  : connect_by_address(run, &err))
		return true;
	milters_failed(run, err.text);
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
		if ((milters_current(run)->kinds & check->mail.kind) != 0 && begin(run))
			return;
	}
	run_free(run);
	check_next(check);
}

/* RFC 4422's names, by enum login_way. */
static const char *const mechanisms[LOGIN_WAYS] = {
    [LOGIN_BY_PLAIN] = "PLAIN",
    [LOGIN_BY_LOGIN] = "LOGIN",
    [LOGIN_BY_SCRAM_SHA_1] = "SCRAM-SHA-1",
    [LOGIN_BY_SCRAM_SHA_1_PLUS] = "SCRAM-SHA-1-PLUS",
    [LOGIN_BY_SCRAM_SHA_256] = "SCRAM-SHA-256",
    [LOGIN_BY_SCRAM_SHA_256_PLUS] = "SCRAM-SHA-256-PLUS",
    [LOGIN_BY_EXTERNAL] = "EXTERNAL",
};

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
	    .mechanism = mechanisms[check->mail.mechanism],
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

/* Those that have not been heard have failed. */
static void
skip(struct check *check)
{
	const struct mf_settings *settings = &check->filter->settings;
	const struct milters *run = check->stage;

	for (size_t i = run == NULL ? 0 : run->index; i < settings->milter_count; i++) {
		if ((settings->milters[i].kinds & check->mail.kind) != 0)
			milters_unheard(check, &settings->milters[i], "there is no time");
	}
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
    .skip = skip,
};
