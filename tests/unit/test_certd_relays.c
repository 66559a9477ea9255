/* SPDX-License-Identifier: ISC */
/* The channel to relay: which keys it has, what it is told, what it may ask, and what gates lose.
 */
#include <sys/tree.h>

#include "tests/unit/certd_support.h"

#include <errno.h>
#include <event2/event.h>
#include <string.h>
#include <unistd.h>

#include "certd/gates.h"
#include "certd/relays.h"
#include "certd/tickets.h"
#include "certd/vault.h"
#include "tests/unit/made_transcript.h"

static struct fixture {
	struct folder folder;
	struct event_base *base;
	struct vault *vault;
	struct gc_ticket_keys *tickets;
	struct relays *relays;
	struct gates *gates;
	int channel;
	_Alignas(16) char buffer[IPC_MESSAGE_MAX + 1];
} f;

static void
turn(void)
{
	event_base_loop(f.base, EVLOOP_NONBLOCK);
	event_base_loop(f.base, EVLOOP_NONBLOCK);
}

static int
new_channel(void)
{
	struct error err;
	int sv[2];

	assert_int_equal(ipc_pair(sv), 0);
	assert_int_equal(relays_add_channel(f.relays, sv[1], &err), 0);
	return sv[0];
}

static void
set_keys(const char *first, const char *second)
{
	const char *const names[] = {first, second};

	relays_set_keys(f.relays, names, first == NULL ? 0 : second == NULL ? 1 : 2);
	gates_refresh(f.gates);
}

static int
setup(void **state)
{
	EVP_PKEY *small = support_new_pkey("RSA", 1024, NULL);
	struct error err;

	(void)state;
	support_folder(&f.folder);
	support_write_pair(&f.folder, "a", support_pkey(KEY_P256));
	support_write_pair(&f.folder, "b", support_pkey(KEY_RSA));
	support_write_pair(&f.folder, "weak", small);
	EVP_PKEY_free(small);
	f.base = event_base_new();
	f.vault = vault_new();
	vault_set_folder(f.vault, f.folder.fd, getuid());
	f.tickets = tickets_new();
	f.relays = relays_new(f.base, f.vault);
	f.gates = gates_new(f.base, f.vault, f.tickets, NULL, NULL);
	gates_spare(f.gates, f.relays);
	assert_int_equal(vault_load(f.vault, NULL, NULL, &err), 0);
	assert_int_equal(tickets_rotate(f.tickets, &err), 0);
	set_keys("a", NULL);
	relays_open(f.relays);
	gates_open(f.gates);
	f.channel = new_channel();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	close(f.channel);
	gates_free(f.gates);
	relays_free(f.relays);
	vault_free(f.vault);
	tickets_free(f.tickets);
	event_base_free(f.base);
	support_remove_folder(&f.folder);
	return 0;
}

static struct ipc_message
receive_on(int fd, const struct ipc_boundary *boundary, uint16_t type)
{
	struct ipc_message message;
	struct error err = {""};

	turn();
	if (ipc_receive(fd, boundary, IPC_CLIENT, 1, f.buffer, &message, &err) != 1)
		fail_msg("no message: %s", err.text);
	assert_int_equal(message.type, type);
	return message;
}

static struct ipc_message
receive(uint16_t type)
{
	return receive_on(f.channel, &relay_certd_boundary, type);
}

static void
must_be_silent(int fd, const struct ipc_boundary *boundary)
{
	struct ipc_message message;
	struct error err;

	turn();
	assert_int_equal(ipc_receive(fd, boundary, IPC_CLIENT, 1, f.buffer, &message, &err), -1);
	assert_int_equal(errno, EAGAIN);
}

static uint32_t
receive_certificate(const char *name)
{
	const struct gc_certificate *certificate = receive(RC_CERTIFICATE).body;

	assert_string_equal(certificate->name, name);
	assert_int_not_equal(certificate->key, 0);
	return certificate->key;
}

/* 0 if it was signed, else the refusal. */
static uint32_t
answer(void)
{
	struct ipc_message message;
	struct error err;

	turn();
	assert_int_equal(
	    ipc_receive(f.channel, &relay_certd_boundary, IPC_CLIENT, 1, f.buffer, &message, &err),
	    1);
	assert_int_equal(message.id, 77);
	if (message.type == RC_SIGNED)
		return 0;
	assert_int_equal(message.type, RC_REFUSED);
	return ((const struct gc_refused *)message.body)->reason;
}

static uint32_t
ask(uint32_t key, uint16_t scheme)
{
	const struct rc_tls13_client request = {.key = key, .scheme = scheme, .hash_length = 32};

	assert_int_equal(
	    ipc_send_fd(f.channel, RC_TLS13_CLIENT, 77, &request, sizeof(request), NULL, 0, -1), 0);
	return answer();
}

static uint32_t
ask_tls12(uint32_t key, uint16_t scheme, const uint8_t *chain, size_t length)
{
	const struct rc_tls12_client request = {.key = key, .scheme = scheme};
	static uint8_t bytes[MADE_MAX];
	struct made_plan plan = made_usual();
	size_t size = made_transcript(bytes, &plan, chain, length);

	assert_int_equal(ipc_send_fd(f.channel, RC_TLS12_CLIENT, 77, &request, sizeof(request),
				     (const char *)bytes, size, -1),
			 0);
	return answer();
}

static void
test_its_keys_and_no_others(void **state)
{
	uint32_t a = receive_certificate("a");

	(void)state;
	receive(RC_READY);
	assert_int_equal(ask(a, 0x0403), 0);
	assert_int_equal(ask(a, 0x0804), GC_REFUSED_SCHEME);
	for (uint32_t key = 0; key < 5000; key += key < 10 ? 1 : 499) {
		if (key != a)
			assert_int_equal(ask(key, 0x0403), GC_REFUSED_KEY);
	}
	assert_int_equal(ask(a | 0x10000, 0x0403), GC_REFUSED_KEY);
	assert_int_equal(ask(UINT32_MAX, 0x0403), GC_REFUSED_KEY);
}

static void
test_tls12(void **state)
{
	const struct pair *pair = vault_find(f.vault, "a")->pair;
	const struct pair *other = vault_find(f.vault, "b")->pair;
	uint32_t a = receive_certificate("a");

	(void)state;
	receive(RC_READY);
	assert_int_equal(ask_tls12(a, 0x0403, pair->chain, pair->chain_length), 0);
	assert_int_equal(ask_tls12(a, 0x0804, pair->chain, pair->chain_length), GC_REFUSED_SCHEME);
	assert_int_equal(ask_tls12(a, 0x0403, other->chain, other->chain_length),
			 GC_REFUSED_TRANSCRIPT);
	assert_int_equal(ask_tls12(a + 1, 0x0403, pair->chain, pair->chain_length), GC_REFUSED_KEY);
}

/* Named or not: RSA below 2048 bits is nothing to show. */
static void
test_weak(void **state)
{
	(void)state;
	receive_certificate("a");
	receive(RC_READY);
	set_keys("a", "weak");
	must_be_silent(f.channel, &relay_certd_boundary);
	for (uint32_t key = 2; key < 10; key++)
		assert_int_equal(ask(key, 0x0804), GC_REFUSED_KEY);
}

static void
test_keys_change(void **state)
{
	uint32_t a = receive_certificate("a"), b;
	const struct gc_gone *gone;

	(void)state;
	receive(RC_READY);
	set_keys("b", NULL);
	gone = receive(RC_GONE).body;
	assert_string_equal(gone->name, "a");
	b = receive_certificate("b");
	assert_int_equal(ask(a, 0x0403), GC_REFUSED_KEY);
	assert_int_equal(ask(b, 0x0804), 0);
	/* What comes back has another handle. */
	set_keys("a", "b");
	assert_int_not_equal(receive_certificate("a"), a);
	assert_int_equal(ask(a, 0x0403), GC_REFUSED_KEY);
	/* Another channel begins with all there are. */
	close(f.channel);
	turn();
	f.channel = new_channel();
	(void)receive_certificate("a");
	assert_int_equal(receive_certificate("b"), b);
	receive(RC_READY);
	assert_int_equal(ask(b, 0x0804), 0);
}

static void
test_replaced_and_removed(void **state)
{
	EVP_PKEY *pkey = support_new_pkey("EC", 0, "P-256");
	uint32_t old = receive_certificate("a"), new;
	struct error err;

	(void)state;
	receive(RC_READY);
	support_write_pair(&f.folder, "a", pkey);
	EVP_PKEY_free(pkey);
	assert_int_equal(vault_load(f.vault, relays_announce, f.relays, &err), 0);
	new = receive_certificate("a");
	assert_int_not_equal(new, old);
	assert_int_equal(ask(new, 0x0403), 0);
	assert_int_equal(ask(old, 0x0403), 0); /* handshakes that are under way */
	vault_retire(f.vault);
	vault_retire(f.vault);
	assert_int_equal(ask(old, 0x0403), GC_REFUSED_KEY);
	vault_remove(f.vault, "a", relays_announce, f.relays);
	receive(RC_GONE);
	assert_int_equal(ask(new, 0x0403), GC_REFUSED_KEY);
}

/* Sends what is left of the greeting away; returns which of "a" and "b" came. */
static unsigned
gate_has(int fd)
{
	struct ipc_message message;
	struct error err;
	unsigned seen = 0;

	turn();
	while (ipc_receive(fd, &gate_certd_boundary, IPC_CLIENT, 1, f.buffer, &message, &err) ==
	       1) {
		if (message.type == GC_CERTIFICATE)
			seen |= 1u
				<< (((const struct gc_certificate *)message.body)->name[0] - 'a');
		turn();
	}
	return seen;
}

static int
add_gate(const struct gate_keys *keys)
{
	struct error err;
	int sv[2];

	assert_int_equal(ipc_pair(sv), 0);
	assert_int_equal(gates_add(f.gates, sv[1], 1, keys, &err), 0);
	return sv[0];
}

#define A 1u
#define B 2u

static void
test_what_gates_have(void **state)
{
	static const char *const named[] = {"a"};
	static const struct {
		struct gate_keys keys;
		unsigned has;
	} cases[] = {
	    {{.any = true, .host = ""}, B},
	    {{.any = true, .host = "", .names = named, .count = 1}, A | B},
	    {{.host = "", .names = named, .count = 1}, A},
	    {{.host = "a"}, A},     /* its name is the host's: it is for both */
	    {{.host = "other"}, 0}, /* two are left, neither is for it */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int fd = add_gate(&cases[i].keys);

		assert_int_equal(gate_has(fd), cases[i].has);
		close(fd);
	}
}

/* Whose it is changes with the configuration, and the gates hear of it. */
static void
test_gates_lose_and_get(void **state)
{
	const struct gate_keys any = {.any = true, .host = ""};
	int fd = add_gate(&any);

	(void)state;
	assert_int_equal(gate_has(fd), B);
	set_keys("b", NULL);
	turn();
	/* "b" goes, "a" comes. */
	assert_int_equal(gate_has(fd), A);
	set_keys(NULL, NULL);
	assert_int_equal(gate_has(fd), B);
	must_be_silent(fd, &gate_certd_boundary);
	close(fd);
}

static void
test_uses(void **state)
{
	uint32_t a = receive_certificate("a");
	char label[USE_LABEL_SIZE];
	const struct uses *uses;

	(void)state;
	receive(RC_READY);
	assert_int_equal(ask(a, 0x0403), 0);
	assert_int_equal(ask(a, 0x0804), GC_REFUSED_SCHEME);
	uses = relays_uses(f.relays, "a");
	assert_int_equal(uses->count, 1);
	assert_string_equal(use_label(&uses->list[0], label), "relay");
	assert_int_equal(uses->list[0].total[USE_TLS13], 1);
	assert_int_equal(uses->list[0].total[USE_REFUSED], 1);
	assert_null(relays_uses(f.relays, "b"));
}

/* A request without an id can't be answered: the channel ends. */
static void
test_without_an_id(void **state)
{
	const struct rc_tls12_client request = {.scheme = 0x0403};
	struct ipc_message message;
	struct error err;

	(void)state;
	receive_certificate("a");
	receive(RC_READY);
	ipc_send_fd(f.channel, RC_TLS12_CLIENT, 0, &request, sizeof(request), "x", 1, -1);
	turn();
	assert_int_equal(
	    ipc_receive(f.channel, &relay_certd_boundary, IPC_CLIENT, 1, f.buffer, &message, &err),
	    0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_its_keys_and_no_others),
	    TEST(test_tls12),
	    TEST(test_weak),
	    TEST(test_keys_change),
	    TEST(test_replaced_and_removed),
	    TEST(test_what_gates_have),
	    TEST(test_gates_lose_and_get),
	    TEST(test_uses),
	    TEST(test_without_an_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
