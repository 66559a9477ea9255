/* SPDX-License-Identifier: ISC */
/*
 * Whoever holds a posternctl's channel to certd sends its messages with texts without an end,
 * flags that mean nothing, and descriptors of what is no file. It gets nothing for it, and certd
 * goes on.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/proto/ctl_certd.h"
#include "tests/attack/house.h"

static struct house_child certd;

/* What the answer to a message is: 0 if the channel was cut instead. */
static uint16_t
answer(uint16_t type, uint32_t id, const void *body, size_t size, int fd, bool *ok)
{
	int channel = house_admin_to_certd(&certd);
	struct ipc_message message;
	uint16_t result = 0;

	assert_int_equal(ipc_send_fd(channel, type, id, body, size, NULL, 0, fd), 0);
	while (result != CC_RESULT &&
	       house_receive(channel, &ctl_certd_boundary, IPC_CLIENT, &message) == 1)
		result = message.type;
	if (result == CC_RESULT && ok != NULL)
		*ok = ((const struct cc_result *)message.body)->ok == 1;
	close(channel);
	return result;
}

static void
looks_that_lie(void **state)
{
	struct cc_look look = {.chain = 1};
	int file = open("/dev/null", O_RDONLY | O_CLOEXEC), folder = open("/", O_PATH), sv[2];
	bool ok = true;

	(void)state;
	assert_int_equal(answer(CC_LOOK, 7, &look, sizeof(look), -1, &ok), CC_RESULT);
	assert_true(ok);
	assert_int_equal(answer(CC_LOOK, 0, &look, sizeof(look), -1, NULL), 0);
	assert_int_equal(answer(CC_CHECK, 0, &look, sizeof(look), file, NULL), 0);
	look.chain = 2;
	assert_int_equal(answer(CC_LOOK, 7, &look, sizeof(look), -1, NULL), 0);
	look.chain = 0;
	look.zero[2] = 1;
	assert_int_equal(answer(CC_LOOK, 7, &look, sizeof(look), -1, NULL), 0);
	look.zero[2] = 0;
	memset(look.host, 'a', sizeof(look.host));
	assert_int_equal(answer(CC_LOOK, 7, &look, sizeof(look), -1, NULL), 0);
	look.host[0] = '\0';

	/* Nothing that would keep certd waiting is read. */
	assert_int_equal(pipe(sv), 0);
	assert_int_equal(answer(CC_CHECK, 7, &look, sizeof(look), sv[0], &ok), CC_RESULT);
	assert_false(ok);
	assert_int_equal(answer(CC_CHECK, 7, &look, sizeof(look), folder, &ok), CC_RESULT);
	assert_false(ok);
	assert_int_equal(answer(CC_CHECK, 7, &look, sizeof(look), file, &ok), CC_RESULT);
	assert_false(ok);
	close(sv[0]);
	close(sv[1]);
	close(folder);
	close(file);
}

static void
audits_that_lie(void **state)
{
	struct cc_audit audit = {.name = "mine"};
	bool ok = false;

	(void)state;
	assert_int_equal(answer(CC_AUDIT, 7, &audit, sizeof(audit), -1, &ok), CC_RESULT);
	assert_true(ok);
	assert_int_equal(answer(CC_AUDIT, 0, &audit, sizeof(audit), -1, NULL), 0);
	audit.zero[0] = 1;
	assert_int_equal(answer(CC_AUDIT, 7, &audit, sizeof(audit), -1, NULL), 0);
	audit.zero[0] = 0;
	strcpy(audit.name, "../mine");
	assert_int_equal(answer(CC_AUDIT, 7, &audit, sizeof(audit), -1, NULL), 0);
	strcpy(audit.name, "nobody");
	assert_int_equal(answer(CC_AUDIT, 7, &audit, sizeof(audit), -1, &ok), CC_RESULT);
	assert_false(ok);
	memset(audit.name, 'a', sizeof(audit.name));
	assert_int_equal(answer(CC_AUDIT, 7, &audit, sizeof(audit), -1, NULL), 0);
}

static int
begin(void **state)
{
	(void)state;
	house_make();
	certd = house_certd();
	return 0;
}

static int
end(void **state)
{
	(void)state;
	house_end(&certd);
	house_clean();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(looks_that_lie),
	    cmocka_unit_test(audits_that_lie),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
