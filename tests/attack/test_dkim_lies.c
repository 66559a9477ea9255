/* SPDX-License-Identifier: ISC */
/*
 * A queue lies to certd. Keys don't cross: no order of queue's is signed by a TLS key, and no
 * gate's channel reaches a key that signs mail.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/proto/ctl_certd.h"
#include "common/proto/gate_certd.h"
#include "common/proto/queue_certd.h"
#include "tests/attack/house.h"

#define ECDSA_P256 0x0403     /* RFC 8446 4.2.3: ecdsa_secp256r1_sha256 */
#define RSA_PSS_SHA256 0x0804 /* rsa_pss_rsae_sha256 */
#define ED25519 0x0807

static const char fields[] = "from:alice@example.org\r\nsubject:x\r\n";
#define FIELDS (sizeof(fields) - 1)

static struct house_child certd;

/* -- Set-up ----------------------------------------------------------------------------------- */

/* A key that signs mail of example.org, besides the house's TLS keys. */
static void
make_dkim_key(enum cert_key_kind kind, const char *selector)
{
	struct cc_dkim order = {.key = (uint32_t)kind, .domain = "example.org"};
	int admin = house_admin_to_certd(&certd);
	struct ipc_message message;

	strlcpy(order.selector, selector, sizeof(order.selector));
	assert_int_equal(ipc_send_fd(admin, CC_DKIM_CREATE, 1, &order, sizeof(order), NULL, 0, -1),
			 0);
	do {
		assert_int_equal(house_receive(admin, &ctl_certd_boundary, IPC_CLIENT, &message),
				 1);
	} while (message.type == CC_PROGRESS);
	assert_int_equal(message.type, CC_RESULT);
	assert_int_equal(((const struct cc_result *)message.body)->ok, 1);
	close(admin);
}

static int
setup(void **state)
{
	(void)state;
	house_make();
	certd = house_certd();
	make_dkim_key(CERT_KEY_ED25519, "e1");
	make_dkim_key(CERT_KEY_RSA_2048, "r1");
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	house_end(&certd);
	house_clean();
	return 0;
}

/* As queue; how many keys there are is said at once. */
static int
open_queue(void)
{
	int channel = house_queue_to_certd(&certd);
	struct ipc_message message;

	assert_int_equal(house_receive(channel, &queue_certd_boundary, IPC_CLIENT, &message), 1);
	assert_int_equal(message.type, QC_KEYS);
	assert_int_equal(((const struct qc_keys *)message.body)->count, 2);
	return channel;
}

static struct qc_dkim
order_of(const char *domain)
{
	struct qc_dkim order;

	memset(&order, 0, sizeof(order));
	strlcpy(order.domain, domain, sizeof(order.domain));
	return order;
}

static void
send_order(int channel, uint32_t id, const struct qc_dkim *order, const char *tail, size_t length)
{
	assert_int_equal(ipc_send_fd(channel, QC_DKIM, id, order, sizeof(*order), tail, length, -1),
			 0);
}

/* The answer's type; *COUNT: how many fields of signatures came with it. */
static uint16_t
answer(int channel, size_t *count)
{
	struct ipc_message message;

	assert_int_equal(house_receive(channel, &queue_certd_boundary, IPC_CLIENT, &message), 1);
	assert_int_equal(message.id, 7);
	*count = 0;
	for (const char *at = message.tail; (at = strstr(at, "DKIM-Signature:")) != NULL; at++)
		(*count)++;
	return message.type;
}

static size_t
signatures_for(const char *domain)
{
	const struct qc_dkim order = order_of(domain);
	int channel = open_queue();
	size_t count;

	send_order(channel, 7, &order, fields, FIELDS);
	assert_int_equal(answer(channel, &count), QC_SIGNED);
	close(channel);
	return count;
}

/* -- Orders ----------------------------------------------------------------------------------- */

static void
orders_that_lie(void **state)
{
	static const char *const domains[] = {"",
					      ".",
					      "Example.org",
					      "example.org.",
					      "example.org\r\nx",
					      "../mine",
					      "example..org",
					      " example.org",
					      "e1._domainkey.example.org/../..",
					      "\xc3\xa4.org"};
	struct qc_dkim order = order_of("example.org");
	int channel;

	(void)state;
	for (size_t i = 0; i < sizeof(domains) / sizeof(domains[0]); i++) {
		print_message("\"%s\"\n", domains[i]);
		order = order_of(domains[i]);
		channel = open_queue();
		send_order(channel, 7, &order, fields, FIELDS);
		house_must_be_cut(channel);
	}
	memset(order.domain, 'a', sizeof(order.domain)); /* without an end */
	channel = open_queue();
	send_order(channel, 7, &order, fields, FIELDS);
	house_must_be_cut(channel);

	order = order_of("example.org"); /* From is always signed */
	order.without = 1;
	channel = open_queue();
	send_order(channel, 7, &order, fields, FIELDS);
	house_must_be_cut(channel);

	order = order_of("example.org"); /* nobody waits */
	channel = open_queue();
	send_order(channel, 0, &order, fields, FIELDS);
	house_must_be_cut(channel);
	assert_int_equal(signatures_for("example.org"), 2);
}

/* What is no header that DKIM signs is not signed: it could be anything. */
static void
fields_that_lie(void **state)
{
	static const struct {
		const char *what, *tail;
		size_t length;
	} lies[] = {
	    {"nothing", "", 0},
	    {"without From", "subject:x\r\n", 11},
	    {"without an end", "from:a@example.org", 18},
	    {"an end that is none", "from:a@example.org\n", 19},
	    {"two lines in one", "from:a\r\nb\r\n", 11},
	    {"folded", "from:a\r\n b\r\n", 12},
	    {"not lower case", "From:a@example.org\r\n", 20},
	    {"not canonical", "from: a@example.org\r\n", 21},
	    {"a NUL", "from:a\0b\r\n", 10},
	    {"its own signature", "from:a\r\ndkim-signature:v=1; b=\r\n", 32},
	    {"a field that is not signed", "from:a\r\nx-tls:x\r\n", 17},
	    {"a name of tags", "from:a\r\nsubject; d=x:y\r\n", 24},
	    {"TLS 1.3, of a server",
	     "                                                                "
	     "TLS 1.3, server CertificateVerify\0"
	     "0123456789abcdef0123456789abcdef",
	     130},
	};
	const struct qc_dkim order = order_of("example.org");
	char long_field[QF_SIGN_FIELDS_MAX];
	size_t count, used = 0;
	int channel = open_queue();

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		print_message("%s\n", lies[i].what);
		send_order(channel, 7, &order, lies[i].tail, lies[i].length);
		assert_int_equal(answer(channel, &count), QC_REFUSED);
		assert_int_equal(count, 0);
	}
	/* More fields than a signature has room for. */
	while (used + FIELDS <= sizeof(long_field)) {
		memcpy(long_field + used, fields, FIELDS);
		used += FIELDS;
	}
	send_order(channel, 7, &order, long_field, used);
	assert_int_equal(answer(channel, &count), QC_REFUSED);
	/* One field, as long as a message between processes can be. */
	memset(long_field, 'a', sizeof(long_field));
	memcpy(long_field, fields, FIELDS - 2); /* "subject:x" goes on */
	long_field[sizeof(long_field) - 2] = '\r';
	long_field[sizeof(long_field) - 1] = '\n';
	send_order(channel, 7, &order, long_field, sizeof(long_field));
	assert_int_equal(answer(channel, &count), QC_SIGNED);
	assert_int_equal(count, 2);
	close(channel);
}

static void
longer_than_a_message_can_be(void **state)
{
	const struct qc_dkim order = order_of("example.org");
	static char octets[QF_SIGN_FIELDS_MAX + 1];
	int channel = open_queue();

	(void)state;
	memset(octets, 'a', sizeof(octets));
	send_order(channel, 7, &order, octets, sizeof(octets));
	house_must_be_cut(channel);
	assert_int_equal(signatures_for("example.org"), 2);
}

/* More orders than are answered while nobody reads: what was asked is done, or the channel ends. */
static void
a_flood_of_orders(void **state)
{
	const struct qc_dkim order = order_of("elsewhere.example");
	int channel = open_queue();

	(void)state;
	for (size_t i = 0; i < 20000; i++) {
		if (!house_send(channel, QC_DKIM, 7, &order, sizeof(order), fields, FIELDS))
			break;
	}
	close(channel);
	assert_int_equal(signatures_for("example.org"), 2);
}

/* -- Keys that cross -------------------------------------------------------------------------- */

/* The names of TLS keys, and of their certificates, are no domains whose mail is signed. */
static void
no_tls_key_signs_mail(void **state)
{
	static const char *const names[] = {
	    "mine", "theirs",     "localhost", "mine.example.org.evil.example",
	    "org",  "xample.org", "e1",        "authority"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		print_message("%s\n", names[i]);
		assert_int_equal(signatures_for(names[i]), 0);
	}
	/* A subdomain's mail is its domain's. */
	assert_int_equal(signatures_for("mine.example.org"), 2);
}

/* What a gate asks for, on queue's channel. */
static void
queue_is_no_gate(void **state)
{
	const struct gc_tls13_server tls13 = {.key = 0, .scheme = ED25519, .hash_length = 32};
	const struct gc_tls12_server tls12 = {
	    .key = 0, .scheme = ED25519, .curve = 23, .point_length = 65, .point = {4}};
	int channel = open_queue();

	(void)state;
	assert_int_equal(
	    ipc_send_fd(channel, GC_TLS13_SERVER, 7, &tls13, sizeof(tls13), NULL, 0, -1), 0);
	house_must_be_cut(channel);
	channel = open_queue();
	assert_int_equal(
	    ipc_send_fd(channel, GC_TLS12_SERVER, 7, &tls12, sizeof(tls12), NULL, 0, -1), 0);
	house_must_be_cut(channel);
}

/* What a gate may use, and how many certificates it was told of. */
static size_t
certificates_of(int channel, uint32_t *key)
{
	struct ipc_message message;
	size_t count = 0;

	do {
		assert_int_equal(house_receive(channel, &gate_certd_boundary, IPC_CLIENT, &message),
				 1);
		if (message.type == GC_CERTIFICATE) {
			*key = ((const struct gc_certificate *)message.body)->key;
			count++;
		}
	} while (message.type != GC_READY);
	return count;
}

/* True if certd has signed; the channel may end, it is then another one. */
static bool
gate_has_signed(int *channel, uint32_t key, uint16_t scheme)
{
	const struct gc_tls13_server tls13 = {.key = key, .scheme = scheme, .hash_length = 32};
	struct ipc_message message;
	uint32_t own;

	assert_int_equal(
	    ipc_send_fd(*channel, GC_TLS13_SERVER, 5, &tls13, sizeof(tls13), NULL, 0, -1), 0);
	if (house_receive(*channel, &gate_certd_boundary, IPC_CLIENT, &message) == 1)
		return message.type == GC_SIGNED;
	close(*channel);
	*channel = house_gate_to_certd(&certd, "mine");
	(void)certificates_of(*channel, &own);
	return false;
}

/* Not by a number that it was not given, and not by a name. */
static void
no_gate_uses_a_key_of_mail(void **state)
{
	static const uint16_t schemes[] = {ECDSA_P256, RSA_PSS_SHA256, ED25519};
	static const char *const names[] = {"e1", "r1", "example.org", "dkim",
					    "e1._domainkey.example.org"};
	uint32_t own = 0, none = 0;
	int channel = house_gate_to_certd(&certd, "mine");

	(void)state;
	assert_int_equal(certificates_of(channel, &own), 1);
	assert_true(gate_has_signed(&channel, own, ECDSA_P256));
	for (uint32_t key = 0; key < 200; key++) {
		for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
			assert_int_equal(gate_has_signed(&channel, key, schemes[i]),
					 key == own && schemes[i] == ECDSA_P256);
	}
	close(channel);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		print_message("%s\n", names[i]);
		channel = house_gate_to_certd(&certd, names[i]);
		assert_int_equal(certificates_of(channel, &none), 0);
		close(channel);
	}
	/* Nor is it among all that SNI picks from. */
	channel = house_gate_to_certd_by_host(&certd, "e1._domainkey.example.org");
	assert_int_equal(certificates_of(channel, &none), 0);
	close(channel);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(orders_that_lie),
	    cmocka_unit_test(fields_that_lie),
	    cmocka_unit_test(longer_than_a_message_can_be),
	    cmocka_unit_test(a_flood_of_orders),
	    cmocka_unit_test(no_tls_key_signs_mail),
	    cmocka_unit_test(queue_is_no_gate),
	    cmocka_unit_test(no_gate_uses_a_key_of_mail),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
