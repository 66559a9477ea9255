/* SPDX-License-Identifier: ISC */
/* A posternctl that lies to certd about what shall leave it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/proto/ctl_certd.h"
#include "common/proto/gate_certd.h"
#include "tests/attack/house.h"

static const struct cc_export good = {
    .name = "mine", .passphrase = "long enough", .what = CERT_EXPORT_KEY};

static void
test_export(void **state)
{
	struct house_child certd = house_certd();
	struct cc_export bad = good;

	(void)state;
	house_admin_must_be_cut(&certd, CC_EXPORT, 0, &good, sizeof(good), -1);
	house_admin_must_be_cut(&certd, CC_EXPORT, 1, &good, sizeof(good) - 1, -1);
	house_admin_must_be_cut(&certd, CC_EXPORT, 1, &good, sizeof(good), STDERR_FILENO);
	bad.passphrase[0] = '\0';
	house_admin_must_be_cut(&certd, CC_EXPORT, 1, &bad, sizeof(bad), -1);
	strlcpy(bad.passphrase, "two\nlines", sizeof(bad.passphrase));
	house_admin_must_be_cut(&certd, CC_EXPORT, 1, &bad, sizeof(bad), -1);
	memset(bad.passphrase, 'x', sizeof(bad.passphrase));
	house_admin_must_be_cut(&certd, CC_EXPORT, 1, &bad, sizeof(bad), -1);
	bad = good;
	bad.what = 77;
	house_admin_must_be_cut(&certd, CC_EXPORT, 1, &bad, sizeof(bad), -1);
	bad = good;
	strlcpy(bad.name, "../certs/mine", sizeof(bad.name));
	house_admin_must_be_cut(&certd, CC_EXPORT, 1, &bad, sizeof(bad), -1);
	house_end(&certd);
}

/* The key as it is goes nowhere but to a file or a pipe, and a closed pipe hurts nobody. */
static void
test_clear(void **state)
{
	struct cc_export_clear export = {.name = "mine"};
	struct house_child certd = house_certd();
	int channel = house_admin_to_certd(&certd), ends[2];
	struct ipc_message message;

	(void)state;
	house_admin_must_be_cut(&certd, CC_EXPORT_CLEAR, 1, &export, sizeof(export), -1);
	assert_int_equal(pipe(ends), 0);
	close(ends[0]);
	for (int i = 0; i < 2; i++) {
		/* First a socket, our own channel to it; then a pipe without a reader. */
		assert_int_equal(ipc_send_fd(channel, CC_EXPORT_CLEAR, 1, &export, sizeof(export),
					     NULL, 0, i == 0 ? channel : ends[1]),
				 0);
		assert_int_equal(house_receive(channel, &ctl_certd_boundary, IPC_CLIENT, &message),
				 1);
		assert_int_equal(message.type, CC_RESULT);
		assert_int_equal(((const struct cc_result *)message.body)->ok, 0);
	}
	close(ends[1]);
	close(channel);
	house_end(&certd);
}

/* What the authority for clients has signed stays; what it never was asked for properly does not
 * come. */
static void
test_clients(void **state)
{
	const struct cc_client client = {.account = "alice@example.org",
					 .passphrase = "long enough",
					 .host = "localhost",
					 .key = CERT_KEY_P256,
					 .days = 1};
	const struct cc_revoke revoke = {.who = "0102"};
	const struct ipc_empty nothing = {{0}};
	struct house_child certd = house_certd();
	struct cc_client bad = client;

	(void)state;
	house_admin_must_be_cut(&certd, CC_CLIENT, 0, &client, sizeof(client), -1);
	house_admin_must_be_cut(&certd, CC_CLIENT, 1, &client, sizeof(client) - 4, -1);
	house_admin_must_be_cut(&certd, CC_CLIENT, 1, &client, sizeof(client), STDERR_FILENO);
	strlcpy(bad.account, "alice@example.org\ncert 01", sizeof(bad.account));
	house_admin_must_be_cut(&certd, CC_CLIENT, 1, &bad, sizeof(bad), -1);
	bad = client;
	bad.passphrase[0] = '\0';
	house_admin_must_be_cut(&certd, CC_CLIENT, 1, &bad, sizeof(bad), -1);
	house_admin_must_be_cut(&certd, CC_REVOKE, 0, &revoke, sizeof(revoke), -1);
	house_admin_must_be_cut(&certd, CC_REVOKE, 1, "../../../mine", 14, -1);
	house_admin_must_be_cut(&certd, CC_CLIENTS, 0, &nothing, sizeof(nothing), -1);
	house_admin_must_be_cut(&certd, CC_CLIENTS, 1, &nothing, sizeof(nothing), STDERR_FILENO);
	house_end(&certd);
}

/* The name of the authority is no name of a key that a gate could use. */
static void
test_gate_and_authority(void **state)
{
	const struct cc_client client = {.account = "alice@example.org",
					 .passphrase = "long enough",
					 .host = "localhost",
					 .key = CERT_KEY_P256,
					 .days = 1};
	struct house_child certd = house_certd();
	int admin = house_admin_to_certd(&certd), gate;
	struct ipc_message message = {.type = 0};

	(void)state;
	assert_int_equal(ipc_send_fd(admin, CC_CLIENT, 1, &client, sizeof(client), NULL, 0, -1), 0);
	while (message.type != CC_RESULT)
		assert_int_equal(house_receive(admin, &ctl_certd_boundary, IPC_CLIENT, &message),
				 1);
	assert_int_equal(((const struct cc_result *)message.body)->ok, 1);
	close(admin);
	/* Its name leads nowhere. */
	gate = house_gate_to_certd(&certd, "authority");
	do {
		assert_int_equal(house_receive(gate, &gate_certd_boundary, IPC_CLIENT, &message),
				 1);
		assert_int_not_equal(message.type, GC_CERTIFICATE);
	} while (message.type != GC_READY);
	close(gate);
	house_end(&certd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_export, house_setup, house_teardown),
	    cmocka_unit_test_setup_teardown(test_clear, house_setup, house_teardown),
	    cmocka_unit_test_setup_teardown(test_clients, house_setup, house_teardown),
	    cmocka_unit_test_setup_teardown(test_gate_and_authority, house_setup, house_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
