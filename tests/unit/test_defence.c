/* SPDX-License-Identifier: ISC */
/* Who talks before the greeting, and who waits for replies: by the order of events, not by the
 * clock. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/gate_house.h"
#include "worker/gate/defence.h"

#define GREETING "echo\r\n"

static unsigned
defended_house(struct house *h, const struct mg_settings *defences, const struct network *exempt)
{
	unsigned listener;

	house_build_with(h, defences);
	if (exempt != NULL)
		assert_int_equal(ipc_send_fd(h->control, MG_EXEMPT, 0,
					     &(struct mg_exempt){EXEMPT_DEFENCES},
					     sizeof(struct mg_exempt), (const char *)exempt,
					     sizeof(*exempt), -1),
				 0);
	listener = house_listen(h, SERVICE_SMTP, TLS_NONE, false, NULL, 0, 0);
	house_open(h);
	return listener;
}

static struct network
loopback(void)
{
	struct network network = {.bits = 104};

	assert_int_equal(inet_pton(AF_INET6, "::ffff:127.0.0.0", &network.address), 1);
	return network;
}

static int64_t
milliseconds(void)
{
	struct timespec now;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/*
 * Nothing has come, or this process was so slow that DELAY, which began after SINCE, is over. The
 * gate's clock is a coarse one.
 */
static void
hears_nothing(int fd, int64_t since, int64_t delay)
{
	char c;
	ssize_t n = recv(fd, &c, 1, MSG_DONTWAIT);

	assert_true(n == -1 || milliseconds() - since >= delay - 20);
}

static void
who_talks_early_is_refused(void **state)
{
	const struct mg_settings defences = {.greeting_pause = 600};
	struct house h;
	int client;

	(void)state;
	defended_house(&h, &defences, NULL);
	client = client_connect(&h, 0);
	client_send(client, "EHLO spam.example\r\n");
	house_admit(&h, MG_ADMIT_OK);
	client_expect(client, "554 early\r\n");
	client_expect_end(client);
	close(client);
	house_expect(&h, MG_GONE);
	house_close(&h);
}

/* It is greeted when the pause is over, and what it said is not lost. */
static void
who_talks_early_is_noted(void **state)
{
	const struct mg_settings defences = {.greeting_pause = 1, .note_early = 1};
	struct house h;
	int client;

	(void)state;
	defended_house(&h, &defences, NULL);
	client = client_connect(&h, 0);
	client_send(client, "NOOP\r\n");
	house_admit(&h, MG_ADMIT_OK);
	client_expect(client, GREETING "NOOP\r\n");
	close(client);
	house_close(&h);
}

/* The second connection is greeted at once: no time of its own runs, for it may talk at once. */
static void
who_has_waited_is_known(void **state)
{
	const struct mg_settings defences = {.greeting_pause = 1};
	struct house h;
	int client;

	(void)state;
	defended_house(&h, &defences, NULL);
	client = client_admitted(&h, 0);
	client_expect(client, GREETING);
	close(client);
	house_expect(&h, MG_GONE);
	client = client_connect(&h, 0);
	client_send(client, "NOOP\r\n");
	house_admit(&h, MG_ADMIT_OK);
	client_expect(client, GREETING "NOOP\r\n");
	close(client);
	house_close(&h);
}

static void
who_leaves_early_is_gone(void **state)
{
	const struct mg_settings defences = {.greeting_pause = 600};
	struct house h;
	int client;

	(void)state;
	defended_house(&h, &defences, NULL);
	client = client_admitted(&h, 0);
	close(client);
	house_expect(&h, MG_GONE);
	house_close(&h);
}

static void
the_exempt_do_not_wait(void **state)
{
	const struct mg_settings defences = {.greeting_pause = 600, .tarpit = 600};
	const struct network exempt = loopback();
	struct house h;
	int client;

	(void)state;
	defended_house(&h, &defences, &exempt);
	client = client_connect(&h, 0);
	client_send(client, TOY_ERROR TOY_ERROR TOY_ERROR TOY_ERROR);
	house_admit(&h, MG_ADMIT_OK);
	client_expect(client, GREETING TOY_ERROR TOY_ERROR TOY_ERROR TOY_ERROR);
	close(client);
	house_close(&h);
}

/* A client that speaks TLS here is told so, and not taken for a spammer. */
static void
tls_is_no_early_talk(void **state)
{
	const struct mg_settings defences = {.greeting_pause = 600};
	struct house h;
	int client;

	(void)state;
	defended_house(&h, &defences, NULL);
	client = client_connect(&h, 0);
	client_send(client, TOY_HELLO);
	house_admit(&h, MG_ADMIT_OK);
	client_expect(client, GREETING "500 tls\r\n");
	close(client);
	house_close(&h);
}

/*
 * Three errors are free, the replies to those that follow wait longer and longer. While the sixth
 * does (four seconds), what was said behind it waits too, and another client is served. From the
 * same address: it has no errors free.
 */
static void
errors_are_answered_late(void **state)
{
	const struct mg_settings defences = {.tarpit = 32};
	struct house h;
	int guesser, other;
	int64_t sixth, seventh;

	(void)state;
	defended_house(&h, &defences, NULL);
	guesser = client_admitted(&h, 0);
	client_expect(guesser, GREETING);
	for (int i = 0; i < DEFENCE_FREE + 2; i++) {
		client_send(guesser, TOY_ERROR);
		client_expect(guesser, TOY_ERROR);
	}
	sixth = milliseconds();
	client_send(guesser, TOY_ERROR "NOOP\r\n");
	other = client_admitted(&h, 0);
	client_expect(other, GREETING);
	client_send(other, "NOOP\r\n");
	client_expect(other, "NOOP\r\n");
	seventh = milliseconds();
	client_send(other, TOY_ERROR);
	close(client_admitted(&h, 0));
	hears_nothing(guesser, sixth, 4000);
	hears_nothing(other, seventh, 8000);
	close(guesser);
	close(other);
	house_close(&h);
}

static void
delays_grow_to_a_bound(void **state)
{
	(void)state;
	assert_int_equal(defence_step(0), -1);
	assert_int_equal(defence_step(DEFENCE_FREE), -1);
	for (int i = 0; i < DEFENCE_STEPS; i++)
		assert_int_equal(defence_step(DEFENCE_FREE + 1 + (uint32_t)i), i);
	assert_int_equal(defence_step(UINT32_MAX), DEFENCE_STEPS - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(who_talks_early_is_refused),
	    cmocka_unit_test(who_talks_early_is_noted),
	    cmocka_unit_test(who_has_waited_is_known),
	    cmocka_unit_test(who_leaves_early_is_gone),
	    cmocka_unit_test(the_exempt_do_not_wait),
	    cmocka_unit_test(tls_is_no_early_talk),
	    cmocka_unit_test(errors_are_answered_late),
	    cmocka_unit_test(delays_grow_to_a_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
