/* SPDX-License-Identifier: ISC */
/*
 * What relay and filter are told when they are started, and that another one comes when they would
 * be told other things after a reload: also of what no configuration file says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <event2/event.h>

#include "master/master.h"
#include "master/resolvers.h"
#include "master/roles.h"

/* -- What is beside ------------------------------------------------------------------------- */

static const char *nameserver; /* of resolv.conf(5) */
static unsigned started, replaced;

void __wrap_resolvers_of(const struct configuration *, char[RESOLVERS_MAX][RESOLVER_SIZE]);
void
__wrap_resolvers_of(const struct configuration *conf, char out[RESOLVERS_MAX][RESOLVER_SIZE])
{
	(void)conf;
	memset(out, 0, (size_t)RESOLVERS_MAX * RESOLVER_SIZE);
	strlcpy(out[0], nameserver, RESOLVER_SIZE);
}

int __wrap_ipc_send(struct ipc_channel *, uint16_t, uint32_t, const void *, const char *, size_t,
		    int);
int
__wrap_ipc_send(struct ipc_channel *channel, uint16_t type, uint32_t id, const void *body,
		const char *tail, size_t tail_length, int fd)
{
	(void)channel;
	(void)type;
	(void)id;
	(void)body;
	(void)tail;
	(void)tail_length;
	(void)fd;
	return 0;
}

/* Its child is there, and is told. */
void __wrap_slot_fill(struct slot *);
void
__wrap_slot_fill(struct slot *slot)
{
	struct process p = {.master = slot->master, .role = slot->role};
	struct error err;

	started++;
	assert_int_equal(slot->role->configure(&p, &err), 0);
}

void __wrap_slot_restart(struct slot *);
void
__wrap_slot_restart(struct slot *slot)
{
	replaced++;
	__wrap_slot_fill(slot);
}

void __wrap_slot_succeed(struct slot *, unsigned);
void
__wrap_slot_succeed(struct slot *slot, unsigned seconds)
{
	(void)seconds;
	__wrap_slot_restart(slot);
}

/* -- Reloads -------------------------------------------------------------------------------- */

static struct master master;
static struct generation generation;

static int
set_up(void **state)
{
	static struct configuration conf;

	(void)state;
	conf = (struct configuration){.hostname = "mx.test"};
	conf.relay.wanted = true;
	conf.filter.check = FILTER_CHECK_ALL;
	generation = (struct generation){.conf = &conf};
	master = (struct master){.base = event_base_new(), .generation = &generation};
	nameserver = "192.0.2.1";
	started = replaced = 0;
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	slot_close(&master.relay);
	slot_close(&master.filter);
	event_base_free(master.base);
	return 0;
}

/* In force is CONF, in place of the one before. How many children another one has come for. */
static unsigned
reload(struct configuration conf)
{
	const struct configuration *old = generation.conf;
	static struct configuration kept[2];
	static unsigned next;

	next = !next;
	kept[next] = conf;
	generation.conf = &kept[next];
	replaced = 0;
	assert_int_equal(relay_start(&master, old), 0);
	assert_int_equal(filter_start(&master), 0);
	return replaced;
}

static void
start(void)
{
	assert_int_equal(relay_start(&master, NULL), 0);
	assert_int_equal(filter_start(&master), 0);
	assert_int_equal(started, 2);
	assert_int_equal(reload(*generation.conf), 0);
}

static void
other_name_servers_of_the_host(void **state)
{
	(void)state;
	start();
	nameserver = "192.0.2.2";
	assert_int_equal(reload(*generation.conf), 2);
	assert_int_equal(reload(*generation.conf), 0);
}

static void
another_configuration(void **state)
{
	struct configuration conf;

	(void)state;
	start();
	conf = *generation.conf;
	conf.filter.sign = 1;
	assert_int_equal(reload(conf), 1);
	strlcpy(conf.hostname, "mx2.test", sizeof(conf.hostname));
	assert_int_equal(reload(conf), 2);
	assert_int_equal(reload(conf), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(other_name_servers_of_the_host, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(another_configuration, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
