/* SPDX-License-Identifier: ISC */
/* What certd tells of certificates: their facts, and what clients that know authorities say. */
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/certd_support.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "certd/admin.h"
#include "certd/chain.h"
#include "certd/facts.h"

#define DAY 86400

/* -- Certificates made for the purpose -------------------------------------------- */

struct recipe {
	const char *subject;
	const char *san; /* as in openssl.cnf, or NULL */
	bool authority;
	int from, until;   /* days from now */
	const EVP_MD *md;  /* NULL: SHA-256 */
	const char *usage; /* extendedKeyUsage, or NULL */
};

static void
add_extension(X509 *certificate, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	assert_non_null(extension);
	assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

/* KEY's, signed by ISSUER's; NULL: by itself. */
static X509 *
make(const struct recipe *recipe, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key)
{
	static long serial = 1000;
	X509 *certificate = X509_new();
	X509_NAME *name;

	assert_non_null(certificate);
	name = X509_get_subject_name(certificate);
	X509_set_version(certificate, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
	assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
						    (const unsigned char *)recipe->subject, -1, -1,
						    0),
			 1);
	X509_set_issuer_name(certificate, issuer == NULL ? name : X509_get_subject_name(issuer));
	X509_time_adj_ex(X509_getm_notBefore(certificate), recipe->from, 0, NULL);
	X509_time_adj_ex(X509_getm_notAfter(certificate), recipe->until, 0, NULL);
	X509_set_pubkey(certificate, key);
	if (recipe->authority) {
		add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
		add_extension(certificate, NID_key_usage, "critical,keyCertSign,cRLSign");
	}
	if (recipe->san != NULL)
		add_extension(certificate, NID_subject_alt_name, recipe->san);
	if (recipe->usage != NULL)
		add_extension(certificate, NID_ext_key_usage, recipe->usage);
	assert_true(X509_sign(certificate, issuer == NULL ? key : issuer_key,
			      recipe->md == NULL ? EVP_sha256() : recipe->md) > 0);
	return certificate;
}

static X509 *root, *other_root, *middle;
static EVP_PKEY *root_key, *middle_key, *leaf_key;

static int
make_authorities(void **state)
{
	const struct recipe of_root = {"Test Root", NULL, true, -100, 100, NULL, NULL};
	const struct recipe of_other = {"Other Root", NULL, true, -100, 100, NULL, NULL};
	const struct recipe of_middle = {"Test Middle 7", NULL, true, -100, 100, NULL, NULL};

	(void)state;
	root_key = support_new_pkey("EC", 0, "P-256");
	middle_key = support_new_pkey("EC", 0, "P-256");
	leaf_key = support_new_pkey("EC", 0, "P-256");
	root = make(&of_root, root_key, NULL, NULL);
	other_root = make(&of_other, middle_key, NULL, NULL);
	middle = make(&of_middle, middle_key, root, root_key);
	return 0;
}

static int
free_authorities(void **state)
{
	(void)state;
	X509_free(root);
	X509_free(other_root);
	X509_free(middle);
	EVP_PKEY_free(root_key);
	EVP_PKEY_free(middle_key);
	EVP_PKEY_free(leaf_key);
	return 0;
}

/* A file with these certificates, ends with NULL. */
static int
bundle(X509 *const *certificates)
{
	FILE *file = tmpfile();
	int fd;

	assert_non_null(file);
	fputs("# a comment, as bundles have them\n", file);
	for (; *certificates != NULL; certificates++)
		PEM_write_X509(file, *certificates);
	fflush(file);
	fd = dup(fileno(file));
	fclose(file);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

/* What a client that knows ROOT says of LEAF, which comes with ABOVE (or NULL). */
static struct cc_facts
judge(X509 *leaf, X509 *above, X509 *known)
{
	X509 *const list[] = {other_root, known, NULL};
	struct authorities *authorities = authorities_new();
	STACK_OF(X509) *chain = sk_X509_new_null();
	struct cc_facts facts = {.problems = 0};
	struct error err;
	int fd = bundle(list);

	assert_non_null(authorities);
	sk_X509_push(chain, leaf);
	if (above != NULL)
		sk_X509_push(chain, above);
	assert_int_equal(authorities_want(authorities, chain), 0);
	assert_int_equal(authorities_read(authorities, fd, &err), 0);
	chain_check(chain, authorities, (int64_t)time(NULL), &facts);
	sk_X509_free(chain);
	authorities_free(authorities);
	close(fd);
	assert_true((facts.flags & CERT_FLAG_CHECKED) != 0);
	return facts;
}

static void
test_chain(void **state)
{
	const struct recipe good = {"mail", "DNS:mail.example.org", false, -1, 50, NULL, NULL};
	const struct recipe old = {"mail", "DNS:mail.example.org", false, -9, -1, NULL, NULL};
	const struct recipe early = {"mail", "DNS:mail.example.org", false, 1, 9, NULL, NULL};
	const struct recipe client = {"mail", NULL, false, -1, 9, NULL, "clientAuth"};
	const struct recipe sha1 = {"mail", NULL, false, -1, 9, EVP_sha1(), NULL};
	const struct {
		const struct recipe *recipe;
		X509 *above, *known;
		unsigned problems;
		const char *detail;
	} cases[] = {
	    {&good, middle, root, 0, ""},
	    {&good, middle, middle, 0, ""},
	    {&good, NULL, root, CERT_MISSING_ISSUER, "Test Middle 7"},
	    {&good, middle, NULL, CERT_MISSING_ISSUER, "Test Root"},
	    {&old, middle, root, CERT_EXPIRED, ""},
	    {&early, middle, root, CERT_NOT_YET_VALID, ""},
	    {&client, middle, root, CERT_PURPOSE, ""},
	    {&sha1, middle, root, CERT_WEAK_CHAIN, ""},
	    {&old, NULL, root, CERT_EXPIRED | CERT_MISSING_ISSUER, "Test Middle 7"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		X509 *leaf = make(cases[i].recipe, leaf_key, middle, middle_key);
		struct cc_facts facts = judge(leaf, cases[i].above, cases[i].known);

		assert_int_equal(facts.problems, cases[i].problems);
		assert_string_equal(facts.detail, cases[i].detail);
		X509_free(leaf);
	}
}

static void
test_self_signed(void **state)
{
	const struct recipe recipe = {"mail", "DNS:mail", false, -1, 50, NULL, NULL};
	X509 *leaf = make(&recipe, leaf_key, NULL, NULL);
	struct cc_facts facts = judge(leaf, NULL, root);

	(void)state;
	assert_int_equal(facts.problems, CERT_SELF_SIGNED);
	facts = judge(leaf, NULL, leaf);
	assert_int_equal(facts.problems, 0);
	X509_free(leaf);
	/* A root in the chain that nobody knows. */
	leaf = make(&recipe, leaf_key, other_root, middle_key);
	facts = judge(leaf, other_root, root);
	assert_int_equal(facts.problems, 0);
	X509_free(leaf);
	leaf = make(&recipe, leaf_key, root, root_key);
	facts = judge(leaf, root, other_root);
	assert_int_equal(facts.problems, CERT_UNKNOWN_AUTHORITY);
	X509_free(leaf);
}

static void
test_weak_key(void **state)
{
	const struct recipe recipe = {"mail", "DNS:mail", false, -1, 50, NULL, NULL};
	EVP_PKEY *weak = support_new_pkey("RSA", 1024, NULL);
	X509 *leaf = make(&recipe, weak, middle, middle_key);
	struct cc_facts facts = judge(leaf, middle, root);

	(void)state;
	assert_int_equal(facts.problems, CERT_WEAK_KEY);
	X509_free(leaf);
	EVP_PKEY_free(weak);
}

static void
test_bad_bundles(void **state)
{
	static const char text[] = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
	struct authorities *authorities = authorities_new();
	X509 *const none[] = {NULL};
	int fd = bundle(none), sv[2];
	struct error err;

	(void)state;
	assert_int_equal(authorities_read(authorities, fd, &err), -1);
	assert_non_null(strstr(err.text, "no PEM certificate"));
	close(fd);
	assert_int_equal(pipe(sv), 0);
	assert_int_equal(authorities_read(authorities, sv[0], &err), -1);
	assert_non_null(strstr(err.text, "regular file"));
	close(sv[0]);
	close(sv[1]);
	fd = bundle((X509 *const[]){root, NULL});
	assert_true(lseek(fd, 0, SEEK_END) > 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(authorities_read(authorities, fd, &err), -1);
	assert_non_null(strstr(err.text, "broken"));
	assert_int_equal(ftruncate(fd, AUTHORITIES_MAX + 1), 0);
	assert_int_equal(authorities_read(authorities, fd, &err), -1);
	close(fd);
	authorities_free(authorities);
}

/* -- Facts -------------------------------------------------------------------------- */

static bool
has_name(const struct facts *facts, const char *name)
{
	const char *at = facts->names;

	for (uint32_t i = 0; i < facts->facts.sans; i++, at += strlen(at) + 1) {
		if (strcmp(at, name) == 0)
			return true;
	}
	return false;
}

static void
test_facts(void **state)
{
	const struct recipe recipe = {
	    "mail",
	    "DNS:*.example.org,IP:192.0.2.1,IP:2001:db8::1,email:a@example.org,URI:x:y",
	    false,
	    -1,
	    50,
	    NULL,
	    "serverAuth,1.2.3.4"};
	struct facts *facts = malloc(sizeof(*facts));
	X509 *leaf = make(&recipe, leaf_key, middle, middle_key);

	(void)state;
	assert_non_null(facts);
	facts_read(leaf, "mail.example.org", facts);
	assert_int_equal(facts->facts.sans, 5);
	assert_true(has_name(facts, "DNS:*.example.org"));
	assert_true(has_name(facts, "IP:192.0.2.1"));
	assert_true(has_name(facts, "IP:2001:db8::1"));
	assert_true(has_name(facts, "email:a@example.org"));
	assert_true(has_name(facts, "URI:x:y"));
	assert_string_equal(facts->facts.subject, "CN=mail");
	assert_string_equal(facts->facts.issuer_name, "Test Middle 7");
	assert_string_equal(facts->facts.key, "ECDSA P-256");
	assert_string_equal(facts->facts.signature, "ecdsa-with-SHA256");
	assert_string_equal(facts->facts.extended_usage, "serverAuth, 1.2.3.4");
	assert_int_equal(facts->facts.flags, CERT_FLAG_FOR_HOST);
	assert_in_range(facts->facts.not_after - (int64_t)time(NULL), 50 * DAY - 60, 50 * DAY);
	facts_read(leaf, "example.org", facts);
	assert_int_equal(facts->facts.flags, 0);
	facts_read(root, "", facts);
	assert_int_equal(facts->facts.flags, CERT_FLAG_SELF_SIGNED | CERT_FLAG_CA);
	assert_string_equal(facts->facts.usage, "keyCertSign, cRLSign");
	X509_free(leaf);
	free(facts);
}

/* A certificate's texts are its maker's: none reaches a terminal as it is. */
static void
test_hostile(void **state)
{
	static const char name[] = "good.example\0evil.example";
	const struct recipe recipe = {"a\x1b[31m\nb\x7f\xc2\x9b"
				      "31m",
				      NULL,
				      false,
				      -1,
				      50,
				      NULL,
				      NULL};
	struct facts *facts = malloc(sizeof(*facts));
	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
	X509 *leaf = make(&recipe, leaf_key, NULL, NULL);

	(void)state;
	assert_non_null(facts);
	for (int i = 0; i < 2000; i++) {
		GENERAL_NAME *general = GENERAL_NAME_new();
		ASN1_IA5STRING *string = ASN1_IA5STRING_new();

		ASN1_STRING_set(string, name, sizeof(name) - 1);
		GENERAL_NAME_set0_value(general, GEN_DNS, string);
		sk_GENERAL_NAME_push(names, general);
	}
	assert_int_equal(X509_add1_ext_i2d(leaf, NID_subject_alt_name, names, 0, 0), 1);
	facts_read(leaf, "good.example", facts);
	assert_int_equal(facts->facts.flags & CERT_FLAG_FOR_HOST, 0);
	assert_true(has_name(facts, "DNS:good.example\\00evil.example"));
	assert_int_equal(facts->facts.sans + facts->facts.sans_left, 2000);
	assert_true(facts->facts.sans_left > 0);
	assert_true(facts->length <= sizeof(facts->names));
	for (const char *c = facts->facts.subject; *c != '\0'; c++)
		assert_true((unsigned char)*c >= 0x20 && *c != 0x7f);
	assert_null(strstr(facts->facts.common_name, "\xc2\x9b"));
	assert_null(strchr(facts->facts.common_name, '\x1b'));
	GENERAL_NAMES_free(names);
	X509_free(leaf);
	free(facts);
}

/* -- Over a channel ----------------------------------------------------------------- */

static struct {
	struct event_base *base;
	struct folder folder;
	struct admin_target target;
	struct keygen *keygen;
	struct admins *admins;
	int fd;
} f;

static int
set_up(void **state)
{
	struct error err;
	int sv[2];

	(void)state;
	support_folder(&f.folder);
	f.base = event_base_new();
	f.keygen = keygen_new(f.base, &err);
	f.target = (struct admin_target){
	    .directory = f.folder.fd, .owner = getuid(), .vault = vault_new()};
	vault_set_folder(f.target.vault, f.folder.fd, getuid());
	f.admins = admins_new(f.base, &f.target, NULL, NULL);
	assert_int_equal(ipc_pair(sv), 0);
	assert_int_equal(admins_add(f.admins, sv[1], &err), 0);
	f.fd = sv[0];
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	close(f.fd);
	admins_free(f.admins);
	keygen_free(f.keygen);
	vault_free(f.target.vault);
	event_base_free(f.base);
	support_remove_folder(&f.folder);
	return 0;
}

/* Asks, and returns what comes as "NAME STATE WHY" lines; NULL if the channel was cut. */
static const char *
look(uint16_t type, int fd)
{
	static char buffer[IPC_MESSAGE_MAX + 1] __attribute__((aligned(16)));
	static char lines[4096];
	struct cc_look request = {.host = "one.example"};
	struct ipc_message message;
	struct error err;

	assert_int_equal(ipc_send_fd(f.fd, type, 3, &request, sizeof(request), NULL, 0, fd), 0);
	lines[0] = '\0';
	for (;;) {
		const struct cc_facts *facts;

		event_base_loop(f.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
		if (ipc_receive(f.fd, &ctl_certd_boundary, IPC_CLIENT, 1, buffer, &message, &err) !=
		    1)
			return NULL;
		assert_int_equal(message.id, 3);
		if (message.type == CC_RESULT)
			break;
		assert_int_equal(message.type, CC_FACTS);
		facts = message.body;
		snprintf(lines + strlen(lines), sizeof(lines) - strlen(lines), "%s %u %u %s\n",
			 facts->name, facts->state, facts->problems, facts->why);
	}
	if (((const struct cc_result *)message.body)->ok == 0)
		snprintf(lines, sizeof(lines), "%s", message.tail);
	return lines;
}

static void
test_list(void **state)
{
	struct x509_made made;
	struct error err;
	unsigned kept = 0;

	(void)state;
	assert_non_null(strstr(look(CC_LOOK, -1), "still starting"));
	support_write_pair(&f.folder, "one", support_pkey(KEY_P256));
	support_write_pair(&f.folder, "two", support_pkey(KEY_ED25519));
	support_write(&f.folder, "two.key", "rubbish", 7, 0600);
	support_make(support_pkey(KEY_P256), "three", &made);
	support_write(&f.folder, "three.crt", made.set.part[PART_CRT].bytes,
		      made.set.part[PART_CRT].length, 0600);
	support_write(&f.folder, "one.20261124T181002Z.crt", made.set.part[PART_CRT].bytes,
		      made.set.part[PART_CRT].length, 0600);
	support_write(&f.folder, "one.20251124T181002Z.crt", "rubbish", 7, 0600);
	support_write(&f.folder, "one.20261124T181002Z.key", "rubbish", 7, 0600);
	support_write(&f.folder, "one.20241124T181002Z.pem", made.set.part[PART_CRT].bytes,
		      made.set.part[PART_CRT].length, 0600);
	support_write(&f.folder, "one.20231124T181002Z.key", "rubbish", 7, 0600);
	support_write(&f.folder, "one.20231124T181002Z.csr", "rubbish", 7, 0600);
	x509_made_free(&made);
	assert_int_equal(vault_load(f.target.vault, NULL, NULL, &err), 0);
	admins_open(f.admins, f.keygen);
	assert_non_null(strstr(look(CC_LOOK, -1), "one 1 0 \n"));
	assert_non_null(strstr(look(CC_LOOK, -1), "two 3 0 two.key: no PEM private key"));
	assert_non_null(strstr(look(CC_LOOK, -1), "three 3 0 has a certificate, but no private"));
	assert_non_null(strstr(look(CC_LOOK, -1), "one.20261124T181002Z 2 0 \n"));
	assert_non_null(strstr(look(CC_LOOK, -1), "one.20251124T181002Z 2 0 no certificate"));
	assert_non_null(strstr(look(CC_LOOK, -1), "one.20241124T181002Z 2 0 \n"));
	assert_non_null(
	    strstr(look(CC_LOOK, -1), "one.20231124T181002Z 2 0 there is no certificate"));
	/* Each once, however many files it has. */
	for (const char *line = look(CC_LOOK, -1); (line = strstr(line, "Z 2 ")) != NULL; line++)
		kept++;
	assert_int_equal(kept, 4);

	/* What is mended is no longer told; what breaks while it is in force is. */
	support_write_pair(&f.folder, "two", support_pkey(KEY_ED25519));
	support_write(&f.folder, "one.key", "rubbish", 7, 0600);
	assert_int_equal(vault_load(f.target.vault, NULL, NULL, &err), 0);
	assert_non_null(strstr(look(CC_LOOK, -1), "two 1 0 \n"));
	assert_non_null(strstr(look(CC_LOOK, -1), "one 1 0 one.key: no PEM private key"));
}

static void
test_check(void **state)
{
	X509 *const list[] = {root, NULL};
	struct error err;
	const char *text;
	int fd = bundle(list);
	char expected[32];

	(void)state;
	support_write_pair(&f.folder, "one", support_pkey(KEY_P256));
	assert_int_equal(vault_load(f.target.vault, NULL, NULL, &err), 0);
	admins_open(f.admins, f.keygen);
	snprintf(expected, sizeof(expected), "one 1 %d \n", CERT_SELF_SIGNED);
	text = look(CC_CHECK, fd);
	assert_string_equal(text, expected);
	close(fd);
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_non_null(strstr(look(CC_CHECK, fd), "regular file"));
	close(fd);
}

static void
test_lies(void **state)
{
	struct cc_look request = {.chain = 2};
	struct ipc_message message;
	char buffer[IPC_MESSAGE_MAX + 1] __attribute__((aligned(16)));
	struct error err;

	(void)state;
	admins_open(f.admins, f.keygen);
	assert_int_equal(ipc_send_fd(f.fd, CC_LOOK, 3, &request, sizeof(request), NULL, 0, -1), 0);
	event_base_loop(f.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	assert_int_equal(
	    ipc_receive(f.fd, &ctl_certd_boundary, IPC_CLIENT, 1, buffer, &message, &err), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_chain),
	    cmocka_unit_test(test_self_signed),
	    cmocka_unit_test(test_weak_key),
	    cmocka_unit_test(test_bad_bundles),
	    cmocka_unit_test(test_facts),
	    cmocka_unit_test(test_hostile),
	    cmocka_unit_test_setup_teardown(test_list, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_check, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_lies, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, make_authorities, free_authorities);
}
