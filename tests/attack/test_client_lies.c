/* SPDX-License-Identifier: ISC */
/*
 * Clients' certificates, attacked: a captured gate that invents clients, replays and mixes proofs;
 * and each of accounts, the verifier and the master as a liar. The real accounts and the real
 * verifier are on the other side, in their sandboxes.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/proto/accounts_queue.h"
#include "common/proto/accounts_verify.h"
#include "common/proto/gate_accounts.h"
#include "common/proto/master_accounts.h"
#include "common/proto/master_verify.h"
#include "tests/attack/house.h"
#include "tests/unit/proofs.h"

#define TRUST 7u
#define OTHER_TRUST 8u
#define CUT 0u /* instead of a type: the peer has cut the channel off */

static struct {
	struct party authority, server, alice, mallory;
	struct house_child accounts, verify;
	int queue; /* accounts' channel to it: we are queue */
	int gate;  /* the captured one */
	uint32_t verdict;
	uint8_t question[ASK_NAMES_MAX];
	size_t question_length;
} world;

static struct capture capture, changed;

/*
 * -- The house ------------------------------------------------------------------
 */

static int
file_of(const X509 *certificate)
{
	FILE *file = tmpfile();
	int fd;

	assert_non_null(file);
	PEM_write_X509(file, certificate);
	fflush(file);
	fd = dup(fileno(file));
	fclose(file);
	return fd;
}

static void
give_trust(const struct house_child *verify, uint32_t id)
{
	struct mv_trust trust = {.trust = id, .depth = 2};
	struct mv_file file = {.trust = id};
	int fd = file_of(world.authority.certificate);

	assert_int_equal(
	    ipc_send_fd(verify->control, MV_TRUST, 0, &trust, sizeof(trust), NULL, 0, -1), 0);
	assert_int_equal(
	    ipc_send_fd(verify->control, MV_AUTHORITIES, 0, &file, sizeof(file), NULL, 0, fd), 0);
	close(fd);
}

/* The gate is told how its clients are asked. */
static void
hear_question(int gate)
{
	const struct ga_ask *asked;
	struct ipc_message message;

	assert_int_equal(house_receive(gate, &gate_accounts_boundary, IPC_CLIENT, &message), 1);
	assert_int_equal(message.type, GA_ASK);
	asked = message.body;
	assert_int_equal(asked->trust, TRUST);
	memcpy(world.question, message.tail, message.tail_length);
	world.question_length = message.tail_length;
}

static int
set_up(void **state)
{
	(void)state;
	house_make();
	world.authority = make_party(p256(), "authority", NULL, "", -60, 3600);
	world.server = make_party(p256(), "server", NULL, "serverAuth", -60, 3600);
	world.alice = make_party(p256(), "alice", &world.authority, "clientAuth", -60, 3600);
	/* Has an authority of his own, and certificates that say whatever he likes. */
	world.mallory = make_party(p256(), "alice", NULL, "clientAuth", -60, 3600);
	world.accounts = house_accounts();
	world.verify = house_verify();
	world.queue = house_queue_to_accounts(&world.accounts);
	world.gate = house_trusting_gate_to_accounts(&world.accounts, TRUST);
	give_trust(&world.verify, TRUST);
	give_trust(&world.verify, OTHER_TRUST);
	house_join(&world.accounts, &world.verify);
	hear_question(world.gate);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	close(world.gate);
	close(world.queue);
	house_end(&world.accounts);
	house_end(&world.verify);
	party_free(&world.authority);
	party_free(&world.server);
	party_free(&world.alice);
	party_free(&world.mallory);
	house_clean();
	return 0;
}

/*
 * -- A gate ---------------------------------------------------------------------
 */

static struct ga_external
request(const char *authorization)
{
	static conn_id last;
	struct ga_external external;

	memset(&external, 0, sizeof(external));
	external.conn = ++last;
	external.service = SERVICE_SUBMISSION;
	external.trust = TRUST;
	strlcpy(external.authorization, authorization, sizeof(external.authorization));
	return external;
}

/* Questions may come at any time. */
static uint16_t
answer(int gate)
{
	struct ipc_message message;

	do {
		if (!house_receive(gate, &gate_accounts_boundary, IPC_CLIENT, &message))
			return CUT;
	} while (message.type == GA_ASK);
	if (message.type == GA_LOGGED_IN) {
		assert_int_equal(message.tail_length, strlen("alice@example.org"));
		assert_memory_equal(message.tail, "alice@example.org", message.tail_length);
		close(message.fd);
	}
	if (message.type == GA_LOGIN_FAILED)
		world.verdict = ((const struct ga_login_failed *)message.body)->verdict;
	return message.type;
}

/* What accounts says to a proof. */
static uint16_t
bring(const struct ga_external *external, const struct capture *proof)
{
	assert_int_equal(ipc_send_fd(world.gate, GA_EXTERNAL, 5, external, sizeof(*external),
				     (const char *)proof->bytes, proof->length, -1),
			 0);
	return answer(world.gate);
}

static uint16_t
bring_as(const char *authorization, const struct capture *proof)
{
	struct ga_external external = request(authorization);

	return bring(&external, proof);
}

static void
shake(const struct party *client, int version)
{
	shake_hands(client, &world.server, version, "P-256", world.question, world.question_length,
		    &capture);
}

static void
the_truth_is_believed(void **state)
{
	(void)state;
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		shake(&world.alice, version);
		assert_int_equal(bring_as("", &capture), GA_LOGGED_IN);
		shake(&world.alice, version);
		assert_int_equal(bring_as("alice@example.org", &capture), GA_LOGGED_IN);
	}
}

/* All that a gate can make up: keys and certificates of its own, the question and the server's. */
static void
an_invented_client(void **state)
{
	struct party authority = make_party(p256(), "authority", NULL, "", -60, 3600);
	struct party client = make_party(p256(), "alice", &authority, "clientAuth", -60, 3600);

	(void)state;
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		shake(&world.mallory, version);
		assert_int_equal(bring_as("", &capture), GA_LOGIN_FAILED);
		assert_int_equal(bring_as("alice@example.org", &capture), GA_LOGIN_FAILED);
		shake(&client, version);
		assert_int_equal(bring_as("", &capture), GA_LOGIN_FAILED);
	}
	party_free(&authority);
	party_free(&client);
}

static void
a_proof_again(void **state)
{
	(void)state;
	shake(&world.alice, TLS1_3_VERSION);
	assert_int_equal(bring_as("", &capture), GA_LOGGED_IN);
	assert_int_equal(bring_as("", &capture), GA_LOGIN_FAILED);
	/* Not on another channel, and not under another name either. */
	close(world.gate);
	world.gate = house_trusting_gate_to_accounts(&world.accounts, TRUST);
	assert_int_equal(bring_as("alice@example.org", &capture), GA_LOGIN_FAILED);
	/* One that was refused for the name that was asked for has been used as well. */
	shake(&world.alice, TLS1_3_VERSION);
	assert_int_equal(bring_as("bob@example.org", &capture), GA_LOGIN_FAILED);
	assert_int_equal(bring_as("", &capture), GA_LOGIN_FAILED);
}

/* Alice logs in to another server, which is the attacker's, or to another listener. */
static void
a_proof_from_elsewhere(void **state)
{
	X509_NAME *name = X509_get_subject_name(world.authority.certificate);
	struct ga_external external = request("");
	uint8_t *der = NULL;
	int length = i2d_X509_NAME(name, &der);

	(void)state;
	assert_true(length > 0);
	shake_hands(&world.alice, &world.server, TLS1_3_VERSION, "P-256", der, (size_t)length,
		    &capture);
	assert_int_equal(bring_as("", &capture), GA_LOGIN_FAILED);
	OPENSSL_free(der);
	/* What was asked for one listener, brought for another: the gate may not even name it. */
	shake(&world.alice, TLS1_3_VERSION);
	external.trust = OTHER_TRUST;
	assert_int_equal(bring(&external, &capture), CUT);
	close(world.gate);
	world.gate = house_trusting_gate_to_accounts(&world.accounts, OTHER_TRUST);
	assert_int_equal(bring(&external, &capture), GA_LOGIN_FAILED);
	close(world.gate);
	world.gate = house_trusting_gate_to_accounts(&world.accounts, TRUST);
}

static void
swapped_chains(void **state)
{
	(void)state;
	/* Mallory's signature, alice's certificate; and the other way round. */
	shake(&world.mallory, TLS1_3_VERSION);
	swap_certificate(&capture, world.mallory.certificate, world.alice.certificate, &changed);
	assert_int_equal(bring_as("", &changed), GA_LOGIN_FAILED);
	shake(&world.alice, TLS1_3_VERSION);
	swap_certificate(&capture, world.alice.certificate, world.mallory.certificate, &changed);
	assert_int_equal(bring_as("", &changed), GA_LOGIN_FAILED);
	/* The question of now in an old handshake's place would have to be signed too. */
	changed = capture;
	changed.bytes[changed.length / 2] ^= 1;
	assert_int_equal(bring_as("", &changed), GA_LOGIN_FAILED);
	assert_int_equal(bring_as("", &capture), GA_LOGGED_IN);
}

static void
who_it_is_not(void **state)
{
	static const char *const names[] = {"bob@example.org",
					    "bob",
					    "alice@elsewhere.example",
					    "../alice@example.org",
					    "root",
					    "*",
					    "postmaster"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		shake(&world.alice, TLS1_3_VERSION);
		assert_int_equal(bring_as(names[i], &capture), GA_LOGIN_FAILED);
	}
}

static void
parts_of_a_proof(void **state)
{
	size_t whole;

	(void)state;
	shake(&world.alice, TLS1_2_VERSION);
	whole = capture.length;
	for (capture.length = 1; capture.length < whole; capture.length += 37)
		assert_int_equal(bring_as("", &capture), GA_LOGIN_FAILED);
	capture.length = whole;
	memset(&changed, 0, sizeof(changed));
	changed.length = PROOF_MAX;
	assert_int_equal(bring_as("", &changed), GA_LOGIN_FAILED);
	assert_int_equal(bring_as("", &capture), GA_LOGGED_IN);
}

/* Fields that no honest gate sends: each ends the channel. */
static void
malformed_requests(void **state)
{
	struct ga_external lies[7];

	(void)state;
	shake(&world.alice, TLS1_3_VERSION);
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++)
		lies[i] = request("");
	lies[0].service = SERVICE_SMTP;
	lies[1].service = 99;
	lies[2].trust = 0;
	lies[3].trust = UINT32_MAX;
	memset(lies[4].authorization, 'a', sizeof(lies[4].authorization));
	lies[5].zero[2] = 1;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		const struct capture *proof = i == 6 ? &changed : &capture;

		changed.length = 0; /* the last one has no proof */
		assert_int_equal(bring(&lies[i], proof), CUT);
		close(world.gate);
		world.gate = house_trusting_gate_to_accounts(&world.accounts, TRUST);
	}
	assert_int_equal(bring_as("", &capture), GA_LOGGED_IN);
}

/*
 * -- accounts lies to the verifier ----------------------------------------------
 */

static void
accounts_lies(void **state)
{
	static const struct {
		uint32_t id;
		struct av_verify asked;
		bool cut;
	} lies[] = {
	    {0, {TRUST, 0}, true},
	    {3, {TRUST, 1}, true},
	    {3, {0, 0}, false},
	    {3, {99, 0}, false},
	};
	struct house_child child = house_verify();

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		int channel = house_accounts_to_verify(&child);
		struct ipc_message message;

		assert_int_equal(ipc_send_fd(channel, AV_VERIFY, lies[i].id, &lies[i].asked,
					     sizeof(lies[i].asked), "proof", 5, -1),
				 0);
		if (lies[i].cut) {
			house_must_be_cut(channel);
			continue;
		}
		assert_int_equal(
		    house_receive(channel, &accounts_verify_boundary, IPC_CLIENT, &message), 1);
		assert_int_equal(message.type, AV_REFUSED);
		close(channel);
	}
	house_end(&child);
}

/*
 * -- The verifier lies to accounts ----------------------------------------------
 */

/* Asks to be let in, and hears as the verifier that it is asked; the request's id. */
static uint32_t
ask_us(int gate, int verify)
{
	struct ga_external external = request("");
	struct ipc_message message;

	assert_int_equal(
	    ipc_send_fd(gate, GA_EXTERNAL, 5, &external, sizeof(external), "proof", 5, -1), 0);
	assert_int_equal(house_receive(verify, &accounts_verify_boundary, IPC_SERVER, &message), 1);
	assert_int_equal(message.type, AV_VERIFY);
	return message.id;
}

static void
expect_unavailable(int gate)
{
	struct ipc_message message;

	assert_int_equal(house_receive(gate, &gate_accounts_boundary, IPC_CLIENT, &message), 1);
	assert_int_equal(message.type, GA_LOGIN_FAILED);
	assert_int_equal(((const struct ga_login_failed *)message.body)->verdict,
			 LOGIN_UNAVAILABLE);
}

/* The peer has not read all that was sent. */
static void
wait_for_room(void)
{
	assert_int_equal(errno, EAGAIN);
	usleep(1000);
}

static void
hear_short_question(int gate, uint32_t trust)
{
	struct ipc_message message;

	assert_int_equal(house_receive(gate, &gate_accounts_boundary, IPC_CLIENT, &message), 1);
	assert_int_equal(message.type, GA_ASK);
	assert_int_equal(((const struct ga_ask *)message.body)->trust, trust);
}

static void
answers_that_are_none(void **state)
{
	static const struct {
		uint32_t names, zero;
		const char *tail;
		size_t length;
	} lies[] = {
	    {0, 0, "", 0},
	    {0, 0, "CN=alice", 8},
	    {1, 0, "CN=alice", 9},
	    {0, 0, "CN=alice\0alice@example.org", 27},
	    {1, 0, "CN=alice\0alice@example.org", 26},
	    {IDENTITY_NAMES_MAX + 1, 0, "\0a@b", 5},
	    {UINT32_MAX, 0, "\0a@b", 5},
	    {1, 1, "CN=alice\0alice@example.org", 27},
	};
	struct house_child child = house_accounts();

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct av_verified verified = {.names = lies[i].names, .zero = lies[i].zero};
		int verify = house_verify_to_accounts(&child);
		int gate = house_trusting_gate_to_accounts(&child, TRUST);
		uint32_t id = ask_us(gate, verify);

		assert_int_equal(ipc_send_fd(verify, AV_VERIFIED, id, &verified, sizeof(verified),
					     lies[i].tail, lies[i].length, -1),
				 0);
		expect_unavailable(gate);
		house_must_be_cut(verify);
		close(gate);
	}
	house_end(&child);
}

/* It goes away while it is asked: the client is told "not now", and accounts goes on. */
static void
a_verifier_that_dies(void **state)
{
	struct house_child child = house_accounts();
	int verify = house_verify_to_accounts(&child);
	int gate = house_trusting_gate_to_accounts(&child, TRUST);

	(void)state;
	(void)ask_us(gate, verify);
	close(verify);
	expect_unavailable(gate);
	verify = house_verify_to_accounts(&child);
	(void)ask_us(gate, verify);
	close(gate);
	close(verify);
	house_end(&child);
}

static void
questions_that_are_none(void **state)
{
	static const struct {
		uint32_t id;
		struct av_ask asked;
		size_t length;
		const char *names;
	} lies[] = {
	    {0, {0, 0}, 4, "\x30\2ab"},
	    {0, {TRUST, 1}, 4, "\x30\2ab"},
	    {0, {TRUST, 0}, 0, ""},
	    {9, {TRUST, 0}, 4, "\x30\2ab"},
	    {0, {TRUST, 0}, 4, "name"},
	    {0, {TRUST, 0}, 1, "\x30"},
	    {0, {TRUST, 0}, 4, "\x30\3ab"},
	    {0, {TRUST, 0}, 4, "\x30\1ab"},
	    {0, {TRUST, 0}, 4, "\x30\x80\0"},
	    {0, {TRUST, 0}, 4, "\x30\x83\0\0"},
	    {0, {TRUST, 0}, 4, "\x30\x82\xff\xff"},
	    {0, {TRUST, 0}, 3, "\x30\x82\1"},
	};
	struct house_child child = house_accounts();

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		int verify = house_verify_to_accounts(&child);

		assert_int_equal(ipc_send_fd(verify, AV_ASK, lies[i].id, &lies[i].asked,
					     sizeof(lies[i].asked), lies[i].names, lies[i].length,
					     -1),
				 0);
		house_must_be_cut(verify);
	}
	house_end(&child);
}

/* More questions than listeners can be: those that no gate asks with are forgotten. */
static void
questions_without_end(void **state)
{
	struct house_child child = house_accounts();
	int verify = house_verify_to_accounts(&child);
	int gate = house_trusting_gate_to_accounts(&child, TRUST), last;
	struct ipc_empty empty = {{0}};
	struct ipc_message message;

	(void)state;
	(void)ask_us(gate, verify); /* by now accounts knows the gate */
	for (uint32_t trust = 1; trust <= 8 * TRUSTS_MAX; trust++) {
		struct av_ask asked = {.trust = trust};

		while (ipc_send_fd(verify, AV_ASK, 0, &asked, sizeof(asked), "\x30\0", 2, -1) == -1)
			wait_for_room();
		if (trust % 32 == 0)
			(void)ask_us(gate, verify); /* or it would refuse: too much is queued */
	}
	/* The last is there, so all have been heard while there was a gate that asks with TRUST. */
	last = house_trusting_gate_to_accounts(&child, 8 * TRUSTS_MAX);
	hear_short_question(last, 8 * TRUSTS_MAX);
	close(last);
	close(gate);
	gate = house_trusting_gate_to_accounts(&child, TRUST);
	hear_short_question(gate, TRUST);
	close(gate);
	/* The oldest is gone: the first that is heard is the answer. */
	gate = house_trusting_gate_to_accounts(&child, 1);
	assert_int_equal(
	    ipc_send_fd(gate, GA_RCPT, 6, &empty, sizeof(empty), "alice@example.org", 17, -1), 0);
	assert_int_equal(house_receive(gate, &gate_accounts_boundary, IPC_CLIENT, &message), 1);
	assert_int_equal(message.type, GA_RCPT_VERDICT);
	close(gate);
	close(verify);
	house_end(&child);
}

/* What is "refused" with a number that means nothing. */
static void
refusals_that_are_none(void **state)
{
	static const struct av_refused lies[] = {{2, 0}, {UINT32_MAX, 0}, {0, 1}, {1, 1}};
	struct house_child child = house_accounts();

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		int verify = house_verify_to_accounts(&child);
		int gate = house_trusting_gate_to_accounts(&child, TRUST);
		uint32_t id = ask_us(gate, verify);

		assert_int_equal(
		    ipc_send_fd(verify, AV_REFUSED, id, &lies[i], sizeof(lies[i]), "why", 3, -1),
		    0);
		expect_unavailable(gate);
		house_must_be_cut(verify);
		close(gate);
	}
	house_end(&child);
}

/* It can't say now: the client is not told that it is wrong. */
static void
a_verifier_that_can_not_say(void **state)
{
	static const struct av_refused refused = {.later = 1};
	struct house_child child = house_accounts();
	int verify = house_verify_to_accounts(&child);
	int gate = house_trusting_gate_to_accounts(&child, TRUST);
	uint32_t id = ask_us(gate, verify);

	(void)state;
	assert_int_equal(
	    ipc_send_fd(verify, AV_REFUSED, id, &refused, sizeof(refused), "why", 3, -1), 0);
	expect_unavailable(gate);
	close(gate);
	close(verify);
	house_end(&child);
}

static void
bring_many(int gate, size_t count)
{
	static const uint8_t proof[PROOF_MAX];

	for (size_t i = 0; i < count; i++) {
		struct ga_external external = request("");

		while (ipc_send_fd(gate, GA_EXTERNAL, (uint32_t)i + 1, &external, sizeof(external),
				   (const char *)proof, sizeof(proof), -1) == -1)
			wait_for_room();
	}
}

/* A gate that brings more than the verifier reads: another one's clients are looked at. */
static void
proofs_without_end(void **state)
{
	struct house_child child = house_accounts();
	int verify = house_verify_to_accounts(&child);
	int greedy = house_trusting_gate_to_accounts(&child, TRUST);
	int gate = house_trusting_gate_to_accounts(&child, TRUST);
	struct ga_external external = request("");
	struct ipc_message message;

	(void)state;
	for (size_t i = 0; i < 50; i++) {
		bring_many(greedy, 2);
		/* Those that it is refused are answered at once. */
		usleep(2000);
	}
	expect_unavailable(greedy);
	assert_int_equal(
	    ipc_send_fd(gate, GA_EXTERNAL, 77, &external, sizeof(external), "proof", 5, -1), 0);
	do {
		assert_int_equal(
		    house_receive(verify, &accounts_verify_boundary, IPC_SERVER, &message), 1);
		assert_int_equal(message.type, AV_VERIFY);
	} while (message.tail_length != 5);
	close(gate);
	close(greedy);
	close(verify);
	house_end(&child);
}

/*
 * -- The master's messages ------------------------------------------------------
 */

static void
must_end(struct house_child *child)
{
	int status;

	house_must_be_cut(child->control);
	assert_int_equal(waitpid(child->pid, &status, 0), child->pid);
	assert_true(WIFEXITED(status));
}

static void
trusts_that_are_none(void **state)
{
	static const struct mv_trust lies[] = {
	    {0, 2, 0, 0}, {1, 17, 0, 0}, {1, 2, 2, 0}, {1, 2, 0, 1}};
	static const struct mv_file files[] = {{99, 0}, {0, 0}};

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct house_child child = house_verify();

		assert_int_equal(
		    ipc_send_fd(child.control, MV_TRUST, 0, &lies[i], sizeof(lies[i]), NULL, 0, -1),
		    0);
		must_end(&child);
	}
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct house_child child = house_verify();
		int fd = file_of(world.authority.certificate);

		assert_int_equal(
		    ipc_send_fd(child.control, MV_CRL, 0, &files[i], sizeof(files[i]), NULL, 0, fd),
		    0);
		close(fd);
		must_end(&child);
	}
}

/* A FIFO, a folder, /dev/zero: what is no file of certificates holds nothing up. */
static void
files_that_are_none(void **state)
{
	static const char *const paths[] = {"/dev/zero", "/dev/null", "/", "/proc/self/mem"};
	struct mv_file file = {.trust = TRUST};

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		int fd = open(paths[i], O_RDONLY | O_CLOEXEC);

		assert_true(fd != -1);
		assert_int_equal(ipc_send_fd(world.verify.control, MV_AUTHORITIES, 0, &file,
					     sizeof(file), NULL, 0, fd),
				 0);
		close(fd);
	}
	shake(&world.alice, TLS1_3_VERSION);
	assert_int_equal(bring_as("", &capture), GA_LOGGED_IN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_truth_is_believed),
	    cmocka_unit_test(an_invented_client),
	    cmocka_unit_test(a_proof_again),
	    cmocka_unit_test(a_proof_from_elsewhere),
	    cmocka_unit_test(swapped_chains),
	    cmocka_unit_test(who_it_is_not),
	    cmocka_unit_test(parts_of_a_proof),
	    cmocka_unit_test(malformed_requests),
	    cmocka_unit_test(accounts_lies),
	    cmocka_unit_test(answers_that_are_none),
	    cmocka_unit_test(a_verifier_that_dies),
	    cmocka_unit_test(questions_that_are_none),
	    cmocka_unit_test(questions_without_end),
	    cmocka_unit_test(refusals_that_are_none),
	    cmocka_unit_test(a_verifier_that_can_not_say),
	    cmocka_unit_test(proofs_without_end),
	    cmocka_unit_test(trusts_that_are_none),
	    cmocka_unit_test(files_that_are_none),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
