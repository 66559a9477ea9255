/* SPDX-License-Identifier: ISC */
/* What a new certificate looks like, and how an administrator gets one over a channel. */
#include <sys/tree.h>

#include "tests/unit/certd_support.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "certd/admin.h"
#include "certd/vault.h"

static struct fixture {
	struct folder folder;
	struct event_base *base;
	struct keygen *keygen;
	struct admins *admins;
	struct admin_target target;
	int fd;
	int changes;
	_Alignas(16) char buffer[IPC_MESSAGE_MAX + 1];
} fixture;

static void
on_change(const struct vault_entry *entry, void *arg)
{
	(void)entry;
	(void)arg;
	fixture.changes++;
}

static int
setup(void **state)
{
	struct error err;
	int sv[2];

	(void)state;
	support_folder(&fixture.folder);
	fixture.base = event_base_new();
	fixture.keygen = keygen_new(fixture.base, &err);
	assert_non_null(fixture.keygen);
	fixture.changes = 0;
	fixture.target = (struct admin_target){.directory = fixture.folder.fd,
					       .owner = getuid(),
					       .vault = vault_new(),
					       .changed = on_change};
	vault_set_folder(fixture.target.vault, fixture.folder.fd, getuid());
	fixture.admins = admins_new(fixture.base, &fixture.target, NULL, NULL);
	admins_open(fixture.admins, fixture.keygen);
	assert_int_equal(ipc_pair(sv), 0);
	assert_int_equal(admins_add(fixture.admins, sv[1], &err), 0);
	fixture.fd = sv[0];
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	if (fixture.fd != -1)
		close(fixture.fd);
	admins_free(fixture.admins);
	keygen_free(fixture.keygen);
	vault_free(fixture.target.vault);
	event_base_free(fixture.base);
	support_remove_folder(&fixture.folder);
	return 0;
}

static void
send_create(const char *name, uint32_t key, uint32_t days, const char *tail, size_t length,
	    uint32_t count)
{
	struct cc_create create = {.key = key, .days = days, .count = count};

	strlcpy(create.name, name, sizeof(create.name));
	assert_int_equal(
	    ipc_send_fd(fixture.fd, CC_CREATE, 9, &create, sizeof(create), tail, length, -1), 0);
}

/* Runs the loop until there is an answer. Its text is in fixture.buffer. */
static bool
answer(const char **text)
{
	struct ipc_message message;
	struct error err;
	int got;

	/* A key that takes long is told of before the result. */
	do {
		event_base_loop(fixture.base, EVLOOP_ONCE);
		got = ipc_receive(fixture.fd, &ctl_certd_boundary, IPC_CLIENT, 1, fixture.buffer,
				  &message, &err);
	} while ((got == -1 && errno == EAGAIN) || (got == 1 && message.type == CC_PROGRESS));
	assert_int_equal(got, 1);
	assert_int_equal(message.id, 9);
	*text = message.tail;
	return ((const struct cc_result *)message.body)->ok == 1;
}

static X509 *
read_crt(const char *file)
{
	int fd = openat(fixture.folder.fd, file, O_RDONLY | O_CLOEXEC);
	FILE *stream = fdopen(fd, "r");
	X509 *x509 = PEM_read_X509(stream, NULL, NULL, NULL);

	fclose(stream);
	assert_non_null(x509);
	return x509;
}

static X509_REQ *
read_csr(const char *file)
{
	int fd = openat(fixture.folder.fd, file, O_RDONLY | O_CLOEXEC);
	FILE *stream = fdopen(fd, "r");
	X509_REQ *request = PEM_read_X509_REQ(stream, NULL, NULL, NULL);

	fclose(stream);
	assert_non_null(request);
	return request;
}

static void
check_crt(X509 *x509)
{
	int days, seconds, critical;

	assert_int_equal(X509_get_version(x509), X509_VERSION_3);
	assert_int_equal(X509_verify(x509, X509_get0_pubkey(x509)), 1);
	assert_int_equal(X509_check_host(x509, "mail.example.org", 0, 0, NULL), 1);
	assert_int_equal(X509_check_host(x509, "x.example.net", 0, 0, NULL), 1);
	assert_int_equal(X509_check_host(x509, "example.org", 0, 0, NULL), 0);
	assert_int_equal(X509_check_ip_asc(x509, "192.0.2.7", 0), 1);
	assert_int_equal(X509_check_ip_asc(x509, "2001:db8::7", 0), 1);
	assert_int_equal(X509_check_ca(x509), 0);
	assert_int_equal(X509_check_purpose(x509, X509_PURPOSE_SSL_SERVER, 0), 1);
	assert_int_equal(X509_check_purpose(x509, X509_PURPOSE_SSL_CLIENT, 0), 0);
	assert_int_equal(X509_get_key_usage(x509), KU_DIGITAL_SIGNATURE);
	assert_int_equal(X509_get_extended_key_usage(x509), XKU_SSL_SERVER);
	assert_non_null(X509_get0_subject_key_id(x509));
	assert_int_equal(ASN1_STRING_length(X509_get0_serialNumber(x509)), 16);
	assert_int_equal(ASN1_STRING_type(X509_get0_serialNumber(x509)), V_ASN1_INTEGER);
	assert_int_equal(X509_cmp_current_time(X509_get0_notBefore(x509)), -1);
	assert_int_equal(ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(x509)), 1);
	assert_true(days == 90 || (days == 89 && seconds > 86000));
	BASIC_CONSTRAINTS *constraints =
	    X509_get_ext_d2i(x509, NID_basic_constraints, &critical, NULL);
	assert_non_null(constraints);
	assert_int_equal(critical, 1);
	BASIC_CONSTRAINTS_free(constraints);
}

static void
check_csr(X509_REQ *request)
{
	EVP_PKEY *public = X509_REQ_get0_pubkey(request);
	STACK_OF(X509_EXTENSION) *list = X509_REQ_get_extensions(request);
	GENERAL_NAMES *names;

	assert_int_equal(X509_REQ_verify(request, public), 1);
	names = X509V3_get_d2i(list, NID_subject_alt_name, NULL, NULL);
	assert_int_equal(sk_GENERAL_NAME_num(names), 4);
	GENERAL_NAMES_free(names);
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
}

static const char four[] = "mail.example.org\0*.example.net\0"
			   "192.0.2.7\0"
			   "2001:db8::7";

static void
test_every_kind(void **state)
{
	static const struct {
		const char *name;
		uint32_t key;
		enum key_kind kind;
		int bits;
	} kinds[] = {
	    {"r2", CERT_KEY_RSA_2048, KEY_RSA, 2048},   {"p2", CERT_KEY_P256, KEY_P256, 256},
	    {"p3", CERT_KEY_P384, KEY_P384, 384},       {"p5", CERT_KEY_P521, KEY_P521, 521},
	    {"ed", CERT_KEY_ED25519, KEY_ED25519, 256}, {"r3", CERT_KEY_RSA_3072, KEY_RSA, 3072}};
	const char *text;

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const struct vault_entry *entry;
		char file[16];
		X509_REQ *request;
		X509 *x509;

		send_create(kinds[i].name, kinds[i].key, 90, four, sizeof(four), 4);
		assert_true(answer(&text));
		assert_non_null(strstr(text, "SHA-256  "));
		assert_non_null(strstr(text, "2001:db8::7"));
		assert_int_equal(fixture.changes, i + 1);
		entry = vault_find(fixture.target.vault, kinds[i].name);
		assert_int_equal(key_kind(entry->pair->key), kinds[i].kind);
		assert_int_equal(EVP_PKEY_get_bits(key_pkey(entry->pair->key)),
				 kinds[i].kind == KEY_ED25519 ? 253 + 3 : kinds[i].bits);
		snprintf(file, sizeof(file), "%s.crt", kinds[i].name);
		x509 = read_crt(file);
		check_crt(x509);
		X509_free(x509);
		snprintf(file, sizeof(file), "%s.csr", kinds[i].name);
		request = read_csr(file);
		check_csr(request);
		X509_REQ_free(request);
	}
}

static void
refused(const char *why)
{
	const char *text;

	assert_false(answer(&text));
	if (strstr(text, why) == NULL)
		fail_msg("'%s' is not in '%s'", why, text);
	assert_int_equal(fixture.changes, 0);
}

static void
test_refused(void **state)
{
	(void)state;
	send_create("../x", CERT_KEY_P256, 90, four, sizeof(four), 4);
	refused("not a name");
	send_create("mail", CERT_KEY_P256, 0, four, sizeof(four), 4);
	refused("0 days");
	send_create("mail", CERT_KEY_P256, 36501, four, sizeof(four), 4);
	refused("36501 days");
	send_create("mail", CERT_KEY_P256, 1, "good\0not good", 14, 2);
	refused("not good: neither a host name nor");
	support_write(&fixture.folder, "mail.csr", "x", 1, 0600);
	send_create("mail", CERT_KEY_P256, 90, four, sizeof(four), 4);
	refused("already");
	fchmod(fixture.folder.fd, 0755);
	send_create("other", CERT_KEY_P256, 90, four, sizeof(four), 4);
	refused("chmod 700");
	assert_int_equal(support_count(&fixture.folder), 1);
}

/* The disk is full, or the folder is read-only: nothing is left. */
static void
test_no_room(void **state)
{
	const char *text;

	(void)state;
	fixture.target.directory = open("/dev", O_PATH | O_DIRECTORY | O_CLOEXEC);
	fixture.target.owner = 0;
	send_create("mail", CERT_KEY_P256, 90, four, sizeof(four), 4);
	assert_false(answer(&text)); /* of another mode, at the least */
	close(fixture.target.directory);
	fixture.target.directory = fixture.folder.fd;
	assert_int_equal(support_count(&fixture.folder), 0);
}

static void
malformed(const struct cc_create *create, const char *tail, size_t length)
{
	static struct create_request request;
	struct error err;

	assert_int_equal(create_parse(create, tail, length, &request, &err), CREATE_MALFORMED);
}

static void
test_malformed(void **state)
{
	struct cc_create good = {.name = "mail", .key = CERT_KEY_P256, .days = 1, .count = 1}, bad;
	static struct create_request request;
	struct error err;

	(void)state;
	assert_int_equal(create_parse(&good, "a.b", 4, &request, &err), CREATE_OK);
	malformed(&good, "a.b", 3);
	malformed(&good, "", 0);
	malformed(&good, "a.b\0c", 6);
	bad = good;
	bad.zero[1] = 1;
	malformed(&bad, "a.b", 4);
	bad = good;
	bad.key = 0;
	malformed(&bad, "a.b", 4);
	bad.key = CERT_KEY_ED25519 + 1;
	malformed(&bad, "a.b", 4);
	bad = good;
	memset(bad.name, 'a', sizeof(bad.name));
	malformed(&bad, "a.b", 4);
}

/* posternctl goes away while a key is made: nothing is written, and the next one is served. */
static void
test_gone(void **state)
{
	const char *text;
	struct error err;
	int sv[2];

	(void)state;
	/* certd reads both in one turn: the thread has begun by then, and can't have ended. */
	send_create("gone", CERT_KEY_RSA_4096, 90, four, sizeof(four), 4);
	close(fixture.fd);
	while (admins_count(fixture.admins) > 0)
		event_base_loop(fixture.base, EVLOOP_ONCE);
	assert_int_equal(ipc_pair(sv), 0);
	assert_int_equal(admins_add(fixture.admins, sv[1], &err), 0);
	fixture.fd = sv[0];
	for (;;) {
		send_create("next", CERT_KEY_P256, 90, four, sizeof(four), 4);
		if (answer(&text))
			break;
		assert_non_null(strstr(text, "another certificate is being made"));
		usleep(10000); /* the thread notices within one number's test */
	}
	assert_non_null(vault_find(fixture.target.vault, "next"));
	assert_null(vault_find(fixture.target.vault, "gone"));
	assert_int_equal(support_count(&fixture.folder), 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_every_kind, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_no_room, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_malformed, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_gone, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
