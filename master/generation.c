/* SPDX-License-Identifier: ISC */
#include "master/generation.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"

#define BACKLOG 4096 /* the kernel takes less if net.core.somaxconn is less */

struct generation *
generation_hold(struct generation *g)
{
	g->references++;
	return g;
}

void
generation_close(struct generation *g)
{
	for (size_t i = 0; i < g->bound_count; i++) {
		if (g->bound[i].fd != -1)
			close(g->bound[i].fd);
		g->bound[i].fd = -1;
	}
}

void
generation_release(struct generation *g)
{
	if (g == NULL || --g->references > 0)
		return;
	generation_close(g);
	conf_free(g->conf);
	free(g->bound);
	free(g);
}

static int
set_option(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value));
}

static int
bind_socket(int fd, const struct endpoint *e)
{
	if (set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1) == -1)
		return -1;
	/* IPv4 has a socket of its own. */
	if (e->address.any.sa_family == AF_INET6 &&
	    set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) == -1)
		return -1;
	return bind(fd, &e->address.any, e->length);
}

/*
 * The address is in use, maybe by a socket of the old generation that overlaps this one (all
 * addresses before, one of them now): for this moment both share the port.
 */
static int
bind_beside_old(int fd, const struct endpoint *e, const struct generation *old)
{
	int result;

	if (old == NULL || set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1) == -1)
		return -1;
	for (size_t i = 0; i < old->bound_count; i++) {
		if (old->bound[i].fd != -1 && endpoint_overlaps(&old->bound[i].endpoint, e))
			set_option(old->bound[i].fd, SOL_SOCKET, SO_REUSEPORT, 1);
	}
	result = bind(fd, &e->address.any, e->length);
	if (result == 0)
		result = listen(fd, BACKLOG);
	set_option(fd, SOL_SOCKET, SO_REUSEPORT, 0);
	for (size_t i = 0; i < old->bound_count; i++) {
		if (old->bound[i].fd != -1 && endpoint_overlaps(&old->bound[i].endpoint, e))
			set_option(old->bound[i].fd, SOL_SOCKET, SO_REUSEPORT, 0);
	}
	return result;
}

/* A new listening socket, or -1 with errno. */
static int
open_socket(const struct endpoint *e, const struct generation *old)
{
	int fd = socket(e->address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int saved;

	if (fd == -1)
		return -1;
	if (bind_socket(fd, e) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	if (errno == EADDRINUSE && bind_beside_old(fd, e, old) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static const struct bound *
find_old(const struct generation *old, const struct endpoint *e)
{
	for (size_t i = 0; old != NULL && i < old->bound_count; i++) {
		if (old->bound[i].fd != -1 && endpoint_equal(&old->bound[i].endpoint, e))
			return &old->bound[i];
	}
	return NULL;
}

static int
take_activated(struct activated *activated, size_t count, const struct endpoint *e)
{
	for (size_t i = 0; i < count; i++) {
		int fd = activated[i].fd;

		if (fd != -1 && endpoint_equal(&activated[i].endpoint, e)) {
			activated[i].fd = -1;
			return fd;
		}
	}
	return -1;
}

/* Does a socket for all of IPv6 that came from the init system serve IPv4 as well? */
static bool
covered(const struct activated *activated, size_t count, const struct endpoint *e)
{
	if (e->address.any.sa_family != AF_INET || !endpoint_is_any(e))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (activated[i].both_families &&
		    endpoint_port(&activated[i].endpoint) == endpoint_port(e))
			return true;
	}
	return false;
}

static void
bind_problem(struct conf_problems *problems, const struct conf_listener *l,
	     const struct endpoint *e, int error)
{
	char text[ENDPOINT_TEXT_SIZE];

	endpoint_text(e, text);
	if (error == EADDRINUSE)
		conf_problem(problems, l->where,
			     "%s is in use by another program (ss -ltnp 'sport = :%u' shows which "
			     "one): stop it, or give another port",
			     text, endpoint_port(e));
	else if (error == EACCES)
		conf_problem(problems, l->where,
			     "%s cannot be bound without root: give a port of 1024 or more", text);
	else if (error == EADDRNOTAVAIL)
		conf_problem(problems, l->where, "%s is not an address of this host", text);
	else
		conf_problem(problems, l->where, "%s cannot be bound: %s", text, strerror(error));
}

/* Groups are carried on from the old generation; each only to one listener. */
static uint32_t
group_of(const struct generation *g, const struct bound *old, uint32_t *next)
{
	const struct conf_listener *l = g->bound[g->bound_count].conf;

	for (size_t i = 0; i < g->bound_count; i++) {
		if (g->bound[i].conf == l)
			return g->bound[i].group;
	}
	for (size_t i = 0; old != NULL && i < g->bound_count; i++) {
		if (g->bound[i].group == old->group)
			old = NULL;
	}
	return old != NULL ? old->group : (*next)++;
}

struct binder {
	struct generation *g;
	const struct generation *old;
	struct activated *activated;
	size_t count;
	uint32_t *next_group;
	struct conf_problems *problems;
};

static void
bind_one(struct binder *b, const struct conf_listener *l, const struct endpoint *e)
{
	struct bound *bound = &b->g->bound[b->g->bound_count];
	const struct bound *old = find_old(b->old, e);

	bound->endpoint = *e;
	bound->conf = l;
	if (old != NULL)
		bound->fd = fcntl(old->fd, F_DUPFD_CLOEXEC, 0);
	else
		bound->fd = take_activated(b->activated, b->count, e);
	if (bound->fd == -1 && old == NULL && covered(b->activated, b->count, e))
		return;
	if (bound->fd == -1 && old == NULL)
		bound->fd = open_socket(e, b->old);
	if (bound->fd == -1 && errno == EAFNOSUPPORT && l->all_addresses) {
		log_event(LOG_NOTICE, "listener.skipped",
			  KV_STR("service", conf_services[l->service]),
			  KV_STR("why", "this host has no such address family"));
		return;
	}
	if (bound->fd == -1) {
		bind_problem(b->problems, l, e, errno);
		return;
	}
	bound->group = group_of(b->g, old, b->next_group);
	b->g->bound_count++;
}

static struct generation *
generation_new(size_t sockets)
{
	struct generation *g = calloc(1, sizeof(*g));

	if (g == NULL)
		return NULL;
	g->references = 1;
	g->bound = calloc(sockets, sizeof(*g->bound));
	if (g->bound != NULL)
		return g;
	free(g);
	return NULL;
}

struct generation *
generation_bind(struct configuration *conf, const struct generation *old,
		struct activated *activated, size_t count, uint32_t *next_group,
		struct conf_problems *problems)
{
	struct binder b = {.old = old,
			   .activated = activated,
			   .count = count,
			   .next_group = next_group,
			   .problems = problems};
	size_t errors = problems->errors;

	b.g = generation_new(conf->listener_count * CONF_ADDRESSES_MAX);
	if (b.g == NULL) {
		conf_problem(problems, (struct conf_where){.file = conf->path}, "out of memory");
		return NULL;
	}
	b.g->number = old == NULL ? 1 : old->number + 1;
	for (size_t i = 0; i < conf->listener_count; i++) {
		const struct conf_listener *l = &conf->listeners[i];

		for (size_t j = 0; j < l->address_count; j++)
			bind_one(&b, l, &l->addresses[j]);
	}
	if (problems->errors == errors) {
		b.g->conf = conf;
		return b.g;
	}
	generation_release(b.g);
	return NULL;
}
