/* SPDX-License-Identifier: ISC */
#include "master/parked.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "master/master.h"

struct parked {
	RB_ENTRY(parked) entry;
	struct master *master;
	char *name;
	uint64_t number; /* one mailbox's are in their order */
	struct ms_parked state;
	int fd;
	bool wants; /* something has come */
	struct event *readable;
};

static int
parked_compare(const struct parked *a, const struct parked *b)
{
	int order = strcmp(a->name, b->name);

	return order != 0 ? order : (a->number > b->number) - (a->number < b->number);
}

/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it loses track of a tree from which all is freed */
RB_GENERATE_INTERNAL(parked_tree, parked, entry, parked_compare, static __attribute__((unused)))

/* All but the descriptor. */
static void
forget(struct parked *p)
{
	RB_REMOVE(parked_tree, &p->master->sessions.parked, p);
	p->master->sessions.parked_count--;
	event_free(p->readable);
	free(p->name);
	free(p);
}

static void
drop(struct parked *p)
{
	close(p->fd);
	forget(p);
}

/* The first of a mailbox. */
static struct parked *
first_of(const struct master *m, const char *name)
{
	struct parked key = {.name = (char *)(uintptr_t)name}, *p;
	struct parked_tree *tree = (struct parked_tree *)(uintptr_t)&m->sessions.parked;

	p = RB_NFIND(parked_tree, tree, &key);
	return p != NULL && strcmp(p->name, name) == 0 ? p : NULL;
}

/* A byte, or the end: a client that has just gone wakes nobody. */
static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct parked *p = arg;
	int octets = 0;

	(void)what;
	if (ioctl(fd, FIONREAD, &octets) == -1 || octets == 0) {
		log_event(LOG_INFO, "imap.closed", KV_CONN(p->state.connection.conn),
			  KV_STR("user", p->name), KV_STR("why", "the client went away in IDLE"));
		drop(p);
		return;
	}
	p->wants = true;
	sessions_wake(p->master, p->name);
}

static size_t
count_of(const struct master *m, const char *name)
{
	size_t count = 0;

	for (struct parked *p = first_of(m, name); p != NULL && strcmp(p->name, name) == 0;
	     p = RB_NEXT(parked_tree, &m->sessions.parked, p))
		count++;
	return count;
}

/* Half of the descriptors the master may have; the others are for all else it does. */
static size_t
most(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? (size_t)limit.rlim_cur / 2 : 0;
}

static void
free_unkept(struct parked *p)
{
	if (p->readable != NULL)
		event_free(p->readable);
	free(p->name);
	free(p);
}

enum parked_verdict
parked_add(struct master *m, const char *name, const struct ms_parked *state, int fd)
{
	struct parked *p;

	if (count_of(m, name) >= PARKED_A_MAILBOX)
		return PARKED_REFUSED;
	if (m->sessions.parked_count >= most() || (p = calloc(1, sizeof(*p))) == NULL)
		return PARKED_FULL;
	p->master = m;
	p->name = strdup(name);
	p->state = *state;
	p->fd = fd;
	p->readable = event_new(m->base, fd, EV_READ, on_readable, p);
	if (p->name == NULL || p->readable == NULL) {
		free_unkept(p);
		return PARKED_FULL;
	}
	/* What can't be waited for is no socket: its process is up to something. */
	if (event_add(p->readable, NULL) == -1) {
		free_unkept(p);
		return PARKED_REFUSED;
	}
	p->number = ++m->sessions.parked_last;
	RB_INSERT(parked_tree, &m->sessions.parked, p);
	m->sessions.parked_count++;
	return PARKED_KEPT;
}

int
parked_take(struct master *m, const char *name, struct ms_parked *state)
{
	struct parked *p = first_of(m, name);
	int fd;

	if (p == NULL)
		return -1;
	*state = p->state;
	fd = p->fd;
	forget(p);
	return fd;
}

bool
parked_want(const struct master *m, const char *name)
{
	for (struct parked *p = first_of(m, name); p != NULL && strcmp(p->name, name) == 0;
	     p = RB_NEXT(parked_tree, &m->sessions.parked, p))
		if (p->wants)
			return true;
	return false;
}

void
parked_drop(struct master *m, const char *name)
{
	struct parked *p;

	while ((p = first_of(m, name)) != NULL)
		drop(p);
}

void
parked_free(struct master *m)
{
	struct parked *p;

	while ((p = RB_MIN(parked_tree, &m->sessions.parked)) != NULL)
		drop(p); /* NOLINT(clang-analyzer-unix.Malloc): it leaves the tree */
}
