/* SPDX-License-Identifier: ISC */
/*
 * A gate in an attacker's hands carries SCRAM to accounts: fields that lie, steps that it leaves
 * out, messages of another exchange, more exchanges than there is room for. An honest client stands
 * beside it, so that what fails here would succeed without the lie.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <nettle/hmac.h>
#include <nettle/pbkdf2.h>

#include "common/base64.h"
#include "common/proto/gate_accounts.h"
#include "common/proto/master_accounts.h"
#include "tests/attack/house.h"

#define NONCE "clientnonce"

/* A login from an address of its own, so that none is slowed by those before. */
static struct ga_scram
request(conn_id conn)
{
	static uint8_t address;
	struct ga_scram r;

	memset(&r, 0, sizeof(r));
	r.conn = conn;
	r.service = SERVICE_IMAP;
	r.tls = 1;
	r.peer.address.s6_addr[7] = ++address;
	return r;
}

static void
hmac(const uint8_t key[32], const char *text, uint8_t out[32])
{
	struct hmac_sha256_ctx ctx;

	hmac_sha256_set_key(&ctx, 32, key);
	hmac_sha256_update(&ctx, strlen(text), (const uint8_t *)text);
	hmac_sha256_digest(&ctx, 32, out);
}

/* The proof of a client that has the password (RFC 5802 3); SERVER_FIRST is with the house's salt.
 */
static void
prove(const char *password, const char *name, const char *server_first, const char *without,
      char final[1024])
{
	uint8_t salted[32], key[32], stored[32], signature[32];
	char said[2048], proof[64];
	struct sha256_ctx hash;

	pbkdf2_hmac_sha256(strlen(password), (const uint8_t *)password, 4096, 16,
			   (const uint8_t *)"saltsaltsaltsalt", 32, salted);
	hmac(salted, "Client Key", key);
	sha256_init(&hash);
	sha256_update(&hash, 32, key);
	sha256_digest(&hash, 32, stored);
	snprintf(said, sizeof(said), "n=%s,r=" NONCE ",%s,%s", name, server_first, without);
	hmac(stored, said, signature);
	for (size_t i = 0; i < 32; i++)
		key[i] ^= signature[i];
	base64_encode(key, 32, proof);
	snprintf(final, 1024, "%s,p=%s", without, proof);
}

static uint32_t
verdict(const struct ipc_message *message)
{
	assert_int_equal(message->type, GA_LOGIN_FAILED);
	return ((const struct ga_login_failed *)message->body)->verdict;
}

/* The answer, which must come. */
static void
ask(int gate, uint16_t type, const void *body, size_t size, const char *text,
    struct ipc_message *answer)
{
	assert_int_equal(ipc_send_fd(gate, type, 5, body, size, text, strlen(text), -1), 0);
	assert_int_equal(house_receive(gate, &gate_accounts_boundary, IPC_CLIENT, answer), 1);
	assert_int_equal(answer->id, 5);
}

static void
begin(int gate, const struct ga_scram *r, const char *name, char server_first[512])
{
	struct ipc_message answer;
	char text[512];

	snprintf(text, sizeof(text), "n,,n=%s,r=" NONCE, name);
	ask(gate, GA_SCRAM, r, sizeof(*r), text, &answer);
	assert_int_equal(answer.type, GA_CHALLENGE);
	assert_true(strncmp(answer.tail, "r=" NONCE, strlen("r=" NONCE)) == 0);
	strlcpy(server_first, answer.tail, 512);
}

/* The client's final message, as the holder of PASSWORD makes it. */
static void
finish(const char *password, const char *name, const char *server_first, char final[1024])
{
	char without[512];

	snprintf(without, sizeof(without), "c=biws,%.*s", (int)strcspn(server_first, ","),
		 server_first);
	prove(password, name, server_first, without, final);
}

static void
respond(int gate, conn_id conn, const char *text, struct ipc_message *answer)
{
	struct ga_exchange exchange = {.conn = conn};

	ask(gate, GA_RESPONSE, &exchange, sizeof(exchange), text, answer);
}

/* The whole of an honest login: accounts asks the master for alice's session. */
static void
must_log_in(const struct house_child *child, int gate, conn_id conn)
{
	struct ga_exchange exchange = {.conn = conn};
	struct ga_scram r = request(conn);
	struct ipc_message message;
	char first[512], final[1024];

	begin(gate, &r, "alice", first);
	finish("secret", "alice", first, final);
	respond(gate, conn, final, &message);
	assert_int_equal(message.type, GA_CHALLENGE);
	assert_true(strncmp(message.tail, "v=", 2) == 0);
	assert_int_equal(
	    ipc_send_fd(gate, GA_RESPONSE, 6, &exchange, sizeof(exchange), NULL, 0, -1), 0);
	do
		assert_int_equal(
		    house_receive(child->control, child->boundary, IPC_CLIENT, &message), 1);
	while (message.type != MA_ATTACH);
	assert_string_equal(message.tail, "alice@example.org");
}

static void
fields_that_lie(void **state)
{
	struct house_child child = house_accounts();

	(void)state;
	for (int lie = 0; lie < 9; lie++) {
		int gate = house_gate_to_accounts(&child);
		struct ga_scram r = request(1);
		uint32_t id = 5;

		switch (lie) {
		case 0:
			id = 0;
			break;
		case 1:
			r.service = SERVICE_SMTP;
			break;
		case 2:
			r.service = SERVICE_COUNT;
			break;
		case 3:
			r.tls = 2;
			break;
		case 4:
			r.hash = 2;
			break;
		case 5:
			r.hash = UINT32_MAX;
			break;
		case 6:
			r.plus = 2;
			break;
		case 7:
			r.binding[BINDING_END_POINT].length = BINDING_MAX + 1;
			break;
		default:
			r.tls = 0; /* and yet it is bound */
			r.binding[BINDING_EXPORTER].length = 32;
			break;
		}
		assert_int_equal(
		    ipc_send_fd(gate, GA_SCRAM, id, &r, sizeof(r), "n,,n=a,r=b", 10, -1), 0);
		house_must_be_cut(gate);
	}
	must_log_in(&child, house_gate_to_accounts(&child), 1);
	house_end(&child);
}

/* What is no exchange of this gate is not gone on with, and the other gate's is not disturbed. */
static void
exchanges_of_others(void **state)
{
	struct house_child child = house_accounts();
	int honest = house_gate_to_accounts(&child), liar = house_gate_to_accounts(&child);
	struct ga_exchange exchange = {.conn = 1};
	struct ga_scram r = request(1);
	struct ipc_message answer;
	char first[512], final[1024];

	(void)state;
	begin(honest, &r, "alice", first);
	finish("secret", "alice", first, final);
	assert_int_equal(ipc_send_fd(liar, GA_FORGET, 0, &exchange, sizeof(exchange), NULL, 0, -1),
			 0);
	respond(liar, 1, final, &answer);
	assert_int_equal(verdict(&answer), LOGIN_UNAVAILABLE);
	respond(liar, 2, "", &answer);
	assert_int_equal(verdict(&answer), LOGIN_UNAVAILABLE);
	respond(honest, 1, final, &answer);
	assert_int_equal(answer.type, GA_CHALLENGE);
	/* Nor does the client's last word come from elsewhere. */
	respond(liar, 1, "", &answer);
	assert_int_equal(verdict(&answer), LOGIN_UNAVAILABLE);
	close(liar);
	close(honest);
	house_end(&child);
}

static void
steps_left_out(void **state)
{
	struct house_child child = house_accounts();
	int gate = house_gate_to_accounts(&child);
	struct ga_scram r = request(1);
	struct ipc_message answer;
	char first[512], final[1024];

	(void)state;
	/* The last step at once, as if the proof had been seen. */
	begin(gate, &r, "alice", first);
	respond(gate, 1, "", &answer);
	assert_int_equal(verdict(&answer), LOGIN_MALFORMED);
	respond(gate, 1, "", &answer);
	assert_int_equal(verdict(&answer), LOGIN_UNAVAILABLE);
	/* A second final message, and nothing after a failure. */
	begin(gate, &r, "alice", first);
	finish("wrong", "alice", first, final);
	respond(gate, 1, final, &answer);
	assert_int_equal(verdict(&answer), LOGIN_FAILED);
	finish("secret", "alice", first, final);
	respond(gate, 1, final, &answer);
	assert_int_equal(verdict(&answer), LOGIN_UNAVAILABLE);
	must_log_in(&child, gate, 1);
	house_end(&child);
}

/* What a client has said once, to open alice's mailbox, or in another one's name. */
static void
what_a_client_said(void **state)
{
	struct house_child child = house_accounts();
	int gate = house_gate_to_accounts(&child);
	struct ga_scram r = request(1);
	struct ipc_message answer;
	char first[512], final[1024], again[512];

	(void)state;
	begin(gate, &r, "alice", first);
	finish("secret", "alice", first, final);
	r = request(2);
	begin(gate, &r, "alice", again);
	respond(gate, 2, final, &answer); /* another exchange's nonce */
	assert_int_equal(verdict(&answer), LOGIN_FAILED);
	r = request(3);
	begin(gate, &r, "bob", again); /* he has no verifier, and the same password */
	finish("secret", "alice", again, final);
	respond(gate, 3, final, &answer);
	assert_int_equal(verdict(&answer), LOGIN_FAILED);
	r = request(4);
	begin(gate, &r, "ALICE", again); /* the name is part of what is proved */
	finish("secret", "alice", again, final);
	respond(gate, 4, final, &answer);
	assert_int_equal(verdict(&answer), LOGIN_FAILED);
	must_log_in(&child, gate, 5);
	house_end(&child);
}

/* A captured gate opens exchanges and leaves them: the oldest give way, and others go on. */
static void
a_flood(void **state)
{
	struct house_child child = house_accounts();
	int liar = house_gate_to_accounts(&child), honest = house_gate_to_accounts(&child);
	struct ipc_message answer;
	char first[512];

	(void)state;
	for (conn_id conn = 1; conn <= 1100; conn++) {
		struct ga_scram r = request(conn);

		begin(liar, &r, "alice", first);
	}
	respond(liar, 1, "", &answer);
	assert_int_equal(verdict(&answer), LOGIN_UNAVAILABLE);
	respond(liar, 1100, "", &answer);
	assert_int_equal(verdict(&answer), LOGIN_MALFORMED);
	must_log_in(&child, honest, 1);
	close(liar);
	house_end(&child);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(fields_that_lie, house_setup, house_teardown),
	    cmocka_unit_test_setup_teardown(exchanges_of_others, house_setup, house_teardown),
	    cmocka_unit_test_setup_teardown(steps_left_out, house_setup, house_teardown),
	    cmocka_unit_test_setup_teardown(what_a_client_said, house_setup, house_teardown),
	    cmocka_unit_test_setup_teardown(a_flood, house_setup, house_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
