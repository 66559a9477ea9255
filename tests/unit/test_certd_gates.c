/* SPDX-License-Identifier: ISC */
/* Channels of gates: what they are sent, which handles they may use, and for how long. */
#include <sys/tree.h>

#include "tests/unit/certd_support.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certd/gates.h"
#include "certd/tickets.h"
#include "certd/vault.h"

static struct fixture {
	struct folder folder;
	struct event_base *base;
	struct vault *vault;
	struct gc_ticket_keys *tickets;
	struct gates *gates;
	int empty;
	_Alignas(16) char buffer[IPC_MESSAGE_MAX + 1];
} fixture;

static void
on_empty(void *arg)
{
	(void)arg;
	fixture.empty++;
}

static int
setup(void **state)
{
	struct error err;

	(void)state;
	support_folder(&fixture.folder);
	support_write_pair(&fixture.folder, "a", support_pkey(KEY_P256));
	support_write_pair(&fixture.folder, "b", support_pkey(KEY_RSA));
	fixture.base = event_base_new();
	fixture.vault = vault_new();
	vault_set_folder(fixture.vault, fixture.folder.fd, getuid());
	fixture.tickets = tickets_new();
	fixture.empty = 0;
	fixture.gates = gates_new(fixture.base, fixture.vault, fixture.tickets, on_empty, NULL);
	assert_int_equal(vault_load(fixture.vault, NULL, NULL, &err), 0);
	assert_int_equal(tickets_rotate(fixture.tickets, &err), 0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	gates_free(fixture.gates);
	vault_free(fixture.vault);
	tickets_free(fixture.tickets);
	event_base_free(fixture.base);
	support_remove_folder(&fixture.folder);
	return 0;
}

static void
turn(void)
{
	event_base_loop(fixture.base, EVLOOP_NONBLOCK);
}

/* Returns our end of a channel. */
static int
add_keys(unsigned number, const struct gate_keys *keys)
{
	struct error err;
	int sv[2];

	assert_int_equal(ipc_pair(sv), 0);
	assert_int_equal(gates_add(fixture.gates, sv[1], number, keys, &err), 0);
	return sv[0];
}

static int
add(unsigned number, const char *const *names, size_t count)
{
	const struct gate_keys keys = {.host = "", .names = names, .count = count};

	return add_keys(number, &keys);
}

static struct ipc_message
receive(int fd, uint16_t type)
{
	struct ipc_message message;
	struct error err = {""};

	turn();
	if (ipc_receive(fd, &gate_certd_boundary, IPC_CLIENT, 1, fixture.buffer, &message, &err) !=
	    1)
		fail_msg("no message: %s", err.text);
	assert_int_equal(message.type, type);
	return message;
}

static uint32_t
receive_certificate(int fd, const char *name)
{
	struct ipc_message message = receive(fd, GC_CERTIFICATE);
	const struct gc_certificate *certificate = message.body;
	const unsigned char *der = (const unsigned char *)message.tail;
	X509 *x509 = d2i_X509(NULL, &der, (long)message.tail_length);

	assert_non_null(x509);
	X509_free(x509);
	assert_string_equal(certificate->name, name);
	assert_int_not_equal(certificate->key, 0);
	return certificate->key;
}

static void
finish_greeting(int fd)
{
	receive(fd, GC_TICKET_KEYS);
	receive(fd, GC_READY);
}

/* Returns 0 if it was signed, else the refusal. */
static uint32_t
ask_at(int fd, uint32_t key, uint16_t scheme, struct gc_listener listener)
{
	const struct gc_tls13_server request = {
	    .key = key, .scheme = scheme, .hash_length = 32, .listener = listener};
	struct ipc_message message;
	struct error err;

	assert_int_equal(
	    ipc_send_fd(fd, GC_TLS13_SERVER, 77, &request, sizeof(request), NULL, 0, -1), 0);
	turn();
	assert_int_equal(
	    ipc_receive(fd, &gate_certd_boundary, IPC_CLIENT, 1, fixture.buffer, &message, &err),
	    1);
	assert_int_equal(message.id, 77);
	if (message.type == GC_SIGNED) {
		assert_true(message.tail_length > 60);
		return 0;
	}
	assert_int_equal(message.type, GC_REFUSED);
	return ((const struct gc_refused *)message.body)->reason;
}

static uint32_t
ask(int fd, uint32_t key, uint16_t scheme)
{
	return ask_at(fd, key, scheme, (struct gc_listener){.port = 0});
}

static void
test_greeting(void **state)
{
	static const char *const names[] = {"a", "missing", "b"};
	int before = add(1, names, 3), after;
	struct ipc_message message;
	struct error err;

	(void)state;
	turn();
	assert_int_equal(ipc_receive(before, &gate_certd_boundary, IPC_CLIENT, 1, fixture.buffer,
				     &message, &err),
			 -1);
	assert_int_equal(errno, EAGAIN);
	gates_open(fixture.gates);
	after = add(2, names, 3);
	for (int i = 0; i < 2; i++) {
		int fd = i == 0 ? before : after;

		receive_certificate(fd, "a");
		receive_certificate(fd, "b");
		message = receive(fd, GC_TICKET_KEYS);
		assert_memory_equal(message.body, fixture.tickets, sizeof(*fixture.tickets));
		receive(fd, GC_READY);
	}
	assert_int_equal(gates_count(fixture.gates), 2);
	close(before);
	close(after);
	turn();
	turn();
	assert_int_equal(gates_count(fixture.gates), 0);
	assert_int_equal(fixture.empty, 1);
}

static void
test_handles(void **state)
{
	static const char *const both[] = {"a", "b"};
	static const char *const only_b[] = {"b"};
	int first, second;
	uint32_t a, b, second_b;

	(void)state;
	gates_open(fixture.gates);
	first = add(1, both, 2);
	second = add(2, only_b, 1);
	a = receive_certificate(first, "a");
	b = receive_certificate(first, "b");
	finish_greeting(first);
	second_b = receive_certificate(second, "b");
	finish_greeting(second);

	assert_int_equal(ask(first, a, 0x0403), 0);
	assert_int_equal(ask(first, b, 0x0804), 0);
	assert_int_equal(ask(first, b, 0x0403), GC_REFUSED_SCHEME);
	assert_int_equal(ask(second, second_b, 0x0804), 0);
	/* Handles of "a" on a channel that may not use it, and numbers out of the air. */
	for (uint32_t key = 0; key < 5000; key += key < 10 ? 1 : 499) {
		if (key != second_b)
			assert_int_equal(ask(second, key, 0x0403), GC_REFUSED_KEY);
	}
	assert_int_equal(ask(second, UINT32_MAX, 0x0403), GC_REFUSED_KEY);
	assert_int_equal(ask(second, second_b | 0x10000, 0x0403), GC_REFUSED_KEY);
	close(first);
	close(second);
}

static void
test_tls12(void **state)
{
	static const char *const names[] = {"b"};
	struct gc_tls12_server request = {.scheme = 0x0401, .curve = 29, .point_length = 32};
	int fd;

	(void)state;
	gates_open(fixture.gates);
	fd = add(1, names, 1);
	request.key = receive_certificate(fd, "b");
	finish_greeting(fd);
	ipc_send_fd(fd, GC_TLS12_SERVER, 5, &request, sizeof(request), NULL, 0, -1);
	assert_int_equal(receive(fd, GC_SIGNED).tail_length, 256);
	request.curve = 26; /* brainpoolP256r1 */
	ipc_send_fd(fd, GC_TLS12_SERVER, 6, &request, sizeof(request), NULL, 0, -1);
	receive(fd, GC_REFUSED);
	/* A request without an id can't be answered: the channel ends. */
	ipc_send_fd(fd, GC_TLS12_SERVER, 0, &request, sizeof(request), NULL, 0, -1);
	turn();
	turn();
	assert_int_equal(gates_count(fixture.gates), 0);
	close(fd);
}

/* A new key has a new handle; the old one is good for handshakes under way, and then no more. */
static void
test_replaced(void **state)
{
	static const char *const names[] = {"a", "late"};
	uint32_t old, new;
	struct error err;
	int fd;

	(void)state;
	gates_open(fixture.gates);
	fd = add(1, names, 2);
	old = receive_certificate(fd, "a");
	finish_greeting(fd);

	support_write_pair(&fixture.folder, "a", support_pkey(KEY_P256)); /* renewed */
	assert_int_equal(vault_load(fixture.vault, gates_announce, fixture.gates, &err), 0);
	assert_int_equal(receive_certificate(fd, "a"), old);

	support_write_pair(&fixture.folder, "a", support_pkey(KEY_P384)); /* another key */
	assert_int_equal(vault_load(fixture.vault, gates_announce, fixture.gates, &err), 0);
	new = receive_certificate(fd, "a");
	assert_int_not_equal(new, old);
	assert_int_equal(ask(fd, new, 0x0503), 0);
	assert_int_equal(ask(fd, old, 0x0403), 0);
	assert_int_equal(ask(fd, old, 0x0503), GC_REFUSED_SCHEME);
	vault_retire(fixture.vault);
	vault_retire(fixture.vault);
	assert_int_equal(ask(fd, old, 0x0403), GC_REFUSED_KEY);
	assert_int_equal(ask(fd, new, 0x0503), 0);

	support_write_pair(&fixture.folder, "late", support_pkey(KEY_ED25519));
	assert_int_equal(vault_load(fixture.vault, gates_announce, fixture.gates, &err), 0);
	assert_int_equal(ask(fd, receive_certificate(fd, "late"), 0x0807), 0);

	assert_int_equal(tickets_rotate(fixture.tickets, &err), 0);
	gates_send_tickets(fixture.gates);
	receive(fd, GC_TICKET_KEYS);
	gates_audit(fixture.gates);
	close(fd);
}

/* A channel's rule: what comes later is sent where the rule covers it, what goes is taken away. */
static void
test_rules(void **state)
{
	const struct gate_keys any = {.any = true, .host = ""}, by_host = {.host = "mail.example"};
	struct error err;
	uint32_t a, b, again;
	int all, host;

	(void)state;
	gates_open(fixture.gates);
	all = add_keys(1, &any);
	host = add_keys(2, &by_host);
	a = receive_certificate(all, "a");
	b = receive_certificate(all, "b");
	finish_greeting(all);
	finish_greeting(host); /* neither is for it, and there are two */

	support_write_pair(&fixture.folder, "mail.example", support_pkey(KEY_P256));
	assert_int_equal(vault_load(fixture.vault, gates_announce, fixture.gates, &err), 0);
	(void)receive_certificate(all, "mail.example");
	assert_int_equal(ask(host, receive_certificate(host, "mail.example"), 0x0403), 0);

	vault_remove(fixture.vault, "mail.example", gates_announce, fixture.gates);
	receive(all, GC_GONE);
	receive(host, GC_GONE);
	vault_remove(fixture.vault, "a", gates_announce, fixture.gates);
	receive(all, GC_GONE);
	assert_int_equal(ask(all, a, 0x0403), GC_REFUSED_KEY);
	assert_int_equal(ask(all, b, 0x0804), 0);
	/* "b" is the only one now, and stops being that. */
	assert_int_equal(ask(host, receive_certificate(host, "b"), 0x0804), 0);
	support_write_pair(&fixture.folder, "a", support_pkey(KEY_P256));
	assert_int_equal(vault_load_one(fixture.vault, "a", gates_announce, fixture.gates, &err),
			 0);
	receive(host, GC_GONE);
	/* It came back: what its old handle stood for did not. */
	again = receive_certificate(all, "a");
	assert_int_not_equal(again, a);
	assert_int_equal(ask(all, a, 0x0403), GC_REFUSED_KEY);
	assert_int_equal(ask(all, again, 0x0403), 0);
	close(all);
	close(host);
}

/* Many keys, one after another: handshakes under way end with theirs. */
static void
test_replaced_often(void **state)
{
	static const char *const names[] = {"a"};
	uint32_t handles[VAULT_PREVIOUS + 2];
	struct error err;
	int fd;

	(void)state;
	gates_open(fixture.gates);
	fd = add(1, names, 1);
	handles[0] = receive_certificate(fd, "a");
	finish_greeting(fd);
	for (size_t i = 1; i < VAULT_PREVIOUS + 2; i++) {
		support_write_pair(&fixture.folder, "a",
				   support_pkey(i % 2 == 0 ? KEY_P256 : KEY_P384));
		assert_int_equal(
		    vault_load_one(fixture.vault, "a", gates_announce, fixture.gates, &err), 0);
		handles[i] = receive_certificate(fd, "a");
	}
	assert_int_equal(ask(fd, handles[0], 0x0403), GC_REFUSED_KEY);
	for (size_t i = 1; i < VAULT_PREVIOUS + 2; i++)
		assert_int_equal(ask(fd, handles[i], i % 2 == 0 ? 0x0403 : 0x0503), 0);
	close(fd);
}

/* "GATE SERVICE:PORT TLS13 REFUSED", a line each. */
static void
note_use(uint32_t gate, const struct use *use, void *arg)
{
	char label[USE_LABEL_SIZE], *lines = arg;

	snprintf(lines + strlen(lines), 256 - strlen(lines), "%d %s %d %d\n", (int)gate,
		 use_label(use, label), (int)use->total[USE_TLS13], (int)use->total[USE_REFUSED]);
}

static const char *
uses_of(const char *name)
{
	static char lines[256];

	lines[0] = '\0';
	gates_each_use(fixture.gates, name, note_use, lines);
	return lines;
}

static void
test_uses(void **state)
{
	static const char *const names[] = {"a"};
	static const struct gc_listener own[] = {{.service = SERVICE_SMTP, .port = 25},
						 {.service = SERVICE_POP3, .port = 995}};
	static const struct gc_listener other = {.service = SERVICE_POP3, .port = 110};
	const struct gate_keys keys = {
	    .host = "", .names = names, .count = 1, .listeners = own, .listener_count = 2};
	int first, second;
	uint32_t a;

	(void)state;
	gates_open(fixture.gates);
	first = add_keys(1, &keys);
	second = add_keys(2, &keys);
	turn();
	a = receive_certificate(first, "a");
	finish_greeting(first);
	assert_int_equal(ask_at(first, a, 0x0403, own[0]), 0);
	assert_int_equal(ask_at(first, a, 0x0403, own[0]), 0);
	assert_int_equal(ask_at(first, a, 0x0403, own[1]), 0);
	assert_int_equal(ask_at(first, a, 0x0503, own[1]), GC_REFUSED_SCHEME);
	/* A listener of another gate decides nothing, and is not believed. */
	assert_int_equal(ask_at(first, a, 0x0403, other), 0);
	assert_int_equal(ask_at(first, a + 1, 0x0403, own[0]), GC_REFUSED_KEY);
	assert_string_equal(uses_of("a"), "1 smtp:25 2 0\n1 pop3:995 1 1\n1 unknown 1 0\n");
	assert_string_equal(uses_of("b"), "");
	receive_certificate(second, "a");
	finish_greeting(second);
	assert_int_equal(ask_at(second, a, 0x0403, own[1]), 0);

	/* What a gate has used is known when it is gone. */
	close(first);
	turn();
	assert_string_equal(uses_of("a"), "2 pop3:995 1 0\n"
					  "-1 smtp:25 2 0\n-1 pop3:995 1 1\n-1 unknown 1 0\n");
	gates_audit(fixture.gates);
	close(second);
	turn();
	assert_string_equal(uses_of("a"), "-1 smtp:25 2 0\n-1 pop3:995 2 1\n-1 unknown 1 0\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_greeting, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_handles, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_tls12, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_replaced, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_rules, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_replaced_often, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_uses, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
