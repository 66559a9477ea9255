/* SPDX-License-Identifier: ISC */
#include "master/watch.h"

#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "master/master.h"
#include "master/roles.h"
#include "master/trust.h"

/* An editor writes, syncs, renames: one change, not five. */
#define SETTLE_USEC 200000

/* Of the folder, since editors and posternctl put a new file in the old one's place. */
#define WATCHED (IN_CLOSE_WRITE | IN_MOVED_TO | IN_ATTRIB | IN_ONLYDIR)

/* A file in a folder that is watched. */
struct place {
	int folder; /* inotify's number of it; -1: none */
	char *name; /* of the file in it */
};

struct watch {
	struct watch *next;
	struct master *master;
	bool trust; /* a file of client certificates' checks, not accounts.conf */
	int fd;
	char *path;
	char *real_path;    /* NULL: it was not there */
	struct place named; /* as it is called */
	struct place real;  /* where symbolic links lead */
	struct event *readable;
	struct event *settled;
};

static int
place_find(struct watch *w, struct place *place, const char *path)
{
	char *folder = strdup(path), *file = strdup(path);

	free(place->name);
	*place = (struct place){.folder = -1};
	if (folder != NULL && file != NULL) {
		place->name = strdup(basename(file));
		place->folder = inotify_add_watch(w->fd, dirname(folder), WATCHED);
	}
	free(folder);
	free(file);
	return place->folder == -1 || place->name == NULL ? -1 : 0;
}

/* A link may lead elsewhere by now. One that leads nowhere is watched itself. */
static void
follow(struct watch *w)
{
	char *real = realpath(w->path, NULL);
	int old = w->real.folder;

	if (real == NULL)
		return;
	if (place_find(w, &w->real, real) == -1)
		log_event(LOG_WARNING, w->trust ? "verify.unwatched" : "accounts.unwatched",
			  KV_STR("file", real), KV_ERRNO(errno),
			  KV_STR("so", "changes are taken on SIGHUP only"));
	if (old != -1 && old != w->named.folder && old != w->real.folder)
		(void)inotify_rm_watch(w->fd, old);
	free(w->real_path);
	w->real_path = real;
}

/* A link on the way may have been changed ("data/accounts.conf" when "data" is): only the path says
 * so. */
static bool
leads_elsewhere(const struct watch *w)
{
	char *real = realpath(w->path, NULL);
	bool elsewhere = real != NULL && (w->real_path == NULL || strcmp(real, w->real_path) != 0);

	free(real);
	return elsewhere;
}

static void
on_settled(evutil_socket_t fd, short what, void *arg)
{
	struct watch *w = arg;
	struct error err;

	(void)fd;
	(void)what;
	follow(w);
	if (w->trust) {
		log_event(LOG_INFO, "verify.changed", KV_STR("file", w->path));
		trust_changed(w->master);
		return;
	}
	log_event(LOG_INFO, "accounts.changed", KV_STR("file", master_conf(w->master)->accounts));
	/* It logs what is wrong. */
	(void)accounts_send_file(w->master, &err);
}

static bool
is_at(const struct place *place, const struct inotify_event *event)
{
	return event->len > 0 && event->wd == place->folder && place->name != NULL &&
	       strcmp(event->name, place->name) == 0;
}

/* Is one of the events in the buffer about our file? An overflow may have been. */
static bool
concerns(const struct watch *w, const char *buffer, size_t length)
{
	const struct inotify_event *event;
	bool found = false;

	for (size_t at = 0; at + sizeof(*event) <= length; at += sizeof(*event) + event->len) {
		event = (const struct inotify_event *)(const void *)(buffer + at);
		if ((event->mask & IN_Q_OVERFLOW) != 0 || is_at(&w->named, event) ||
		    is_at(&w->real, event))
			found = true;
	}
	return found;
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	_Alignas(struct inotify_event) char buffer[4096];
	struct timeval tv = {.tv_usec = SETTLE_USEC};
	struct watch *w = arg;
	ssize_t n;

	(void)what;
	while ((n = read(fd, buffer, sizeof(buffer))) > 0) {
		if (concerns(w, buffer, (size_t)n) || leads_elsewhere(w))
			evtimer_add(w->settled, &tv);
	}
}

static void
watch_free(struct watch *w)
{
	if (w->readable != NULL)
		event_free(w->readable);
	if (w->settled != NULL)
		event_free(w->settled);
	if (w->fd != -1)
		close(w->fd);
	free(w->path);
	free(w->real_path);
	free(w->named.name);
	free(w->real.name);
	free(w);
}

static int
watch_files(struct watch *w, const char *path)
{
	w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	w->path = strdup(path);
	if (w->fd == -1 || w->path == NULL || place_find(w, &w->named, path) == -1)
		return -1;
	follow(w);
	return 0;
}

static bool
is_watched(const struct master *m, const char *path)
{
	for (const struct watch *w = m->watch; w != NULL; w = w->next) {
		if (strcmp(w->path, path) == 0)
			return true;
	}
	return false;
}

static void
watch_add(struct master *m, const char *path, bool trust)
{
	struct watch *w;

	if (path == NULL || is_watched(m, path))
		return;
	w = calloc(1, sizeof(*w));
	if (w != NULL) {
		w->master = m;
		w->trust = trust;
		w->fd = w->named.folder = w->real.folder = -1;
		if (watch_files(w, path) == 0) {
			w->readable =
			    event_new(m->base, w->fd, EV_READ | EV_PERSIST, on_readable, w);
			w->settled = evtimer_new(m->base, on_settled, w);
		}
	}
	if (w == NULL || w->readable == NULL || w->settled == NULL ||
	    event_add(w->readable, NULL) == -1) {
		log_event(LOG_WARNING, trust ? "verify.unwatched" : "accounts.unwatched",
			  KV_STR("file", path), KV_ERRNO(errno),
			  KV_STR("so", "changes are taken on SIGHUP only"));
		if (w != NULL)
			watch_free(w);
		return;
	}
	w->next = m->watch;
	m->watch = w;
}

void
watch_start(struct master *m)
{
	const struct configuration *conf = master_conf(m);

	watch_stop(m);
	watch_add(m, conf->accounts, false);
	for (size_t i = 0; i < conf->listener_count; i++) {
		const struct conf_listener *l = &conf->listeners[i];

		if (l->clients == CLIENT_OFF)
			continue;
		watch_add(m, l->client_authorities, true);
		watch_add(m, l->client_crl, true);
	}
}

void
watch_stop(struct master *m)
{
	struct watch *w;

	while ((w = m->watch) != NULL) {
		m->watch = w->next;
		watch_free(w);
	}
}
