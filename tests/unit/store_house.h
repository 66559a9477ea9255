/* SPDX-License-Identifier: ISC */
/* store_house - a mailbox in a folder of its own, and short ways to fill and read it. */
#ifndef POSTERN_TESTS_UNIT_STORE_HOUSE_H
#define POSTERN_TESTS_UNIT_STORE_HOUSE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "worker/session/store.h"

#define INBOX 1

/* A new folder in /tmp becomes the current directory; or is removed. */
int house_set_up(void **state);
int house_tear_down(void **state);

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_set_up, house_tear_down)

/* These fail the test with the store's words. */
struct store *house_open(void);
void house_ok(enum store_result, const struct error *);

/* Delivers COUNT messages. */
void house_deliver(struct store *, unsigned count);

int64_t house_folder(struct store *, const char *name);
struct store_folder house_about(struct store *, int64_t folder);

/* The folder as text: "1:S 2:SD(Foo) 5", flags as letters S A F D T. Static. */
const char *house_list(struct store *, int64_t folder);

/* Ranges as text: "1:3,5". Static. */
const char *house_ranges(const struct store_range *, size_t count);

/* Fails the test if a count kept in a folder or the account is not what is there. */
void house_check(struct store *);

/* Files below PATH. */
size_t house_files(const char *path);

#endif
