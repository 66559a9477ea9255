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

struct watch {
	struct watch *next;
	struct master *master;
	bool trust; /* a file of client certificates' checks, not accounts.conf */
	int fd;
	char *path;
	char *name; /* of the file in its folder */
	struct event *readable;
	struct event *settled;
};

static void
on_settled(evutil_socket_t fd, short what, void *arg)
{
	struct watch *w = arg;
	struct error err;

	(void)fd;
	(void)what;
	if (w->trust) {
		log_event(LOG_INFO, "verify.changed", KV_STR("file", w->path));
		trust_changed(w->master);
		return;
	}
	log_event(LOG_INFO, "accounts.changed", KV_STR("file", master_conf(w->master)->accounts));
	/* It logs what is wrong. */
	(void)accounts_send_file(w->master, &err);
}

/* Is one of the events in the buffer about our file? An overflow may have been. */
static bool
concerns(const struct watch *w, const char *buffer, size_t length)
{
	const struct inotify_event *event;
	bool found = false;

	for (size_t at = 0; at + sizeof(*event) <= length; at += sizeof(*event) + event->len) {
		event = (const struct inotify_event *)(const void *)(buffer + at);
		if ((event->mask & IN_Q_OVERFLOW) != 0 ||
		    (event->len > 0 && strcmp(event->name, w->name) == 0))
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
		if (concerns(w, buffer, (size_t)n))
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
	free(w->name);
	free(w);
}

static int
watch_folder(struct watch *w, const char *path)
{
	char *folder = strdup(path), *file = strdup(path);
	int result = -1;

	w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	w->path = strdup(path);
	if (folder != NULL && file != NULL && w->fd != -1) {
		w->name = strdup(basename(file));
		result = inotify_add_watch(w->fd, dirname(folder), WATCHED);
	}
	free(folder);
	free(file);
	return result == -1 || w->name == NULL || w->path == NULL ? -1 : 0;
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
		w->fd = -1;
		if (watch_folder(w, path) == 0) {
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
