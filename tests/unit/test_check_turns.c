/* SPDX-License-Identifier: ISC */
/* Whose mail is checked next: nobody's many checks hold up another's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "worker/queue/check_turns.h"

static struct check_turns turns;

static struct check_key
stranger(const char *text)
{
	struct in6_addr address;

	assert_int_equal(inet_pton(AF_INET6, text, &address), 1);
	return check_key_stranger(&address);
}

static struct check_turn *
enter(struct check_key key)
{
	struct check_turn *turn = calloc(1, sizeof(*turn));

	assert_non_null(turn);
	assert_int_equal(check_turn_enter(&turns, &key, turn), 0);
	return turn;
}

static void
leave(struct check_turn *turn)
{
	check_turn_leave(&turns, turn);
	free(turn);
}

/* Asks as many as may be, and says how many; into LIST. */
static size_t
ask_all(struct check_turn **list)
{
	struct check_turn *turn;
	size_t count = 0;

	while ((turn = check_turns_next(&turns)) != NULL) {
		check_turn_ask(&turns, turn);
		list[count++] = turn;
	}
	return count;
}

static void
assert_empty(void)
{
	assert_true(RB_EMPTY(&turns.sources));
	assert_int_equal(turns.asked, 0);
	assert_int_equal(turns.asked_strangers, 0);
	assert_null(check_turns_next(&turns));
}

static void
one_address_has_its_share(void **state)
{
	struct check_turn *flood[CHECK_ASKED_MAX], *list[CHECK_ASKED_MAX], *other;

	(void)state;
	check_turns_init(&turns);
	for (size_t i = 0; i < CHECK_ASKED_MAX; i++)
		flood[i] = enter(stranger("::ffff:192.0.2.1"));
	assert_int_equal(ask_all(list), CHECK_SOURCE_MAX);
	other = enter(stranger("::ffff:192.0.2.2"));
	assert_ptr_equal(check_turns_next(&turns), other);
	/* A check of the flood that is over makes room for one of it, in order. */
	leave(other);
	assert_null(check_turns_next(&turns));
	leave(flood[0]);
	assert_ptr_equal(check_turns_next(&turns), flood[CHECK_SOURCE_MAX]);
	for (size_t i = 1; i < CHECK_ASKED_MAX; i++)
		leave(flood[i]);
	assert_empty();
}

static void
many_networks_leave_room_for_users(void **state)
{
	struct check_turn *flood[2 * CHECK_ASKED_MAX], *list[CHECK_ASKED_MAX], *user;
	char text[64];

	(void)state;
	check_turns_init(&turns);
	for (size_t i = 0; i < 2 * CHECK_ASKED_MAX; i++) {
		(void)snprintf(text, sizeof(text), "2001:db8:%zx::1", i);
		flood[i] = enter(stranger(text));
	}
	assert_int_equal(ask_all(list), CHECK_KIND_MAX);
	user = enter(check_key_submitter("alice@example.org"));
	assert_ptr_equal(check_turns_next(&turns), user);
	leave(user);
	for (size_t i = 0; i < 2 * CHECK_ASKED_MAX; i++)
		leave(flood[i]);
	assert_empty();
}

static void
many_users_leave_room_for_strangers(void **state)
{
	struct check_turn *flood[CHECK_ASKED_MAX], *list[CHECK_ASKED_MAX], *one;
	char name[64];

	(void)state;
	check_turns_init(&turns);
	for (size_t i = 0; i < CHECK_ASKED_MAX; i++) {
		(void)snprintf(name, sizeof(name), "u%zu@example.org", i);
		flood[i] = enter(check_key_submitter(name));
	}
	assert_int_equal(ask_all(list), CHECK_KIND_MAX);
	one = enter(stranger("2001:db8::1"));
	assert_ptr_equal(check_turns_next(&turns), one);
	leave(one);
	for (size_t i = 0; i < CHECK_ASKED_MAX; i++)
		leave(flood[i]);
	assert_empty();
}

/* Nor does a user hold up another. */
static void
a_user_has_his_share(void **state)
{
	struct check_turn *alice[CHECK_ASKED_MAX], *list[CHECK_ASKED_MAX], *bob;

	(void)state;
	check_turns_init(&turns);
	for (size_t i = 0; i < CHECK_ASKED_MAX; i++)
		alice[i] = enter(check_key_submitter("alice@example.org"));
	bob = enter(check_key_submitter("bob@example.org"));
	assert_int_equal(ask_all(list), CHECK_SOURCE_MAX + 1);
	assert_ptr_equal(list[0], alice[0]);
	assert_ptr_equal(list[1], bob);
	leave(bob);
	for (size_t i = 0; i < CHECK_ASKED_MAX; i++)
		leave(alice[i]);
	assert_empty();
}

static void
what_waits_again_comes_first(void **state)
{
	struct check_turn *first, *second, *neighbour;

	(void)state;
	check_turns_init(&turns);
	first = enter(stranger("2001:db8::1"));
	neighbour = enter(stranger("2001:db8::2")); /* of the same 64 bits */
	second = enter(stranger("2001:db8:0:1::1"));
	check_turn_ask(&turns, first);
	assert_ptr_equal(check_turns_next(&turns), second);
	check_turn_ask(&turns, second);
	assert_ptr_equal(check_turns_next(&turns), neighbour);
	check_turn_back(&turns, first);
	assert_ptr_equal(check_turns_next(&turns), first);
	leave(first);
	leave(second);
	leave(neighbour);
	assert_empty();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_address_has_its_share),
	    cmocka_unit_test(many_networks_leave_room_for_users),
	    cmocka_unit_test(many_users_leave_room_for_strangers),
	    cmocka_unit_test(a_user_has_his_share),
	    cmocka_unit_test(what_waits_again_comes_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
