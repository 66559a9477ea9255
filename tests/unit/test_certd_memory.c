/* SPDX-License-Identifier: ISC */
/* The arena: alignment, reuse, wiping, bounds. And the rotation of ticket keys. */
#include "tests/unit/certd_support.h"

#include <stdlib.h>
#include <string.h>

#include "certd/arena.h"
#include "certd/tickets.h"

#define SIZE 65536

static void
test_arena(void **state)
{
	static _Alignas(16) uint8_t memory[SIZE];
	struct arena arena;
	uint8_t *a, *b;

	(void)state;
	arena_init(&arena, memory, SIZE);
	for (size_t size = 1; size < 4000; size += 37) {
		a = arena_alloc(&arena, size);
		if (a == NULL)
			break;
		assert_true(arena_owns(&arena, a));
		assert_int_equal((uintptr_t)a % 16, 0);
		assert_true(arena_size(&arena, a) >= size);
		assert_true(arena_size(&arena, a) <= size + size / 2 + 32);
		memset(a, 0xee, arena_size(&arena, a));
		arena_free(&arena, a);
		for (size_t i = sizeof(void *); i < arena_size(&arena, a); i++)
			assert_int_equal(a[i], 0);
		b = arena_alloc(&arena, size);
		assert_ptr_equal(a, b);
		for (size_t i = 0; i < arena_size(&arena, b); i++)
			assert_int_equal(b[i], 0);
		arena_free(&arena, b);
	}
	assert_false(arena_owns(&arena, &arena));
	assert_false(arena_owns(&arena, memory + SIZE));
}

static void
test_full(void **state)
{
	static _Alignas(16) uint8_t memory[SIZE];
	struct arena arena;
	void *blocks[1024], *p;
	size_t count = 0;

	(void)state;
	arena_init(&arena, memory, SIZE);
	assert_null(arena_alloc(&arena, SIZE));
	assert_null(arena_alloc(&arena, SIZE_MAX));
	while ((p = arena_alloc(&arena, 200)) != NULL) {
		assert_true(count < 1024);
		blocks[count++] = p;
		memset(p, 1, 200);
	}
	assert_true(count > SIZE / 300);
	for (size_t i = 0; i < count; i++) {
		for (size_t j = i + 1; j < count; j++)
			assert_true(labs((char *)blocks[i] - (char *)blocks[j]) >= 200);
	}
	for (size_t i = 0; i < count; i++)
		arena_free(&arena, blocks[i]);
	for (size_t i = 0; i < count; i++)
		assert_non_null(arena_alloc(&arena, 200));
}

static void
test_tickets(void **state)
{
	struct gc_ticket_keys *tickets = tickets_new(), before;
	struct error err;

	(void)state;
	assert_non_null(tickets);
	assert_int_equal(tickets->count, 0);
	for (uint32_t i = 1; i <= 6; i++) {
		before = *tickets;
		assert_int_equal(tickets_rotate(tickets, &err), 0);
		assert_int_equal(tickets->count, i < TICKET_KEYS ? i : TICKET_KEYS);
		/* A new one in front, the others a place on, the oldest gone. */
		assert_memory_not_equal(&tickets->key[0], &before.key[0], sizeof(before.key[0]));
		assert_memory_equal(&tickets->key[1], &before.key[0],
				    (TICKET_KEYS - 1) * sizeof(before.key[0]));
		assert_memory_not_equal(tickets->key[0].aes, tickets->key[0].hmac, 32);
	}
	tickets_free(tickets);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_arena),
	    cmocka_unit_test(test_full),
	    cmocka_unit_test(test_tickets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
