/* SPDX-License-Identifier: ISC */
/* A posternctl that lies to certd about the files of the certs folder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/proto/ctl_certd.h"
#include "tests/attack/house.h"

static void
test_request(void **state)
{
	static const struct cc_request good = {.name = "mine", .how = CERT_REQUEST_RENEW};
	struct house_child certd = house_certd();
	struct cc_request bad = good;

	(void)state;
	house_admin_must_be_cut(&certd, CC_REQUEST, 0, &good, sizeof(good), -1);
	house_admin_must_be_cut(&certd, CC_REQUEST, 1, &good, sizeof(good) - 1, -1);
	bad.how = 0;
	house_admin_must_be_cut(&certd, CC_REQUEST, 1, &bad, sizeof(bad), -1);
	bad.how = CERT_REQUEST_NEW_KEY + 1;
	house_admin_must_be_cut(&certd, CC_REQUEST, 1, &bad, sizeof(bad), -1);
	bad = good;
	bad.key = CERT_KEY_P256;
	house_admin_must_be_cut(&certd, CC_REQUEST, 1, &bad, sizeof(bad), -1);
	bad.how = CERT_REQUEST_NEW_KEY;
	bad.key = CERT_KEY_RSA_1024;
	house_admin_must_be_cut(&certd, CC_REQUEST, 1, &bad, sizeof(bad), -1);
	bad = good;
	strlcpy(bad.name, "../mine", sizeof(bad.name));
	house_admin_must_be_cut(&certd, CC_REQUEST, 1, &bad, sizeof(bad), -1);
	memset(bad.name, 'a', sizeof(bad.name));
	house_admin_must_be_cut(&certd, CC_REQUEST, 1, &bad, sizeof(bad), -1);
	bad = good;
	bad.zero[1] = 1;
	house_admin_must_be_cut(&certd, CC_REQUEST, 1, &bad, sizeof(bad), -1);
	house_end(&certd);
}

static void
test_fields(void **state)
{
	static const struct cc_name good = {.name = "mine"};
	struct house_child certd = house_certd();
	struct cc_name bad = good;

	(void)state;
	house_admin_must_be_cut(&certd, CC_FIELDS, 0, &good, sizeof(good), -1);
	bad.zero[2] = 1;
	house_admin_must_be_cut(&certd, CC_FIELDS, 1, &bad, sizeof(bad), -1);
	strlcpy(bad.name, ".mine.key.new", sizeof(bad.name));
	bad.zero[2] = 0;
	house_admin_must_be_cut(&certd, CC_FIELDS, 1, &bad, sizeof(bad), -1);
	memset(bad.name, 'a', sizeof(bad.name));
	house_admin_must_be_cut(&certd, CC_FIELDS, 1, &bad, sizeof(bad), -1);
	house_end(&certd);
}

static void
test_files(void **state)
{
	static const uint16_t types[] = {CC_RESTORE, CC_REMOVE};
	struct house_child certd = house_certd();
	struct cc_kept kept = {.name = ""};
	struct cc_rename rename = {.from = "mine", .to = "../mine"};

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		kept = (struct cc_kept){.name = "mine.20261124T181002Z"};
		house_admin_must_be_cut(&certd, types[i], 0, &kept, sizeof(kept), -1);
		kept.zero[0] = 1;
		house_admin_must_be_cut(&certd, types[i], 1, &kept, sizeof(kept), -1);
		kept = (struct cc_kept){.name = "../x.20261124T181002Z"};
		house_admin_must_be_cut(&certd, types[i], 1, &kept, sizeof(kept), -1);
		kept = (struct cc_kept){.name = ".journal"};
		house_admin_must_be_cut(&certd, types[i], 1, &kept, sizeof(kept), -1);
		memset(kept.name, 'a', sizeof(kept.name));
		house_admin_must_be_cut(&certd, types[i], 1, &kept, sizeof(kept), -1);
	}
	/* What is in force is not kept aside. */
	kept = (struct cc_kept){.name = "mine"};
	house_admin_must_be_cut(&certd, CC_RESTORE, 1, &kept, sizeof(kept), -1);
	house_admin_must_be_cut(&certd, CC_RENAME, 1, &rename, sizeof(rename), -1);
	strlcpy(rename.to, "mine.20261124T181002Z", sizeof(rename.to));
	house_admin_must_be_cut(&certd, CC_RENAME, 1, &rename, sizeof(rename), -1);
	strlcpy(rename.to, "ours", sizeof(rename.to));
	house_admin_must_be_cut(&certd, CC_RENAME, 0, &rename, sizeof(rename), -1);
	rename.zero[1] = 1;
	house_admin_must_be_cut(&certd, CC_RENAME, 1, &rename, sizeof(rename), -1);
	rename.zero[1] = 0;
	memset(rename.from, 'a', sizeof(rename.from));
	house_admin_must_be_cut(&certd, CC_RENAME, 1, &rename, sizeof(rename), -1);
	house_end(&certd);
}

static void
test_create(void **state)
{
	static const struct cc_create good = {
	    .name = "new", .key = CERT_KEY_P256, .days = 30, .count = 1};
	struct house_child certd = house_certd();
	struct cc_create bad[5];

	(void)state;
	for (size_t i = 0; i < 5; i++)
		bad[i] = good;
	bad[0].key = CERT_KEY_RSA_1024;
	bad[1].flags = 1u << 7;
	strlcpy(bad[2].other, "mine", sizeof(bad[2].other)); /* and a kind */
	bad[3].key = 0;
	strlcpy(bad[3].other, "../mine", sizeof(bad[3].other));
	bad[4].zero[1] = 1;
	for (size_t i = 0; i < 5; i++) {
		int channel = house_admin_to_certd(&certd);

		assert_int_equal(ipc_send_fd(channel, CC_CREATE, 1, &bad[i], sizeof(bad[i]),
					     "localhost", sizeof("localhost"), -1),
				 0);
		house_must_be_cut(channel);
	}
	house_end(&certd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_request, house_setup, house_teardown),
	    cmocka_unit_test_setup_teardown(test_fields, house_setup, house_teardown),
	    cmocka_unit_test_setup_teardown(test_files, house_setup, house_teardown),
	    cmocka_unit_test_setup_teardown(test_create, house_setup, house_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
