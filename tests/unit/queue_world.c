/* SPDX-License-Identifier: ISC */
#include "tests/unit/queue_world.h"

#include <event2/event.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/child.h"
#include "common/proto/accounts_queue.h"
#include "common/proto/gate_queue.h"
#include "common/proto/queue_session.h"
#include "worker/queue/asker.h"

#define PATIENCE 600 /* seconds until a test gives up; nothing else depends on it */
#define TURNS 20     /* without waiting: all that happens by itself has happened then */

/* -- The folder ------------------------------------------------------------------------ */

void
world_make_folder(char folder[64])
{
	strlcpy(folder, "/tmp/postern-queue-XXXXXX", 64);
	assert_non_null(mkdtemp(folder));
	assert_int_equal(chdir(folder), 0);
}

void
world_remove_folder(const char *folder)
{
	char command[128];

	assert_int_equal(chdir("/"), 0);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	assert_int_equal(system(command), 0);
}

/* -- Mailboxes ---------------------------------------------------------------------------- */

static bool
was_stored(struct world *world, const char *mailbox, const char *delivery_id)
{
	struct stored *stored;

	SLIST_FOREACH (stored, &world->stored, entry) {
		if (strcmp(stored->mailbox, mailbox) == 0 &&
		    strcmp(stored->delivery_id, delivery_id) == 0)
			return true;
	}
	return false;
}

static void
store(struct session_end *session, const struct qs_deliver *body, const struct ipc_message *message)
{
	struct world *world = session->world;
	struct stored *stored = calloc(1, sizeof(*stored));
	char bytes[4096];
	off_t at = 0;
	ssize_t n;

	strlcpy(stored->mailbox, session->mailbox, sizeof(stored->mailbox));
	strlcpy(stored->delivery_id, body->delivery_id, sizeof(stored->delivery_id));
	strlcpy(stored->sender, message->tail, sizeof(stored->sender));
	assert_true(strlen(message->tail) < message->tail_length);
	strlcpy(stored->path, message->tail + strlen(message->tail) + 1, sizeof(stored->path));
	assert_int_equal(strlen(stored->sender) + 1 + strlen(stored->path), message->tail_length);
	assert_int_equal(lseek(message->fd, 0, SEEK_CUR), 0);
	while ((n = pread(message->fd, bytes, sizeof(bytes), at)) > 0) {
		for (ssize_t i = 0; i < n; i++)
			stored->hash = stored->hash * 31 + (unsigned char)bytes[i];
		at += n;
	}
	stored->size = (size_t)at;
	n = pread(message->fd, stored->text, sizeof(stored->text) - 1, 0);
	assert_true(n >= 0);
	assert_int_equal(stored->size, body->size);
	/* Nobody may change it. */
	assert_int_equal(pwrite(message->fd, "x", 1, 0), -1);
	SLIST_INSERT_HEAD(&world->stored, stored, entry);
	world->stored_count++;
}

void
session_die(struct session_end *session)
{
	SLIST_REMOVE(&session->world->sessions, session, session_end, entry);
	ipc_close(session->channel);
	free(session);
}

/* False: it is another one that fails. */
static bool
session_fails(const struct session_end *session, uint32_t id)
{
	const struct world *world = session->world;
	struct qs_failed failed = {.permanent = world->conduct == FAILS_FOR_GOOD};
	const char *why = world->fails_why != NULL ? world->fails_why : "so it is";

	if ((world->conduct != FAILS_FOR_NOW && world->conduct != FAILS_FOR_GOOD) ||
	    (world->failing != NULL && strcmp(world->failing, session->mailbox) != 0))
		return false;
	ipc_send(session->channel, QS_FAILED, id, &failed, why, strlen(why), -1);
	return true;
}

static int
on_deliver(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	struct session_end *session = context;
	struct world *world = session->world;
	const struct qs_deliver *body = message->body;
	struct qs_delivered delivered = {.duplicate = 0};
	bool poison =
	    world->conduct == DIES_OF_ONE && strcmp(message->tail, "poison@example.org") == 0;

	world->deliveries++;
	if (world->conduct == DIES_BEFORE || poison) {
		session_die(session);
		return 0;
	}
	if (world->conduct == KEEPS_SILENT)
		return 0;
	if (session_fails(session, message->id))
		return 0;
	if (was_stored(world, session->mailbox, body->delivery_id)) {
		delivered.duplicate = 1;
		world->duplicates++;
	} else {
		store(session, body, message);
	}
	if (world->conduct == DIES_AFTER)
		session_die(session);
	else
		ipc_send(channel, QS_DELIVERED, message->id, &delivered, NULL, 0, -1);
	return 0;
}

static const struct ipc_handler session_handlers[] = {
    {QS_DELIVER, on_deliver},
    {0, NULL},
};

static void
on_session_ended(struct ipc_channel *channel, void *context)
{
	struct session_end *session = context;

	(void)channel;
	SLIST_REMOVE(&session->world->sessions, session, session_end, entry);
	free(session);
}

static int
on_attach(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	struct world *world = context;
	struct session_end *session;
	int sv[2];

	world->attaches++;
	if (world->attach_fails) {
		ipc_send(channel, MQ_ATTACH_FAILED, message->id, NULL, "no more", 7, -1);
		return 0;
	}
	session = calloc(1, sizeof(*session));
	session->world = world;
	strlcpy(session->mailbox, message->tail, sizeof(session->mailbox));
	assert_int_equal(ipc_pair(sv), 0);
	session->channel = ipc_open(world->base, sv[0], &queue_session_boundary, IPC_SERVER,
				    session_handlers, on_session_ended, session, "queue");
	assert_non_null(session->channel);
	SLIST_INSERT_HEAD(&world->sessions, session, entry);
	ipc_send(channel, MQ_ATTACHED, message->id, NULL, NULL, 0, sv[1]);
	close(sv[1]);
	return 0;
}

static const struct ipc_handler master_handlers[] = {
    {MQ_ATTACH, on_attach},
    {0, NULL},
};

/* -- Accounts --------------------------------------------------------------------------------- */

/* Everybody at example.org has a mailbox in lower case, but for nobody and later; team is an alias,
 * elsewhere.example another host's. */
/* An alias that leads to alice, and to two addresses elsewhere. */
static void
answer_out(struct ipc_channel *channel, const struct ipc_message *message)
{
	struct aq_resolved resolved = {.verdict = RCPT_LOCAL, .mailboxes = 1, .forwards = 2};
	const char *sender = message->tail + strlen(message->tail) + 1;
	char tail[1024];
	int length = snprintf(tail, sizeof(tail),
			      "alice@example.org%cOut@elsewhere.example%cout@elsewhere.example%c%s",
			      '\0', '\0', '\0', sender[0] == '\0' ? "" : "srs@example.org");

	ipc_send(channel, AQ_RESOLVED, message->id, &resolved, tail, (size_t)length, -1);
}

static int
on_resolve(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	struct world *world = context;
	struct aq_resolved resolved = {.verdict = RCPT_LOCAL};
	static const char team[] = "alice@example.org\0bob@example.org\0carol@example.org";
	char mailbox[PATH_SIZE + 1];

	world->resolves++;
	if (world->accounts_silent)
		return 0;
	strlcpy(mailbox, message->tail, sizeof(mailbox));
	for (char *c = mailbox; *c != '\0'; c++)
		*c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
	if (strncmp(mailbox, "nobody@", 7) == 0)
		resolved.verdict = RCPT_NO_MAILBOX;
	if (strstr(mailbox, "@elsewhere.example") != NULL || strchr(mailbox, '[') != NULL)
		resolved.verdict = RCPT_NOT_LOCAL;
	if (strstr(mailbox, "@routed.example") != NULL)
		resolved.verdict = RCPT_ROUTED;
	if (strncmp(mailbox, "later@", 6) == 0)
		resolved.verdict = RCPT_UNAVAILABLE;
	resolved.mailboxes = resolved.verdict == RCPT_LOCAL ? 1 : 0;
	if (strncmp(mailbox, "team@", 5) == 0)
		resolved.mailboxes = 3;
	if (strncmp(mailbox, "lead@", 5) == 0)
		answer_out(channel, message);
	else if (strncmp(mailbox, "team@", 5) == 0)
		ipc_send(channel, AQ_RESOLVED, message->id, &resolved, team, sizeof(team) - 1, -1);
	else
		ipc_send(channel, AQ_RESOLVED, message->id, &resolved, mailbox,
			 resolved.verdict == RCPT_LOCAL ? strlen(mailbox) : 0, -1);
	return 0;
}

/* All may use all addresses but a stranger's. */
static int
on_sender(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	struct aq_sender_is is = {.verdict = SENDER_OWN};

	(void)context;
	if (strncmp(message->tail, "stranger@", 9) == 0)
		is.verdict = SENDER_FOREIGN;
	ipc_send(channel, AQ_SENDER_IS, message->id, &is, NULL, 0, -1);
	return 0;
}

/* The last byte tells that it is the body that was sent. */
static int
on_author(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	struct world *world = context;
	const struct aq_author *author = message->body;
	struct aq_author_is is = {.verdict = world->author == 0 ? AUTHOR_OWN : world->author};
	const char *foreign = is.verdict == AUTHOR_FOREIGN ? "bob@example.org" : "";
	struct stat st;
	char last;

	world->authors++;
	strlcpy(world->author_account, author->account, sizeof(world->author_account));
	world->author_size = message->tail_length;
	if (message->type == AQ_AUTHOR_OF_FILE) {
		assert_int_equal(fstat(message->fd, &st), 0);
		world->author_size = (size_t)st.st_size;
		assert_int_equal(pread(message->fd, &last, 1, st.st_size - 1), 1);
		/* It is for reading only. */
		assert_int_equal(pwrite(message->fd, "x", 1, 0), -1);
	} else {
		last = message->tail[message->tail_length - 1];
	}
	assert_int_equal(last, 'a' + (int)((world->author_size - 1) % 26));
	if (!world->author_silent)
		ipc_send(channel, AQ_AUTHOR_IS, message->id, &is, foreign, strlen(foreign), -1);
	return 0;
}

static const struct ipc_handler accounts_handlers[] = {
    {AQ_AUTHOR, on_author},
    {AQ_AUTHOR_OF_FILE, on_author},
    {AQ_SENDER, on_sender},
    {AQ_RESOLVE, on_resolve},
    {0, NULL},
};

void
world_open_accounts(struct world *world)
{
	int sv[2];

	assert_int_equal(ipc_pair(sv), 0);
	world->accounts = ipc_open(world->base, sv[0], &accounts_queue_boundary, IPC_CLIENT,
				   accounts_handlers, NULL, world, "queue");
	assert_int_equal(asker_open(world->queue.asker, sv[1]), 0);
}

/* -- A gate ---------------------------------------------------------------------------------------
 */

static const struct ipc_handler gate_handlers[] = {
    {0, NULL},
};

static void
on_gate_ended(struct ipc_channel *channel, void *context)
{
	struct world *world = context;

	if (world->gate == channel)
		world->gate = NULL;
	world->gate_ended = true;
}

struct ipc_channel *
world_open_gate(struct world *world, const char *submitter)
{
	struct ipc_channel *channel;
	int sv[2];

	assert_int_equal(ipc_pair(sv), 0);
	channel = ipc_open(world->base, sv[0], &gate_queue_boundary, IPC_CLIENT, gate_handlers,
			   on_gate_ended, world, "queue");
	assert_int_equal(source_open(&world->queue, sv[1], "gate 0", submitter, NULL), 0);
	return channel;
}

int
mail_on_reply(struct ipc_channel *channel, struct ipc_message *message, void *arg)
{
	struct mail *mail = arg;

	(void)channel;
	if (message == NULL)
		mail->dropped = true;
	else if (message->type == GQ_COMMITTED)
		mail->committed = true;
	else
		mail->failure = ((const struct gq_failed *)message->body)->failure;
	return 0;
}

static char *
make_body(const struct mail *mail)
{
	char *bytes = malloc(mail->size + 1);

	for (size_t i = 0; i < mail->size; i++)
		bytes[i] = (char)('a' + i % 26);
	return bytes;
}

static void
write_body(const struct mail *mail, const char *bytes)
{
	size_t done = 0;

	while (done < mail->size) {
		ssize_t n = write(mail->body, bytes + done, mail->size - done);

		assert_true(n > 0);
		done += (size_t)n;
	}
}

void
mail_commit(struct mail *mail)
{
	struct gq_commit commit = {.transaction = mail->transaction, .size = mail->size};
	bool small = mail->size <= GQ_INLINE_MAX && !mail->in_file;
	char *bytes = make_body(mail);

	if (!small)
		write_body(mail, bytes);
	if (!mail->keep_open) {
		close(mail->body);
		mail->body = -1;
	}
	assert_int_not_equal(ipc_request(mail->channel, GQ_COMMIT, &commit, bytes,
					 small ? mail->size : 0, -1, 60, mail_on_reply, mail),
			     0);
	free(bytes);
}

static int
on_body(struct ipc_channel *channel, struct ipc_message *message, void *arg)
{
	struct mail *mail = arg;
	char byte;

	if (message == NULL || message->type == GQ_FAILED)
		return mail_on_reply(channel, message, arg);
	assert_int_equal(message->type, GQ_BODY);
	strlcpy(mail->queue_id, ((const struct gq_body *)message->body)->queue_id,
		sizeof(mail->queue_id));
	assert_int_equal(strlen(mail->queue_id), 16);
	mail->body = ipc_take_fd(message);
	mail->have_body = true;
	/* It is for writing only. */
	assert_int_equal(read(mail->body, &byte, 1), -1);
	if (!mail->hold)
		mail_commit(mail);
	return 0;
}

void
mail_start(struct mail *mail)
{
	struct gq_mail begin = {.conn = 0x1234,
				.peer = mail->peer,
				.transaction = mail->transaction,
				.parameters = mail->parameters};
	struct gq_transaction named = {.transaction = mail->transaction};
	struct gq_rcpt rcpt = {.transaction = mail->transaction, .notify = mail->notify};

	if (mail->channel == NULL)
		mail->channel = mail->world->gate;
	mail->body = -1;
	assert_int_equal(
	    ipc_send(mail->channel, GQ_MAIL, 0, &begin, mail->sender, strlen(mail->sender), -1), 0);
	for (const char *const *r = mail->recipients; *r != NULL; r++) {
		char tail[PATH_SIZE + ORCPT_SIZE] = "";
		size_t length = strlcpy(tail, *r, PATH_SIZE);

		while (ipc_queued(mail->channel) > 1000) /* not much more fits */
			world_run_for(mail->world, 1);
		if (mail->notifies != NULL)
			rcpt.notify = mail->notifies[r - mail->recipients];
		if (mail->orcpt != NULL)
			length += 1 + strlcpy(tail + length + 1, mail->orcpt, ORCPT_SIZE);
		assert_int_equal(ipc_send(mail->channel, GQ_RCPT, 0, &rcpt, tail, length, -1), 0);
	}
	assert_int_not_equal(
	    ipc_request(mail->channel, GQ_DATA, &named, NULL, 0, -1, 60, on_body, mail), 0);
}

bool
mail_is_over(void *arg)
{
	const struct mail *mail = arg;

	return mail->committed || mail->failure != 0 || mail->dropped;
}

bool
mail_has_body(void *arg)
{
	const struct mail *mail = arg;

	return mail->have_body;
}

void
mail_send(struct mail *mail)
{
	mail_start(mail);
	world_run_until(mail->world, mail_is_over, mail);
}

/* -- The whole
 * ---------------------------------------------------------------------------------------- */

void
world_open(struct world *world)
{
	static const struct ipc_handler none[] = {{0, NULL}};
	struct error err;
	int sv[2];

	memset(world, 0, sizeof(*world));
	SLIST_INIT(&world->stored);
	SLIST_INIT(&world->sessions);
	world->base = event_base_new();
	assert_int_equal(event_base_priority_init(world->base, CHILD_PRIORITIES), 0);
	world->directory = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(ipc_pair(sv), 0);
	world->control = ipc_open(world->base, sv[0], &master_queue_boundary, IPC_SERVER, none,
				  NULL, world, "master");
	world->master = ipc_open(world->base, sv[1], &master_queue_boundary, IPC_CLIENT,
				 master_handlers, NULL, world, "queue");
	world->queue.base = world->base;
	world->queue.control = world->control;
	world->queue.settings.max_message_size = 10 * 1024 * 1024;
	world->queue.settings.max_recipients = 100;
	world->queue.settings.retry = 1;
	if (queue_open(&world->queue, world->directory, &err) == -1)
		fail_msg("%s", err.text);
	world_open_accounts(world);
	world->gate = world_open_gate(world, "");
}

void
world_close(struct world *world)
{
	struct session_end *session;
	struct stored *stored;

	queue_close(&world->queue);
	ipc_close(world->control);
	ipc_close(world->master);
	ipc_close(world->accounts);
	ipc_close(world->gate);
	while ((session = SLIST_FIRST(&world->sessions)) != NULL)
		session_die(session);
	while ((stored = SLIST_FIRST(&world->stored)) != NULL) {
		SLIST_REMOVE_HEAD(&world->stored, entry);
		free(stored);
	}
	event_base_free(world->base);
	close(world->directory);
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

static bool
is_past(void *arg)
{
	const struct timespec *until = arg;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec > until->tv_sec ||
	       (now.tv_sec == until->tv_sec && now.tv_nsec >= until->tv_nsec);
}

void
world_run_until(struct world *world, world_done_fn *done, void *arg)
{
	static const struct timeval interval = {.tv_usec = 10000};
	struct event *tick = event_new(world->base, -1, EV_PERSIST, on_tick, NULL);
	struct timespec limit;

	clock_gettime(CLOCK_MONOTONIC, &limit);
	limit.tv_sec += PATIENCE;
	event_add(tick, &interval);
	while (!done(arg)) {
		event_base_loop(world->base, EVLOOP_ONCE);
		if (is_past(&limit))
			fail_msg("it takes too long");
	}
	event_free(tick);
}

void
world_run_for(struct world *world, unsigned milliseconds)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += milliseconds / 1000;
	until.tv_nsec += (long)(milliseconds % 1000) * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_nsec -= 1000000000L;
		until.tv_sec++;
	}
	/* However late it is already. */
	for (int i = 0; i < TURNS; i++)
		event_base_loop(world->base, EVLOOP_NONBLOCK);
	world_run_until(world, is_past, &until);
}
