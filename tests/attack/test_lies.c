/* SPDX-License-Identifier: ISC */
/*
 * An attacker who owns one process sends its own messages with lengths, ids, names and descriptors
 * that lie. Each is refused or ends the channel; none gets what was asked for.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/proto/accounts_queue.h"
#include "common/proto/gate_accounts.h"
#include "common/proto/gate_certd.h"
#include "common/proto/gate_queue.h"
#include "common/proto/master_accounts.h"
#include "common/proto/master_session.h"
#include "common/proto/queue_session.h"
#include "tests/attack/house.h"

#define ECDSA_P256 0x0403 /* ecdsa_secp256r1_sha256, RFC 8446 4.2.3 */
#define P256 23
#define P256_POINT 65

/* -- A gate lies to certd ------------------------------------------------------- */

/* The handle of the one key this channel has. */
static uint32_t
key_of(int channel)
{
	struct ipc_message message;
	uint32_t key = 0;
	int seen = 0;

	do {
		assert_int_equal(house_receive(channel, &gate_certd_boundary, IPC_CLIENT, &message),
				 1);
		if (message.type == GC_CERTIFICATE) {
			key = ((const struct gc_certificate *)message.body)->key;
			seen++;
		}
	} while (message.type != GC_READY);
	assert_int_equal(seen, 1);
	return key;
}

/* True if certd signed it; the channel may be cut, *CHANNEL is then -1. */
static bool
is_signed(int *channel, uint16_t type, const void *body, size_t length)
{
	struct ipc_message message;

	assert_int_equal(ipc_send_fd(*channel, type, 5, body, length, NULL, 0, -1), 0);
	if (!house_receive(*channel, &gate_certd_boundary, IPC_CLIENT, &message)) {
		close(*channel);
		*channel = -1;
		return false;
	}
	assert_int_equal(message.id, 5);
	assert_true(message.type == GC_SIGNED || message.type == GC_REFUSED);
	return message.type == GC_SIGNED;
}

struct certd_fixture {
	struct house_child child;
	int channel;
	uint32_t key;
};

static void
open_certd(struct certd_fixture *f)
{
	f->child = house_certd();
	f->channel = house_gate_to_certd(&f->child, "mine");
	f->key = key_of(f->channel);
}

static void
reopen(struct certd_fixture *f)
{
	if (f->channel != -1)
		return;
	f->channel = house_gate_to_certd(&f->child, "mine");
	f->key = key_of(f->channel);
}

static struct gc_tls13_server
good_tls13(const struct certd_fixture *f)
{
	return (struct gc_tls13_server){.key = f->key, .scheme = ECDSA_P256, .hash_length = 32};
}

static struct gc_tls12_server
good_tls12(const struct certd_fixture *f)
{
	struct gc_tls12_server request = {
	    .key = f->key, .scheme = ECDSA_P256, .curve = P256, .point_length = P256_POINT};

	request.point[0] = 4; /* uncompressed */
	return request;
}

static void
tls13_lies(void **state)
{
	static const uint16_t lengths[] = {0, 1, 20, 31, 33, 47, 49, 64, 65535};
	static const uint16_t schemes[] = {0,      0x0201, 0x0203, 0x0401,
					   0x0503, 0x0804, 0x0807, 0xffff};
	struct gc_tls13_server request;
	struct certd_fixture f;

	(void)state;
	open_certd(&f);
	request = good_tls13(&f);
	assert_true(is_signed(&f.channel, GC_TLS13_SERVER, &request, sizeof(request)));
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		reopen(&f);
		request = good_tls13(&f);
		request.hash_length = lengths[i];
		assert_false(is_signed(&f.channel, GC_TLS13_SERVER, &request, sizeof(request)));
	}
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		reopen(&f);
		request = good_tls13(&f);
		request.scheme = schemes[i];
		assert_false(is_signed(&f.channel, GC_TLS13_SERVER, &request, sizeof(request)));
	}
	reopen(&f);
	request = good_tls13(&f);
	request.hash[TRANSCRIPT_HASH_MAX - 1] = 1; /* behind the hash */
	assert_false(is_signed(&f.channel, GC_TLS13_SERVER, &request, sizeof(request)));
	close(f.channel);
	house_end(&f.child);
}

static void
tls12_lies(void **state)
{
	static const uint16_t curves[] = {0, 1, 22, 24, 25, 29, 30, 256, 0xff01, 0xffff};
	static const uint16_t lengths[] = {0, 1, 64, 66, 133, 134, 65535};
	struct gc_tls12_server request;
	struct certd_fixture f;

	(void)state;
	open_certd(&f);
	request = good_tls12(&f);
	assert_true(is_signed(&f.channel, GC_TLS12_SERVER, &request, sizeof(request)));
	for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++) {
		reopen(&f);
		request = good_tls12(&f);
		request.curve = curves[i]; /* whose point has another length */
		assert_false(is_signed(&f.channel, GC_TLS12_SERVER, &request, sizeof(request)));
	}
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		reopen(&f);
		request = good_tls12(&f);
		request.point_length = lengths[i];
		assert_false(is_signed(&f.channel, GC_TLS12_SERVER, &request, sizeof(request)));
	}
	reopen(&f);
	request = good_tls12(&f);
	request.point[0] = 2; /* compressed: RFC 8422 5.1.1 knows only uncompressed */
	assert_false(is_signed(&f.channel, GC_TLS12_SERVER, &request, sizeof(request)));
	close(f.channel);
	house_end(&f.child);
}

/* No number reaches a key that the channel was not given. */
static void
keys_of_other_listeners(void **state)
{
	struct gc_tls13_server request;
	struct certd_fixture f;
	int other;

	(void)state;
	open_certd(&f);
	other = house_gate_to_certd(&f.child, "theirs");
	(void)key_of(other);
	for (uint32_t key = 0; key < 1000; key++) {
		request = good_tls13(&f);
		request.key = key;
		reopen(&f);
		if (key != f.key)
			assert_false(
			    is_signed(&f.channel, GC_TLS13_SERVER, &request, sizeof(request)));
	}
	request.key = UINT32_MAX;
	assert_false(is_signed(&f.channel, GC_TLS13_SERVER, &request, sizeof(request)));
	close(other);
	close(f.channel);
	house_end(&f.child);
}

/* sni = "own" and nothing named: the key for the hostname, and none of the others. */
static void
keys_that_no_listener_can_choose(void **state)
{
	struct gc_tls13_server request;
	struct certd_fixture f;
	int other, by_host;

	(void)state;
	f.child = house_certd();
	other = house_gate_to_certd(&f.child, "theirs");
	by_host = house_gate_to_certd_by_host(&f.child, "mine");
	f.channel = by_host;
	f.key = key_of(by_host);
	request = good_tls13(&f);
	assert_true(is_signed(&by_host, GC_TLS13_SERVER, &request, sizeof(request)));
	/* Two keys are there, one is the host's: every handle but that one is refused. */
	for (uint32_t key = 0; key < 300; key++) {
		request = good_tls13(&f);
		request.key = key;
		if (key != f.key)
			assert_false(
			    is_signed(&by_host, GC_TLS13_SERVER, &request, sizeof(request)));
		if (by_host == -1) {
			by_host = house_gate_to_certd_by_host(&f.child, "mine");
			(void)key_of(by_host);
		}
	}
	request.key = f.key | 1u << 16; /* a generation that was never there */
	assert_false(is_signed(&by_host, GC_TLS13_SERVER, &request, sizeof(request)));
	close(other);
	if (by_host != -1)
		close(by_host);
	house_end(&f.child);
}

/* -- A gate lies to accounts --------------------------------------------------------- */

struct login {
	uint32_t service;
	const char *tail;
	size_t length;
};
#define LOGIN(service, text)                        \
	{                                           \
		(service), (text), sizeof(text) - 1 \
	}

static void
logins_as_somebody_else(void **state)
{
	static const struct login lies[] = {
	    LOGIN(SERVICE_POP3, "\0alice@example.org\0wrong"),
	    LOGIN(SERVICE_POP3, "\0alice@example.org\0"),
	    LOGIN(SERVICE_POP3, "bob@example.org\0alice@example.org\0secret"),
	    LOGIN(SERVICE_POP3, "\0alice@example.org\0secret\0"),
	    LOGIN(SERVICE_POP3, "\0alice@example.org\0secret\0bob@example.org"),
	    LOGIN(SERVICE_POP3, "alice@example.org"),
	    LOGIN(SERVICE_POP3, ""),
	    LOGIN(SERVICE_POP3, "\0\0"),
	    LOGIN(SERVICE_POP3, "\0../bob@example.org\0secret"),
	    LOGIN(SERVICE_POP3, "\0mallory@example.org\0secret"),
	    LOGIN(SERVICE_SMTP, "\0alice@example.org\0secret"),
	    LOGIN(99, "\0alice@example.org\0secret"),
	};
	struct house_child child = house_accounts();

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct ga_login login = {.conn = i + 1, .service = lies[i].service, .tls = 1};
		int channel = house_gate_to_accounts(&child);
		struct ipc_message message;

		/* Each from an address of its own, so that none is slowed by those before. */
		login.peer.address.s6_addr[7] = (uint8_t)i;
		assert_int_equal(ipc_send_fd(channel, GA_LOGIN, 3, &login, sizeof(login),
					     lies[i].tail, lies[i].length, -1),
				 0);
		if (house_receive(channel, &gate_accounts_boundary, IPC_CLIENT, &message))
			assert_int_equal(message.type, GA_LOGIN_FAILED);
		close(channel);
	}
	house_end(&child);
}

/* -- A gate lies to queue ----------------------------------------------------------------- */

struct queue_fixture {
	struct house_child child;
	int accounts; /* we are accounts too */
	int channel;
};

static void
open_queue(struct queue_fixture *f)
{
	f->child = house_queue();
	f->accounts = house_accounts_to_queue(&f->child);
	f->channel = house_gate_to_queue(&f->child);
}

static void
close_queue(struct queue_fixture *f)
{
	close(f->channel);
	close(f->accounts);
	house_end(&f->child);
}

static void
say_mail(const struct queue_fixture *f, uint32_t transaction, const char *to)
{
	struct gq_mail mail = {.conn = 1, .transaction = transaction};
	struct gq_rcpt rcpt = {.transaction = transaction};

	assert_int_equal(ipc_send_fd(f->channel, GQ_MAIL, 0, &mail, sizeof(mail), "a@b", 3, -1), 0);
	assert_int_equal(
	    ipc_send_fd(f->channel, GQ_RCPT, 0, &rcpt, sizeof(rcpt), to, strlen(to), -1), 0);
}

static void
answer_resolve_bytes(const struct queue_fixture *f, const struct aq_resolved *resolved,
		     const char *bytes, size_t length)
{
	struct ipc_message message;

	assert_int_equal(house_receive(f->accounts, &accounts_queue_boundary, IPC_CLIENT, &message),
			 1);
	assert_int_equal(message.type, AQ_RESOLVE);
	assert_int_equal(ipc_send_fd(f->accounts, AQ_RESOLVED, message.id, resolved,
				     sizeof(*resolved), bytes, length, -1),
			 0);
}

static void
answer_resolve(const struct queue_fixture *f, enum rcpt_verdict verdict, const char *mailbox)
{
	struct aq_resolved resolved = {.verdict = verdict, .mailboxes = mailbox[0] != '\0' ? 1 : 0};

	answer_resolve_bytes(f, &resolved, mailbox, strlen(mailbox));
}

/* The descriptor to write to, after all was said right so far. */
static int
body_of(const struct queue_fixture *f, uint32_t transaction)
{
	struct gq_transaction data = {.transaction = transaction};
	struct ipc_message message;

	assert_int_equal(ipc_send_fd(f->channel, GQ_DATA, 9, &data, sizeof(data), NULL, 0, -1), 0);
	assert_int_equal(house_receive(f->channel, &gate_queue_boundary, IPC_CLIENT, &message), 1);
	assert_int_equal(message.type, GQ_BODY);
	return message.fd;
}

/* Transaction 1, for alice, up to its body. */
static int
open_body(struct queue_fixture *f)
{
	open_queue(f);
	say_mail(f, 1, "alice@example.org");
	answer_resolve(f, RCPT_LOCAL, "alice@example.org");
	return body_of(f, 1);
}

/* The commit says SIZE, and has LENGTH bytes of a body in it. */
static bool
is_committed_inline(const struct queue_fixture *f, uint32_t transaction, uint64_t size,
		    size_t length)
{
	static const char body[GQ_INLINE_MAX + 1];
	struct gq_commit commit = {.transaction = transaction, .size = size};
	struct ipc_message message;

	assert_int_equal(
	    ipc_send_fd(f->channel, GQ_COMMIT, 11, &commit, sizeof(commit), body, length, -1), 0);
	return house_receive(f->channel, &gate_queue_boundary, IPC_CLIENT, &message) &&
	       message.type == GQ_COMMITTED;
}

static bool
is_committed(const struct queue_fixture *f, uint32_t transaction, uint64_t size)
{
	return is_committed_inline(f, transaction, size, 0);
}

/* accounts says whose mailbox it is; a recipient that it does not know is not taken from a gate. */
static void
recipients_that_accounts_refuses(void **state)
{
	struct gq_transaction data = {.transaction = 1};
	struct queue_fixture f;
	struct ipc_message message;

	(void)state;
	open_queue(&f);
	say_mail(&f, 1, "victim@example.net");
	assert_int_equal(ipc_send_fd(f.channel, GQ_DATA, 9, &data, sizeof(data), NULL, 0, -1), 0);
	answer_resolve(&f, RCPT_NOT_LOCAL, "");
	if (house_receive(f.channel, &gate_queue_boundary, IPC_CLIENT, &message)) {
		assert_int_equal(message.type, GQ_FAILED);
		assert_int_equal(message.fd, -1);
	}
	close_queue(&f);
}

/* What is no list of mailboxes is none: accounts is cut off, and no mail is taken. */
static void
mailboxes_that_are_none(void **state)
{
	static const struct {
		struct aq_resolved resolved; /* verdict, mailboxes, forwards, zero */
		size_t length;
		char bytes[40];
	} lies[] = {{{RCPT_LOCAL, 0, 0, 0}, 0, ""},
		    {{RCPT_LOCAL, 1, 0, 0}, 0, ""},
		    {{RCPT_LOCAL, 1, 0, 0}, 1, "\0"},
		    {{RCPT_LOCAL, 1, 0, 0}, 18, "alice@example.org\0"},
		    {{RCPT_LOCAL, 2, 0, 0}, 18, "\0alice@example.org"},
		    {{RCPT_LOCAL, 1, 0, 0}, 28, "alice@example.org\0bob@x.yz"},
		    {{RCPT_LOCAL, 2, 0, 0}, 17, "alice@example.org"},
		    {{RCPT_LOCAL, UINT32_MAX, 0, 0}, 17, "alice@example.org"},
		    {{RCPT_LOCAL, 1, 0, 1}, 17, "alice@example.org"},
		    {{RCPT_LOCAL, 3, 0, 0}, 21, "a@example.org\0\0b@x.yz"},
		    {{RCPT_LOCAL, 2, 0, 0}, 20, "a@example.org\0b@x\n.y"},
		    /* Elsewhere: an address, and the sender behind all of them. */
		    {{RCPT_LOCAL, 0, 1, 0}, 11, "b@other.com"},
		    {{RCPT_LOCAL, 0, 1, 0}, 18, "b@other.com\0sender"},
		    {{RCPT_LOCAL, 0, 1, 0}, 18, "b@other.com\0s@\n.yz"},
		    {{RCPT_LOCAL, 0, 1, 0}, 18, "@other.com\0s@xy.com"},
		    {{RCPT_LOCAL, 0, 2, 0}, 19, "b@other.com\0s@x.com"},
		    {{RCPT_LOCAL, 0, 1, 0}, 24, "b@other.com\0s@x.com\0c@d"},
		    {{RCPT_LOCAL, 0, UINT32_MAX, 0}, 19, "b@other.com\0s@x.com"},
		    {{RCPT_NO_MAILBOX, 1, 0, 0}, 17, "alice@example.org"},
		    {{RCPT_NO_MAILBOX, 0, 0, 0}, 17, "alice@example.org"},
		    {{RCPT_NOT_LOCAL, 0, 1, 0}, 19, "b@other.com\0s@x.com"},
		    {{RCPT_NO_MAILBOX, 0, 0, 0}, 1, "\0"},
		    {{0, 1, 0, 0}, 17, "alice@example.org"},
		    {{RCPT_VERDICTS, 0, 0, 0}, 0, ""}};
	struct gq_transaction data = {.transaction = 1};

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct queue_fixture f;
		struct ipc_message message;

		open_queue(&f);
		say_mail(&f, 1, "alice@example.org");
		assert_int_equal(
		    ipc_send_fd(f.channel, GQ_DATA, 9, &data, sizeof(data), NULL, 0, -1), 0);
		answer_resolve_bytes(&f, &lies[i].resolved, lies[i].bytes, lies[i].length);
		assert_int_equal(
		    house_receive(f.channel, &gate_queue_boundary, IPC_CLIENT, &message), 1);
		assert_int_equal(message.type, GQ_FAILED);
		assert_int_equal(
		    house_receive(f.accounts, &accounts_queue_boundary, IPC_CLIENT, &message), 0);
		close_queue(&f);
	}
}

/* What is no submitter has no channel in his name. */
static void
submitters_that_are_none(void **state)
{
	static const struct {
		struct aq_submitter submitter;
		size_t length;
		const char *name;
	} lies[] = {{{.mechanism = LOGIN_WAYS}, 17, "alice@example.org"},
		    {{.mechanism = UINT32_MAX}, 17, "alice@example.org"},
		    {{.mechanism = LOGIN_BY_PLAIN}, 0, ""},
		    {{.mechanism = LOGIN_BY_PLAIN}, 18, "alice@example.org\n"}};

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct queue_fixture f;
		int sv[2];

		open_queue(&f);
		assert_int_equal(ipc_pair(sv), 0);
		assert_int_equal(ipc_send_fd(f.accounts, AQ_SUBMITTER, 0, &lies[i].submitter,
					     sizeof(lies[i].submitter), lies[i].name,
					     lies[i].length, sv[1]),
				 0);
		close(sv[1]);
		house_must_be_cut(sv[0]);
		house_must_be_cut(f.accounts);
		close(f.channel);
		house_end(&f.child);
	}
}

/* What MAIL and RCPT ask for goes into commands of relay and into reports: no octet of it is free.
 */
static void
parameters_that_lie(void **state)
{
	static const struct {
		struct mail_parameters parameters;
		uint32_t zero, notify;
		size_t length;
		char rcpt[32];
	} lies[] = {
	    {{.body = BODY_TYPES}, 0, 0, 3, "a@b"},
	    {{.flags = MAIL_FLAGS + 1}, 0, 0, 3, "a@b"},
	    {{.ret = DSN_RETURNS}, 0, 0, 3, "a@b"},
	    {{.envid = "x\r\nRCPT"}, 0, 0, 3, "a@b"},
	    {{.envid = "\xc3\xa4"}, 0, 0, 3, "a@b"},
	    {{.zero = {1, 0, 0}}, 0, 0, 3, "a@b"},
	    {{.body = 0}, 1, 0, 3, "a@b"},
	    {{.body = 0}, 0, DSN_NOTIFY_NEVER | DSN_NOTIFY_SUCCESS, 3, "a@b"},
	    {{.body = 0}, 0, DSN_NOTIFY_ALL + 1, 3, "a@b"},
	    {{.body = 0}, 0, 0, 4, "\xc3\xa4@b"},
	    {{.flags = MAIL_SMTPUTF8}, 0, 0, 3, "\xe4@b"},
	    {{.flags = MAIL_SMTPUTF8}, 0, 0, 6, "\xc3\xa4@b\r\n"},
	    {{.body = 0}, 0, 0, 4, "a@b\0"},
	    {{.body = 0}, 0, 0, 8, "a@b\0none"},
	    {{.body = 0}, 0, 0, 14, "a@b\0rfc822;x\r\n"},
	    {{.body = 0}, 0, 0, 12, "a@b\0RFC822;x"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct gq_mail mail = {.conn = 1,
				       .transaction = 1,
				       .zero = lies[i].zero,
				       .parameters = lies[i].parameters};
		struct gq_rcpt rcpt = {.transaction = 1, .notify = lies[i].notify};
		struct queue_fixture f;
		struct ipc_message message;

		print_message("%zu\n", i);
		open_queue(&f);
		assert_int_equal(
		    ipc_send_fd(f.channel, GQ_MAIL, 0, &mail, sizeof(mail), "a@b", 3, -1), 0);
		(void)ipc_send_fd(f.channel, GQ_RCPT, 0, &rcpt, sizeof(rcpt), lies[i].rcpt,
				  lies[i].length, -1);
		assert_int_equal(
		    house_receive(f.channel, &gate_queue_boundary, IPC_CLIENT, &message), 0);
		close_queue(&f);
	}
}

/* A question to accounts is an address, a NUL and a sender. */
static void
questions_that_are_none(void **state)
{
	static const struct {
		uint32_t id;
		size_t length;
		char tail[64];
	} lies[] = {{7, 0, ""},
		    {7, 17, "alice@example.org"},
		    {7, 22, "alice@example.org\0s@b\0"},
		    {7, 25, "alice@example.org\0s@b\0c@d"},
		    {0, 21, "alice@example.org\0s@b"}};
	static const struct aq_resolve nobody = {.submitted = 2};
	struct house_child accounts = house_accounts();
	struct ipc_message message;
	int channel;

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		print_message("%zu\n", i);
		channel = house_queue_to_accounts(&accounts);
		assert_int_equal(ipc_send_fd(channel, AQ_RESOLVE, lies[i].id, NULL, 0, lies[i].tail,
					     lies[i].length, -1),
				 0);
		house_must_be_cut(channel);
	}
	channel = house_queue_to_accounts(&accounts);
	assert_int_equal(ipc_send_fd(channel, AQ_RESOLVE, 7, &nobody, sizeof(nobody),
				     "alice@example.org\0s@b", 21, -1),
			 0);
	house_must_be_cut(channel);
	channel = house_queue_to_accounts(&accounts);
	assert_int_equal(
	    ipc_send_fd(channel, AQ_RESOLVE, 7, NULL, 0, "alice@example.org\0s@b", 21, -1), 0);
	assert_int_equal(house_receive(channel, &accounts_queue_boundary, IPC_SERVER, &message), 1);
	assert_int_equal(message.type, AQ_RESOLVED);
	assert_int_equal(((const struct aq_resolved *)message.body)->mailboxes, 1);
	close(channel);
	house_end(&accounts);
}

/* What a client is said to be becomes macros of milters. */
static void
clients_that_lie(void **state)
{
	static const struct gq_client lies[] = {
	    {.transaction = 77, .helo = "x"},
	    {.transaction = 1},
	    {.transaction = 1, .helo = "x\ny"},
	    {.transaction = 1, .helo = "x", .tls = {.version = "TLSv1.3"}},
	    {.transaction = 1, .helo = "x", .tls = {.cipher = "TLS_AES_256_GCM_SHA384"}},
	    {.transaction = 1, .helo = "x", .tls = {.version = "TLSv1.3", .cipher = "a b"}},
	    {.transaction = 1, .helo = "x", .tls = {.version = "TLS\n", .cipher = "a"}},
	};
	struct gq_client endless = {.transaction = 1, .helo = "x", .tls = {.version = "TLSv1.3"}};
	const struct gq_mail mail = {.conn = 1, .transaction = 1};
	struct queue_fixture f;

	(void)state;
	memset(endless.tls.cipher, 'a', sizeof(endless.tls.cipher));
	for (size_t i = 0; i <= sizeof(lies) / sizeof(lies[0]); i++) {
		const struct gq_client *lie =
		    i < sizeof(lies) / sizeof(lies[0]) ? &lies[i] : &endless;

		print_message("%zu\n", i);
		open_queue(&f);
		assert_int_equal(
		    ipc_send_fd(f.channel, GQ_MAIL, 0, &mail, sizeof(mail), "a@b", 3, -1), 0);
		assert_int_equal(
		    ipc_send_fd(f.channel, GQ_CLIENT, 0, lie, sizeof(*lie), NULL, 0, -1), 0);
		house_must_be_cut(f.channel);
		close(f.accounts);
		house_end(&f.child);
	}
}

/* What is too soon is asked with two paths, by who has not logged in. */
static void
greylist_questions_that_lie(void **state)
{
	static const struct {
		uint32_t id;
		uint32_t zero;
		size_t length;
		const char *tail;
	} lies[] = {
	    {0, 0, 7, "a@b\0c@d"},     {7, 1, 7, "a@b\0c@d"},   {7, 0, 0, ""},
	    {7, 0, 3, "a@b"},          {7, 0, 4, "\0c@d"},      {7, 0, 8, "a@b\0c@d\0"},
	    {7, 0, 9, "a@b\0c@\r\nd"}, {7, 0, 8, "a\n@b\0c@d"}, {7, 0, 7, "a@b\0\xff@d"},
	};
	struct gq_greylist question = {.conn = 1};
	struct queue_fixture f;
	struct ipc_message message;
	int submitter;

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		print_message("%zu\n", i);
		open_queue(&f);
		question.zero = lies[i].zero;
		assert_int_equal(ipc_send_fd(f.channel, GQ_GREYLIST, lies[i].id, &question,
					     sizeof(question), lies[i].tail, lies[i].length, -1),
				 0);
		house_must_be_cut(f.channel);
		close(f.accounts);
		house_end(&f.child);
	}
	open_queue(&f);
	question.zero = 0;
	submitter = house_submitter_to_queue(f.accounts);
	assert_int_equal(
	    ipc_send_fd(submitter, GQ_GREYLIST, 7, &question, sizeof(question), "a@b\0c@d", 7, -1),
	    0);
	house_must_be_cut(submitter);
	/* Others are still served, and with greylisting off nobody waits. */
	assert_int_equal(
	    ipc_send_fd(f.channel, GQ_GREYLIST, 7, &question, sizeof(question), "a@b\0c@d", 7, -1),
	    0);
	assert_int_equal(house_receive(f.channel, &gate_queue_boundary, IPC_CLIENT, &message), 1);
	assert_int_equal(message.type, GQ_GREYLISTED);
	assert_int_equal(((const struct gq_greylisted *)message.body)->wait, 0);
	close_queue(&f);
}

static void
sizes_that_lie(void **state)
{
	static const uint64_t sizes[] = {0, 1, 9, 11, 1 << 21, UINT64_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct queue_fixture f;
		int body;

		body = open_body(&f);
		assert_int_equal(write(body, "0123456789", 10), 10);
		close(body);
		assert_false(is_committed(&f, 1, sizes[i]));
		close_queue(&f);
	}
}

/* The size is that of the body in the commit, and that is bounded, whatever is in the file. */
/* Nothing, said truly: no mail is without its Received field, and filter would take it for a lie.
 */
static void
a_mail_of_nothing(void **state)
{
	struct queue_fixture f;

	(void)state;
	close(open_body(&f));
	assert_false(is_committed(&f, 1, 0));
	house_must_be_cut(f.channel);
	close_queue(&f);
}

static void
sizes_that_lie_inline(void **state)
{
	static const struct {
		uint64_t size;
		size_t length;
	} lies[] = {{0, 10},
		    {9, 10},
		    {11, 10},
		    {16, 10}, /* what the file has */
		    {26, 10}, /* both */
		    {UINT64_MAX, 10},
		    {(uint64_t)1 << 32 | 10, 10},
		    {GQ_INLINE_MAX + 1, GQ_INLINE_MAX + 1}};

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct queue_fixture f;
		int body;

		body = open_body(&f);
		assert_int_equal(write(body, "in the file also", 16), 16);
		close(body);
		assert_false(is_committed_inline(&f, 1, lies[i].size, lies[i].length));
		close_queue(&f);
	}
}

/* Of two bodies, the one in the commit counts: the other is nowhere in what is stored. */
static void
two_bodies(void **state)
{
	struct queue_fixture f;
	int body;

	(void)state;
	body = open_body(&f);
	assert_int_equal(write(body, "in the file also", 16), 16);
	close(body);
	assert_true(is_committed_inline(&f, 1, 10, 10));
	assert_false(is_committed_inline(&f, 1, 10, 10)); /* only once */
	close_queue(&f);
}

/* A gate that keeps the descriptor of what it has handed over could change it afterwards. */
static void
a_body_that_stays_open(void **state)
{
	struct queue_fixture f;
	int body;

	(void)state;
	body = open_body(&f);
	assert_int_equal(write(body, "0123456789", 10), 10);
	assert_false(is_committed(&f, 1, 10));
	close(body);
	close_queue(&f);
}

/* It can only be written: neither read back, nor used to reach the folder it is in. */
static void
a_body_is_only_a_body(void **state)
{
	struct queue_fixture f;
	struct stat st;
	char byte;
	int body;

	(void)state;
	body = open_body(&f);
	assert_int_equal(fstat(body, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(read(body, &byte, 1), -1);
	close(body);
	close_queue(&f);
}

static void
transactions_out_of_order(void **state)
{
	struct gq_transaction none = {.transaction = 77};
	struct queue_fixture f;
	struct ipc_message message;

	(void)state;
	open_queue(&f);
	assert_int_equal(ipc_send_fd(f.channel, GQ_DATA, 9, &none, sizeof(none), NULL, 0, -1), 0);
	if (house_receive(f.channel, &gate_queue_boundary, IPC_CLIENT, &message))
		assert_int_equal(message.type, GQ_FAILED);
	close_queue(&f);

	open_queue(&f);
	say_mail(&f, 1, "alice@example.org");
	assert_false(is_committed(&f, 1, 0)); /* without GQ_DATA */
	close_queue(&f);
}

/*
 * A gate with a user's channel writes a message of somebody else's. What accounts is asked about is
 * the body that nobody can change any more, in the user's name, and what accounts says counts.
 */
static void
authors_that_are_somebody_else(void **state)
{
	static const char body[] = "From: victim@example.org\r\n\r\nPay.\r\n";
	struct gq_transaction data = {.transaction = 1};
	struct gq_commit commit = {.transaction = 1, .size = sizeof(body) - 1};
	struct aq_sender_is own = {.verdict = SENDER_OWN};
	struct aq_author_is foreign = {.verdict = AUTHOR_FOREIGN};
	struct queue_fixture f;
	struct ipc_message message;
	char seen[64] = "";
	int file;

	(void)state;
	open_queue(&f);
	close(f.channel);
	f.channel = house_submitter_to_queue(f.accounts);
	say_mail(&f, 1, "alice@example.org");
	assert_int_equal(ipc_send_fd(f.channel, GQ_DATA, 9, &data, sizeof(data), NULL, 0, -1), 0);
	assert_int_equal(house_receive(f.accounts, &accounts_queue_boundary, IPC_CLIENT, &message),
			 1);
	assert_int_equal(message.type, AQ_SENDER);
	assert_int_equal(
	    ipc_send_fd(f.accounts, AQ_SENDER_IS, message.id, &own, sizeof(own), NULL, 0, -1), 0);
	answer_resolve(&f, RCPT_LOCAL, "alice@example.org");
	assert_int_equal(house_receive(f.channel, &gate_queue_boundary, IPC_CLIENT, &message), 1);
	assert_int_equal(message.type, GQ_BODY);
	file = message.fd;
	assert_int_equal(write(file, body, sizeof(body) - 1), sizeof(body) - 1);
	close(file);
	assert_int_equal(
	    ipc_send_fd(f.channel, GQ_COMMIT, 10, &commit, sizeof(commit), NULL, 0, -1), 0);
	assert_int_equal(house_receive(f.accounts, &accounts_queue_boundary, IPC_CLIENT, &message),
			 1);
	assert_int_equal(message.type, AQ_AUTHOR_OF_FILE);
	assert_string_equal(((const struct aq_author *)message.body)->account, "alice@example.org");
	assert_int_equal(pread(message.fd, seen, sizeof(seen) - 1, 0), sizeof(body) - 1);
	assert_string_equal(seen, body);
	close(message.fd);
	assert_int_equal(ipc_send_fd(f.accounts, AQ_AUTHOR_IS, message.id, &foreign,
				     sizeof(foreign), "victim@example.org", 18, -1),
			 0);
	assert_int_equal(house_receive(f.channel, &gate_queue_boundary, IPC_CLIENT, &message), 1);
	assert_int_equal(message.type, GQ_FAILED);
	assert_int_equal(((const struct gq_failed *)message.body)->failure, QUEUE_AUTHOR);
	close_queue(&f);
}

/* -- Queue lies to a session --------------------------------------------------------------- */

static bool
is_delivered_by(const struct house_child *child, const struct qs_deliver *deliver,
		const char *paths, size_t length, int fd)
{
	int channel = house_queue_to_session(child);
	struct ipc_message message;
	bool delivered;

	assert_int_equal(
	    ipc_send_fd(channel, QS_DELIVER, 13, deliver, sizeof(*deliver), paths, length, fd), 0);
	delivered = house_receive(channel, &queue_session_boundary, IPC_CLIENT, &message) &&
		    message.type == QS_DELIVERED;
	close(channel);
	close(fd);
	return delivered;
}

static bool
is_delivered(const struct house_child *child, const struct qs_deliver *deliver, const char *from,
	     int fd)
{
	return is_delivered_by(child, deliver, from, strlen(from), fd);
}

static int
mail_file(const char *text)
{
	char path[128];
	int fd;

	strlcpy(path, house_folder, sizeof(path));
	strlcat(path, "/mail", sizeof(path));
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static void
deliveries_that_lie(void **state)
{
	static const char text[] = "Subject: x\r\n\r\nx\r\n";
	struct house_child child = house_session();
	struct qs_deliver good = {
	    .delivery_id = "0123456789abcdef.0", .size = sizeof(text) - 1, .received = 1700000000};
	struct qs_deliver lie;
	int pipes[2];

	(void)state;
	assert_true(is_delivered(&child, &good, "a@b", mail_file(text)));
	lie = good;
	strlcpy(lie.delivery_id, "0123456789abcdef.1", sizeof(lie.delivery_id));
	lie.size++; /* more than there is */
	assert_false(is_delivered(&child, &lie, "a@b", mail_file(text)));
	lie.size = UINT64_MAX;
	assert_false(is_delivered(&child, &lie, "a@b", mail_file(text)));
	lie.binary = 1;
	assert_false(is_delivered(&child, &lie, "a@b", mail_file(text)));
	lie.size = sizeof(text);
	assert_false(is_delivered(&child, &lie, "a@b", mail_file(text)));
	lie.binary = 2;
	lie.size = sizeof(text) - 1;
	assert_false(is_delivered(&child, &lie, "a@b", mail_file(text)));
	lie = good;
	memset(lie.delivery_id, 'a', sizeof(lie.delivery_id)); /* no NUL */
	assert_false(is_delivered(&child, &lie, "a@b", mail_file(text)));
	lie = good;
	strlcpy(lie.delivery_id, "0123456789abcdef.2", sizeof(lie.delivery_id));
	/* A second header field in the Return-Path: of the first. */
	assert_false(is_delivered(&child, &lie, "a@b>\r\nX-Forged: yes", mail_file(text)));
	/* A forward-path that is none, and one more. */
	assert_false(is_delivered_by(&child, &lie, "a@b\0c+d\n@e", 10, mail_file(text)));
	assert_false(is_delivered_by(&child, &lie, "a@b\0c+d@e\0f", 11, mail_file(text)));
	assert_false(
	    is_delivered(&child, &lie, "a@b", open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC)));
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	assert_false(is_delivered(&child, &lie, "a@b", pipes[0]));
	close(pipes[1]);
	/* The same delivery twice is stored once. */
	assert_true(is_delivered(&child, &good, "a@b", mail_file(text)));
	house_end(&child);
}

/* -- Who plays the master lies to a session --------------------------------------------------- */

/* What stands before a tag is one octet. */
static void
separators_that_lie(void **state)
{
	static const uint32_t lies[] = {127, 256 + '+', UINT32_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct house_child child = house_session();
		const struct ms_tags tags = {lies[i]};

		assert_int_equal(
		    ipc_send_fd(child.control, MS_TAGS, 0, &tags, sizeof(tags), NULL, 0, -1), 0);
		house_must_be_cut(child.control);
		assert_int_equal(waitpid(child.pid, NULL, 0), child.pid);
	}
}

/* A checkup that is none, or one that has nobody to be told to. */
static void
checkups_that_lie(void **state)
{
	static const uint32_t lies[] = {MAILBOX_MAIL, MAILBOX_PURPOSE_COUNT, UINT32_MAX};
	struct ms_checkup checkup;
	int status;

	(void)state;
	for (size_t i = 0; i <= sizeof(lies) / sizeof(lies[0]); i++) {
		struct house_child child = house_session();
		bool without = i == sizeof(lies) / sizeof(lies[0]);
		int fd = without ? -1 : open("/dev/null", O_RDWR | O_CLOEXEC);

		checkup.purpose = without ? MAILBOX_CHECK : lies[i];
		assert_int_equal(ipc_send_fd(child.control, MS_CHECKUP, 0, &checkup,
					     sizeof(checkup), NULL, 0, fd),
				 0);
		close(fd);
		house_must_be_cut(child.control);
		assert_int_equal(waitpid(child.pid, &status, 0), child.pid);
	}
}

/* posternctl's end is closed, or never read: the session goes on. */
static void
checkups_that_nobody_hears(void **state)
{
	struct ms_checkup checkup = {.purpose = MAILBOX_REPAIR};
	struct house_child child = house_session();
	int sv[2];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(
		    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sv), 0);
		if (i == 0)
			close(sv[1]);
		assert_int_equal(ipc_send_fd(child.control, MS_CHECKUP, 0, &checkup,
					     sizeof(checkup), NULL, 0, sv[0]),
				 0);
		close(sv[0]);
	}
	house_end(&child);
	close(sv[1]);
}

/* What a mailbox may hold, in messages that are not whole, too long, or bring something along. */
static void
limits_that_lie(void **state)
{
	static const size_t sizes[] = {0, 1, sizeof(struct ms_limits) - 1,
				       sizeof(struct ms_limits) + 1, 4096};
	static const char zeros[4096];
	const struct ms_limits good = {.storage = UINT64_MAX, .messages = UINT64_MAX};
	struct house_child child;
	int status, fd;

	(void)state;
	for (size_t i = 0; i <= sizeof(sizes) / sizeof(sizes[0]); i++) {
		bool with_fd = i == sizeof(sizes) / sizeof(sizes[0]);

		child = house_session();
		fd = with_fd ? open("/dev/null", O_RDWR | O_CLOEXEC) : -1;
		assert_int_equal(ipc_send_fd(child.control, MS_LIMITS, 0, zeros,
					     with_fd ? sizeof(good) : sizes[i], NULL, 0, fd),
				 0);
		if (with_fd)
			close(fd);
		house_must_be_cut(child.control);
		assert_int_equal(waitpid(child.pid, &status, 0), child.pid);
	}
	/* Any numbers can be limits. */
	child = house_session();
	assert_int_equal(ipc_send_fd(child.control, MS_LIMITS, 0, &good, sizeof(good), NULL, 0, -1),
			 0);
	house_end(&child);
}

/* Until the session has closed the stream. */
static void
must_be_closed(int stream)
{
	char bytes[512];
	ssize_t n;

	do
		n = read(stream, bytes, sizeof(bytes));
	while (n > 0);
	assert_int_equal(n, 0);
	close(stream);
}

/* A connection that comes back as it never was: it is closed, and the others go on. */
static void
resumed_that_lie(void **state)
{
	struct house_child child = house_session();
	struct ms_parked lies[7];
	int sv[2];

	(void)state;
	memset(lies, 0, sizeof(lies));
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++)
		lies[i].connection.service = SERVICE_IMAP;
	memset(lies[0].tag, 'a', sizeof(lies[0].tag)); /* without an end */
	lies[1].folder = 4711;                         /* one that is not there */
	lies[2].folder = INT64_MIN;
	lies[3].folder = 1; /* INBOX, with another UIDVALIDITY */
	lies[4].folder = INT64_MAX;
	lies[4].changes = lies[4].expunges = UINT64_MAX;
	lies[5].folder = -1;
	lies[5].uidnext = UINT32_MAX;
	memset(&lies[6], 0xff, sizeof(lies[6]));
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv), 0);
		assert_int_equal(ipc_send_fd(child.control, MS_RESUME, 0, &lies[i], sizeof(lies[i]),
					     NULL, 0, sv[0]),
				 0);
		close(sv[0]);
		must_be_closed(sv[1]);
	}
	house_end(&child);
}

/* -- Who plays the master asks accounts ----------------------------------------------------- */

/* True: an answer came, and it says that there is no limit. */
static bool
has_no_quota(int control, const char *name, size_t length)
{
	const struct ipc_empty empty = {{0}};
	struct ipc_message message;
	const struct ma_quota *quota;

	assert_int_equal(
	    ipc_send_fd(control, MA_QUOTA, 21, &empty, sizeof(empty), name, length, -1), 0);
	do {
		if (!house_receive(control, &master_accounts_boundary, IPC_CLIENT, &message))
			return false;
	} while (message.type != MA_QUOTA_IS);
	quota = message.body;
	assert_int_equal(message.id, 21);
	return quota->storage == 0 && quota->messages == 0;
}

static void
quotas_of_nobody(void **state)
{
	static const char *const names[] = {"",
					    "@",
					    "nobody@example.org",
					    "../alice@example.org",
					    "alice",
					    "alice@example.org\r\n",
					    "ALICE@EXAMPLE.ORG"};
	struct house_child child = house_accounts();
	char longest[ADDRESS_SIZE + 1];
	int status;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_true(has_no_quota(child.control, names[i], strlen(names[i])));
	assert_true(has_no_quota(child.control, "alice@example.org\0x", 19));
	memset(longest, 'a', sizeof(longest)); /* no NUL anywhere */
	assert_true(has_no_quota(child.control, longest, ADDRESS_SIZE - 1));
	/* One octet more than a name can have. */
	assert_int_equal(ipc_send_fd(child.control, MA_QUOTA, 22, &(struct ipc_empty){{0}},
				     sizeof(struct ipc_empty), longest, sizeof(longest), -1),
			 0);
	house_must_be_cut(child.control);
	assert_int_equal(waitpid(child.pid, &status, 0), child.pid);
}

static int
set_up(void **state)
{
	(void)state;
	house_make();
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	house_clean();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(tls13_lies),
	    cmocka_unit_test(tls12_lies),
	    cmocka_unit_test(keys_of_other_listeners),
	    cmocka_unit_test(keys_that_no_listener_can_choose),
	    cmocka_unit_test(logins_as_somebody_else),
	    cmocka_unit_test(recipients_that_accounts_refuses),
	    cmocka_unit_test(mailboxes_that_are_none),
	    cmocka_unit_test(submitters_that_are_none),
	    cmocka_unit_test(parameters_that_lie),
	    cmocka_unit_test(questions_that_are_none),
	    cmocka_unit_test(clients_that_lie),
	    cmocka_unit_test(greylist_questions_that_lie),
	    cmocka_unit_test(sizes_that_lie),
	    cmocka_unit_test(sizes_that_lie_inline),
	    cmocka_unit_test(a_mail_of_nothing),
	    cmocka_unit_test(authors_that_are_somebody_else),
	    cmocka_unit_test(two_bodies),
	    cmocka_unit_test(a_body_that_stays_open),
	    cmocka_unit_test(a_body_is_only_a_body),
	    cmocka_unit_test(transactions_out_of_order),
	    cmocka_unit_test(deliveries_that_lie),
	    cmocka_unit_test(separators_that_lie),
	    cmocka_unit_test(checkups_that_lie),
	    cmocka_unit_test(checkups_that_nobody_hears),
	    cmocka_unit_test(limits_that_lie),
	    cmocka_unit_test(resumed_that_lie),
	    cmocka_unit_test(quotas_of_nobody),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
