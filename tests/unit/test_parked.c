/* SPDX-License-Identifier: ISC */
/* What the master keeps for mailboxes that sleep, and what it refuses to keep. */
#include <event2/event.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "master/master.h"
#include "master/parked.h"

static struct master m;

static int
set_up(void **state)
{
	(void)state;
	log_set_level(LOG_CRIT);
	memset(&m, 0, sizeof(m));
	m.base = event_base_new();
	return m.base == NULL ? -1 : 0;
}

static int
tear_down(void **state)
{
	(void)state;
	parked_free(&m);
	event_base_free(m.base);
	return 0;
}

/* Parks one end for NAME; the client's end, or -1 if it was not kept. */
static int
park(const char *name, uint64_t conn)
{
	struct ms_parked parked = {.connection = {.conn = conn, .service = SERVICE_IMAP}};
	int sv[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	if (parked_add(&m, name, &parked, sv[0]) == PARKED_KEPT)
		return sv[1];
	close(sv[0]);
	close(sv[1]);
	return -1;
}

static void
test_each_mailbox_gets_its_own_back(void **state)
{
	struct ms_parked parked;
	int clients[3] = {park("a@example.org", 1), park("b@example.org", 2),
			  park("a@example.org", 3)};
	static const uint64_t order[] = {1, 3};

	(void)state;
	assert_int_equal(parked_take(&m, "a@example.or", &parked), -1);
	assert_int_equal(parked_take(&m, "a@example.org2", &parked), -1);
	for (size_t i = 0; i < 2; i++) {
		int fd = parked_take(&m, "a@example.org", &parked);

		assert_true(fd != -1);
		assert_int_equal(parked.connection.conn, order[i]);
		assert_int_equal(write(clients[2 * i], "x", 1), 1); /* it is that one's other end */
		assert_int_equal(read(fd, &(char){0}, 1), 1);
		close(fd);
	}
	assert_int_equal(parked_take(&m, "a@example.org", &parked), -1);
	assert_int_equal(m.sessions.parked_count, 1);
	for (size_t i = 0; i < 3; i++)
		close(clients[i]);
}

/* Nobody is woken for a client that has gone. */
static void
test_one_that_ends_is_forgotten(void **state)
{
	int client = park("a@example.org", 1);

	(void)state;
	close(client);
	event_base_loop(m.base, EVLOOP_ONCE);
	assert_int_equal(m.sessions.parked_count, 0);
	assert_false(parked_want(&m, "a@example.org"));
}

static void
test_what_is_no_socket_is_refused(void **state)
{
	struct ms_parked parked = {.connection = {.service = SERVICE_IMAP}};
	int fd = memfd_create("file", MFD_CLOEXEC);

	(void)state;
	assert_int_equal(parked_add(&m, "a@example.org", &parked, fd), PARKED_REFUSED);
	close(fd);
	assert_int_equal(m.sessions.parked_count, 0);
}

static void
test_a_mailbox_has_its_share(void **state)
{
	struct ms_parked parked = {.connection = {.service = SERVICE_IMAP}};
	int clients[PARKED_A_MAILBOX], sv[2];

	(void)state;
	for (size_t i = 0; i < PARKED_A_MAILBOX; i++)
		assert_true((clients[i] = park("a@example.org", i)) != -1);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	assert_int_equal(parked_add(&m, "a@example.org", &parked, sv[0]), PARKED_REFUSED);
	assert_int_equal(parked_add(&m, "b@example.org", &parked, sv[0]), PARKED_KEPT);
	close(sv[1]);
	parked_drop(&m, "a@example.org");
	assert_int_equal(m.sessions.parked_count, 1);
	for (size_t i = 0; i < PARKED_A_MAILBOX; i++)
		close(clients[i]);
}

/* Half of the descriptors are for other things than sleep. */
static void
test_all_together_have_their_share(void **state)
{
	struct rlimit before, few;
	int clients[8];

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = before;
	few.rlim_cur = 12;
	for (size_t i = 0; i < 6; i++)
		assert_true((clients[i] = park("a@example.org", i)) != -1);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, clients + 6), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	assert_int_equal(
	    parked_add(&m, "b@example.org", &(struct ms_parked){.tag = ""}, clients[6]),
	    PARKED_FULL);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	for (size_t i = 0; i < 8; i++)
		close(clients[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_each_mailbox_gets_its_own_back, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_one_that_ends_is_forgotten, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_what_is_no_socket_is_refused, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_a_mailbox_has_its_share, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_all_together_have_their_share, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
