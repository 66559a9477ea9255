/* SPDX-License-Identifier: ISC */
#include "tests/unit/smtp_house.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>
#include <event2/event.h>
#include <fcntl.h>
#include <unistd.h>

#include "common/proto/gate_accounts.h"
#include "common/proto/gate_queue.h"

struct conn {
	struct listener listener;
	struct mg_settings settings;
	struct peer peer;
	const struct protocol *protocol;
	void *state;
	bool secure;
	bool certificate; /* the client has shown one, and not logged in with it */
	bool paused;
	bool handshake;
	const char *finished;
	bool draining;
	bool stopping;
	char *input;
	size_t input_length;
	char output[1 << 20];
	size_t output_length;
	struct ipc_channel *accounts, *queue;
};

#define PENDING_MAX 1024

static struct conn conn;
static struct event_base *base;
static struct ipc_channel *accounts_end, *queue_end, *submitter_end;
static int body_fd = -1;
static struct {
	uint32_t id;
	uint32_t verdict;
} pending[PENDING_MAX];

struct queue_log queue_log;
struct house_orders orders;

/*
 * -- conn.h ---------------------------------------------------------------------
 */

void *
conn_state(struct conn *c)
{
	return c->state;
}

conn_id
conn_identity(const struct conn *c)
{
	(void)c;
	return 0x1234;
}

const struct peer *
conn_peer(const struct conn *c)
{
	return &c->peer;
}

const struct listener *
conn_listener(const struct conn *c)
{
	return &c->listener;
}

const struct mg_settings *
conn_settings(const struct conn *c)
{
	return &c->settings;
}

void
conn_note_error(struct conn *c)
{
	(void)c;
	orders.errors_noted++;
}

bool
conn_may_greylist(const struct conn *c)
{
	return orders.greylisting && c->listener.settings.service == SERVICE_SMTP;
}

bool
conn_is_secure(const struct conn *c)
{
	return c->secure;
}

bool
conn_can_start_tls(const struct conn *c)
{
	return !c->secure && c->listener.settings.tls == TLS_EXPLICIT;
}

bool
conn_may_login(const struct conn *c)
{
	return c->secure || c->listener.settings.plaintext_auth == 1;
}

bool
conn_may_password(const struct conn *c)
{
	return conn_may_login(c) && c->listener.settings.clients != CLIENT_REQUIRE;
}

bool
conn_may_external(const struct conn *c)
{
	return c->secure && c->certificate;
}

uint32_t
conn_scram_offer(const struct conn *c)
{
	(void)c;
	return orders.scram_offer;
}

bool
conn_bindings(const struct conn *c, struct ga_binding binding[BINDING_TYPES])
{
	memset(binding, 0, BINDING_TYPES * sizeof(binding[0]));
	if (c->secure)
		binding[BINDING_EXPORTER] = (struct ga_binding){.length = 4, .bytes = "expo"};
	return c->secure;
}

void
conn_forget_certificate(struct conn *c)
{
	c->certificate = false;
}

/* The proof is what the test says it is: on_external_question(). */
uint32_t
conn_ask_external(struct conn *c, const char *authorization, unsigned timeout, ipc_reply_fn *reply,
		  void *arg)
{
	struct ga_external request;

	memset(&request, 0, sizeof(request));
	request.conn = conn_identity(c);
	request.service = SERVICE_SUBMISSION;
	request.trust = 1;
	strlcpy(request.authorization, authorization, sizeof(request.authorization));
	if (c->accounts == NULL)
		return 0;
	c->certificate = false;
	return ipc_request(c->accounts, GA_EXTERNAL, &request, "proof", 5, -1, timeout, reply, arg);
}

const char *
conn_tls_version(const struct conn *c)
{
	return c->secure ? "TLSv1.3" : NULL;
}

const char *
conn_tls_cipher(const struct conn *c)
{
	return c->secure ? "TLS_AES_256_GCM_SHA384" : NULL;
}

void
conn_write(struct conn *c, const void *bytes, size_t length)
{
	if (c->finished != NULL)
		return;
	assert_true(c->output_length + length < sizeof(c->output));
	memcpy(c->output + c->output_length, bytes, length);
	c->output_length += length;
}

void
conn_pause(struct conn *c)
{
	assert_false(c->paused);
	c->paused = true;
}

void
conn_resume(struct conn *c)
{
	assert_true(c->paused);
	c->paused = false;
}

void
conn_start_tls(struct conn *c)
{
	c->handshake = true;
}

void
conn_finish(struct conn *c, const char *why)
{
	assert_null(c->finished);
	c->finished = why;
}

const char *
conn_drain_farewell(const struct conn *c)
{
	if (!c->draining)
		return NULL;
	return c->stopping ? c->protocol->stop_farewell : c->protocol->drain_farewell;
}

struct ipc_channel *
conn_accounts(const struct conn *c)
{
	return c->accounts;
}

struct ipc_channel *
conn_queue(const struct conn *c)
{
	return c->queue;
}

struct event_base *
conn_event_base(const struct conn *c)
{
	(void)c;
	return base;
}

/*
 * -- Channels -------------------------------------------------------------------
 */

static void
channel_ended(struct ipc_channel *channel, void *context)
{
	(void)channel;
	*(struct ipc_channel **)context = NULL;
}

static const struct ipc_handler nothing[] = {{0, NULL}};

static void
connect_ends(const struct ipc_boundary *boundary, const struct ipc_handler *handlers,
	     struct ipc_channel **gate, struct ipc_channel **other)
{
	int sv[2];

	assert_int_equal(ipc_pair(sv), 0);
	*gate = ipc_open(base, sv[0], boundary, IPC_CLIENT, nothing, channel_ended, gate, "other");
	*other =
	    ipc_open(base, sv[1], boundary, IPC_SERVER, handlers, channel_ended, other, "gate");
	assert_non_null(*gate);
	assert_non_null(*other);
}

static uint32_t
verdict_on(const char *path, size_t length)
{
	static const struct {
		const char *begin;
		uint32_t verdict;
	} verdicts[] = {
	    {"none@", RCPT_NO_MAILBOX},
	    {"off@", RCPT_DISABLED},
	    {"else@", RCPT_NOT_LOCAL},
	    {"unsure@", RCPT_UNAVAILABLE},
	    {"odd@", 77},
	};
	size_t i;

	for (i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++)
		if (length >= strlen(verdicts[i].begin) &&
		    memcmp(path, verdicts[i].begin, strlen(verdicts[i].begin)) == 0)
			return verdicts[i].verdict;
	return RCPT_LOCAL;
}

static int
on_rcpt_question(struct ipc_channel *channel, struct ipc_message *m, void *context)
{
	struct ga_rcpt_verdict verdict = {verdict_on(m->tail, m->tail_length)};

	(void)context;
	if (orders.accounts_silent > 0) {
		pending[orders.accounts_silent - 1].id = m->id;
		pending[orders.accounts_silent++ - 1].verdict = verdict.verdict;
		return 0;
	}
	ipc_send(channel, GA_RCPT_VERDICT, m->id, &verdict, NULL, 0, -1);
	return 0;
}

static int on_mail(struct ipc_channel *, struct ipc_message *, void *);
static int on_rcpt(struct ipc_channel *, struct ipc_message *, void *);
static int on_data(struct ipc_channel *, struct ipc_message *, void *);
static int on_commit(struct ipc_channel *, struct ipc_message *, void *);
static int on_abort(struct ipc_channel *, struct ipc_message *, void *);
static int on_confirm(struct ipc_channel *, struct ipc_message *, void *);

/* Who the client is said to be: as every test's client does. */
static int
on_client(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct gq_client *client = message->body;

	(void)channel;
	(void)context;
	assert_int_not_equal(client->transaction, 0);
	assert_true(client->helo[0] != '\0');
	assert_true(client_tls_is_sound(&client->tls));
	return 0;
}

static int
on_greylist(struct ipc_channel *channel, struct ipc_message *m, void *context)
{
	const struct gq_greylist *question = m->body;
	struct gq_greylisted answer = {0};
	size_t recipient = strnlen(m->tail, m->tail_length);

	(void)context;
	assert_true(channel == queue_end);
	assert_true(question->conn == 0x1234);
	assert_memory_equal(&question->peer, &conn.peer, sizeof(conn.peer));
	assert_true(recipient < m->tail_length);
	snprintf(queue_log.from, sizeof(queue_log.from), "%s", m->tail + recipient + 1);
	orders.greylist_asked++;
	if (orders.greylist_silent)
		return 0;
	if (orders.greylist_odd)
		return ipc_send(channel, GQ_COMMITTED, m->id, NULL, NULL, 0, -1);
	if (strncmp(m->tail, "new", 3) == 0)
		answer.wait = orders.greylist_wait;
	return ipc_send(channel, GQ_GREYLISTED, m->id, &answer, NULL, 0, -1);
}

static const struct ipc_handler queue_handlers[] = {
    {GQ_MAIL, on_mail},     {GQ_RCPT, on_rcpt},         {GQ_DATA, on_data},
    {GQ_COMMIT, on_commit}, {GQ_ABORT, on_abort},       {GQ_CONFIRM, on_confirm},
    {GQ_CLIENT, on_client}, {GQ_GREYLIST, on_greylist}, {0, NULL},
};

static void
let_in(struct ipc_channel *channel, uint32_t id)
{
	int sv[2];

	assert_int_equal(ipc_pair(sv), 0);
	submitter_end = ipc_open(base, sv[1], &gate_queue_boundary, IPC_SERVER, queue_handlers,
				 channel_ended, &submitter_end, "submitter");
	ipc_send(channel, GA_LOGGED_IN, id, &orders.logged_in, "alice@example.org", 17, sv[0]);
	close(sv[0]);
}

/* The certificate is alice's. */
static int
on_external_question(struct ipc_channel *channel, struct ipc_message *m, void *context)
{
	const struct ga_external *external = m->body;
	struct ga_login_failed failed = {LOGIN_FAILED};

	(void)context;
	if (orders.certificate_is_nobodys ||
	    (external->authorization[0] != '\0' && strcmp(external->authorization, "alice") != 0))
		ipc_send(channel, GA_LOGIN_FAILED, m->id, &failed, NULL, 0, -1);
	else
		let_in(channel, m->id);
	return 0;
}

/* "alice" with "secret"; "later" can't be checked. */
static int
on_login_question(struct ipc_channel *channel, struct ipc_message *m, void *context)
{
	static const char good[] = "\0alice\0secret", later[] = "\0later\0secret";
	const struct ga_login *login = m->body;
	struct ga_login_failed failed = {LOGIN_FAILED};

	(void)context;
	assert_int_equal(login->service, SERVICE_SUBMISSION);
	assert_true(login->conn == 0x1234);
	if (m->tail_length == sizeof(good) - 1 && memcmp(m->tail, good, sizeof(good) - 1) == 0) {
		let_in(channel, m->id);
		return 0;
	}
	if (m->tail_length == sizeof(later) - 1 && memcmp(m->tail, later, sizeof(later) - 1) == 0)
		failed.verdict = LOGIN_UNAVAILABLE;
	ipc_send(channel, GA_LOGIN_FAILED, m->id, &failed, NULL, 0, -1);
	return 0;
}

/* The messages are "first" and "final"; what is said back to them is "1st" and "end". */
static int
on_scram_question(struct ipc_channel *channel, struct ipc_message *m, void *context)
{
	const struct ga_scram *scram = m->body;

	(void)context;
	assert_int_equal(scram->service, SERVICE_SUBMISSION);
	assert_int_equal(scram->plus, 1);
	assert_int_equal(scram->binding[BINDING_EXPORTER].length, 4);
	assert_string_equal(m->tail, "first");
	ipc_send(channel, GA_CHALLENGE, m->id, NULL, "1st", 3, -1);
	return 0;
}

static int
on_scram_response(struct ipc_channel *channel, struct ipc_message *m, void *context)
{
	struct ga_login_failed failed = {LOGIN_MALFORMED};

	(void)context;
	assert_true(((const struct ga_exchange *)m->body)->conn == 0x1234);
	if (strcmp(m->tail, "final") == 0)
		ipc_send(channel, GA_CHALLENGE, m->id, NULL, "end", 3, -1);
	else if (m->tail_length == 0)
		let_in(channel, m->id);
	else
		ipc_send(channel, GA_LOGIN_FAILED, m->id, &failed, NULL, 0, -1);
	return 0;
}

static int
on_scram_forget(struct ipc_channel *channel, struct ipc_message *m, void *context)
{
	(void)channel;
	(void)context;
	assert_true(((const struct ga_exchange *)m->body)->conn == 0x1234);
	orders.scram_forgotten++;
	return 0;
}

static const struct ipc_handler accounts_handlers[] = {
    {GA_RCPT, on_rcpt_question},
    {GA_LOGIN, on_login_question},
    {GA_EXTERNAL, on_external_question},
    {GA_SCRAM, on_scram_question},
    {GA_RESPONSE, on_scram_response},
    {GA_FORGET, on_scram_forget},
    {0, NULL},
};

/*
 * -- Queue ----------------------------------------------------------------------
 */

static int
on_mail(struct ipc_channel *channel, struct ipc_message *m, void *context)
{
	const struct gq_mail *mail = m->body;

	(void)context;
	assert_int_not_equal(mail->transaction, 0);
	queue_log.mails++;
	queue_log.declared_size = mail->size;
	queue_log.parameters = mail->parameters;
	queue_log.notes[0] = '\0';
	queue_log.in_the_name_of = channel == submitter_end;
	snprintf(queue_log.from, sizeof(queue_log.from), "%s", m->tail);
	queue_log.rcpts[0] = '\0';
	return 0;
}

static int
on_rcpt(struct ipc_channel *channel, struct ipc_message *m, void *context)
{
	const struct gq_rcpt *rcpt = m->body;
	size_t path = strlen(m->tail), used = strlen(queue_log.notes);

	(void)channel;
	(void)context;
	queue_log.rcpt_count++;
	(void)snprintf(queue_log.notes + used, sizeof(queue_log.notes) - used, "%u %s ",
		       rcpt->notify, path < m->tail_length ? m->tail + path + 1 : "");
	if (strlen(queue_log.rcpts) + m->tail_length + 2 < sizeof(queue_log.rcpts)) {
		strcat(queue_log.rcpts, m->tail);
		strcat(queue_log.rcpts, " ");
	}
	return 0;
}

static int
say_failed(struct ipc_channel *channel, struct ipc_message *m, uint32_t failure)
{
	struct gq_failed failed = {.failure = failure};

	return ipc_send(channel, GQ_FAILED, m->id, &failed, NULL, 0, -1);
}

static int
on_data(struct ipc_channel *channel, struct ipc_message *m, void *context)
{
	struct gq_body body = {.queue_id = QUEUE_ID};

	(void)context;
	queue_log.datas++;
	if (orders.queue_silent_on_data)
		return 0;
	if (orders.queue_dies_on_data)
		return -1;
	if (orders.data_failure != 0)
		return say_failed(channel, m, orders.data_failure);
	body.filtered = orders.filtered ? 1 : 0;
	if (orders.bad_queue_id)
		body.queue_id[3] = '\n';
	if (body_fd != -1)
		close(body_fd);
	body_fd = orders.body_is_full ? open("/dev/full", O_RDWR | O_CLOEXEC)
				      : memfd_create("body", MFD_CLOEXEC);
	return ipc_send(channel, GQ_BODY, m->id, &body, NULL, 0, body_fd);
}

static int
on_commit(struct ipc_channel *channel, struct ipc_message *m, void *context)
{
	const struct gq_commit *commit = m->body;
	ssize_t n;

	(void)context;
	queue_log.commits++;
	queue_log.commit_size = commit->size;
	queue_log.commit_type = commit->body;
	/* Of /dev/full one reads NULs for ever. */
	n = orders.body_is_full ? 0 : pread(body_fd, queue_log.body, sizeof(queue_log.body) - 1, 0);
	queue_log.body_length = n > 0 ? (size_t)n : 0;
	if (m->tail_length > 0) {
		assert_int_equal(queue_log.body_length, 0);
		memcpy(queue_log.body, m->tail, m->tail_length);
		queue_log.body_length = m->tail_length;
	}
	queue_log.body[queue_log.body_length] = '\0';
	if (orders.queue_dies_on_commit)
		return -1;
	if (orders.queue_silent_on_commit)
		return 0;
	if (orders.commit_failure != 0)
		return say_failed(channel, m, orders.commit_failure);
	if (orders.commit_reply != NULL)
		return ipc_send(channel, GQ_FAILED, m->id,
				&(struct gq_failed){.failure = QUEUE_FILTERED}, orders.commit_reply,
				strlen(orders.commit_reply), -1);
	return ipc_send(channel, GQ_COMMITTED, m->id, &(struct ipc_empty){0}, NULL, 0, -1);
}

static int
on_abort(struct ipc_channel *channel, struct ipc_message *m, void *context)
{
	(void)channel;
	(void)m;
	(void)context;
	queue_log.aborts++;
	return 0;
}

static int
on_confirm(struct ipc_channel *channel, struct ipc_message *m, void *context)
{
	const struct gq_body *body = m->body;

	(void)context;
	queue_log.confirms++;
	assert_string_equal(body->queue_id, QUEUE_ID);
	if (orders.confirm_failure != 0)
		return say_failed(channel, m, orders.confirm_failure);
	return ipc_send(channel, GQ_COMMITTED, m->id, &(struct ipc_empty){0}, NULL, 0, -1);
}

/*
 * -- The house ------------------------------------------------------------------
 */

/* The client's bytes, as talk.c offers them. */
static void
offer(void)
{
	while (conn.input_length > 0 && !conn.paused && conn.finished == NULL && !conn.handshake) {
		size_t used = conn.protocol->input(&conn, conn.input, conn.input_length);

		assert_true(used <= conn.input_length);
		if (used == 0) {
			assert_true(conn.paused || conn.input_length < conn.protocol->input_max);
			return;
		}
		memmove(conn.input, conn.input + used, conn.input_length - used);
		conn.input_length -= used;
		/* Exactly as long, so that reading past its end is seen. */
		conn.input = realloc(conn.input, conn.input_length + 1);
	}
}

/* As talk.c does, behind what the client has said. */
static void
drain(void)
{
	const char *farewell = conn_drain_farewell(&conn);

	if (farewell == NULL || conn.handshake || conn.paused || conn.finished != NULL ||
	    conn.input_length > 0 || conn.protocol->busy(&conn))
		return;
	conn_write(&conn, farewell, strlen(farewell));
	conn_finish(&conn, "drained");
}

/* All that can happen without time passing. */
static void
settle(void)
{
	int i;

	for (i = 0; i < 40; i++) {
		offer();
		drain();
		event_base_loop(base, EVLOOP_NONBLOCK);
	}
}

void
house_open(enum service service)
{
	base = event_base_new();
	memset(&conn, 0, sizeof(conn));
	memset(&queue_log, 0, sizeof(queue_log));
	memset(&orders, 0, sizeof(orders));
	conn.protocol = service == SERVICE_SMTP ? &smtp_protocol : &submission_protocol;
	conn.listener.protocol = conn.protocol;
	conn.listener.settings.service = (uint8_t)service;
	conn.listener.settings.tls = TLS_EXPLICIT;
	memcpy(conn.settings.hostname, HOUSE_NAME, sizeof(HOUSE_NAME));
	conn.settings.max_recipients = 100;
	conn.settings.max_errors = 10;
	conn.settings.max_message_size = 100000;
	conn.peer.address.s6_addr[10] = conn.peer.address.s6_addr[11] = 0xff;
	memcpy(&conn.peer.address.s6_addr[12], "\xc0\0\2\1", 4);
	conn.state = calloc(1, conn.protocol->state_size);
	connect_ends(&gate_accounts_boundary, accounts_handlers, &conn.accounts, &accounts_end);
	connect_ends(&gate_queue_boundary, queue_handlers, &conn.queue, &queue_end);
	conn.protocol->open(&conn);
	assert_string_equal(client_hears(), "220 " HOUSE_NAME " ESMTP Postern\r\n");
}

void
house_close(void)
{
	settle();
	conn.protocol->closed(&conn);
	settle();
	free(conn.state);
	free(conn.input);
	ipc_close(conn.accounts);
	ipc_close(conn.queue);
	ipc_close(accounts_end);
	ipc_close(queue_end);
	ipc_close(submitter_end);
	accounts_end = queue_end = submitter_end = NULL;
	if (body_fd != -1)
		close(body_fd);
	body_fd = -1;
	event_base_free(base);
}

void
house_set_tls(enum tls_mode mode, bool secure)
{
	conn.listener.settings.tls = (uint8_t)mode;
	if (secure && conn.handshake) {
		/* conn.h: closed(), zeroed, secured() */
		conn.protocol->closed(&conn);
		memset(conn.state, 0, conn.protocol->state_size);
		conn.handshake = false;
		conn.input_length = 0;
		conn.secure = true;
		conn.protocol->secured(&conn);
	}
	conn.secure = secure;
}

void
house_show_certificate(enum client_mode mode)
{
	conn.listener.settings.clients = (uint8_t)mode;
	conn.certificate = true;
}

struct mg_settings *
house_settings(void)
{
	return &conn.settings;
}

void
house_drain(bool stopping)
{
	conn.draining = true;
	conn.stopping = stopping;
	settle();
}

void
house_accounts_speak(void)
{
	while (orders.accounts_silent > 1) {
		unsigned i = --orders.accounts_silent - 1;
		struct ga_rcpt_verdict verdict = {pending[i].verdict};

		ipc_send(accounts_end, GA_RCPT_VERDICT, pending[i].id, &verdict, NULL, 0, -1);
	}
	orders.accounts_silent = 0;
	settle();
}

void
house_kill_accounts(void)
{
	ipc_close(accounts_end);
	accounts_end = NULL;
	settle();
}

void
house_kill_queue(void)
{
	ipc_close(queue_end);
	queue_end = NULL;
	settle();
}

void
house_new_queue(void)
{
	house_kill_queue();
	connect_ends(&gate_queue_boundary, queue_handlers, &conn.queue, &queue_end);
	conn.protocol->queue_up(&conn);
	settle();
}

void
house_kill_submitter(void)
{
	ipc_close(submitter_end);
	submitter_end = NULL;
	settle();
}

/*
 * -- The client -----------------------------------------------------------------
 */

void
client_says_bytes(const char *bytes, size_t length)
{
	conn.input = realloc(conn.input, conn.input_length + length + 1);
	memcpy(conn.input + conn.input_length, bytes, length);
	conn.input_length += length;
	settle();
}

void
client_says(const char *text)
{
	client_says_bytes(text, strlen(text));
}

void
client_says_in_pieces(const char *bytes, size_t length, size_t piece)
{
	size_t i;

	for (i = 0; i < length; i += piece)
		client_says_bytes(bytes + i, length - i < piece ? length - i : piece);
}

const char *
client_hears(void)
{
	conn.output[conn.output_length] = '\0';
	conn.output_length = 0;
	return conn.output;
}

void
talk(const char *say, const char *hear)
{
	client_says(say);
	assert_string_equal(client_hears(), hear);
}

bool
connection_finished(void)
{
	return conn.finished != NULL;
}

const char *
finish_reason(void)
{
	return conn.finished;
}

bool
handshake_started(void)
{
	return conn.handshake;
}

bool
protocol_busy(void)
{
	return conn.protocol->busy(&conn);
}

bool
protocol_content(void)
{
	return conn.protocol->content(&conn);
}
