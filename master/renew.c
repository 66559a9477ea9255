/* SPDX-License-Identifier: ISC */
#include "master/renew.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/proto/ctl_certd.h"
#include "master/master.h"
#include "master/roles.h"

#define SETTLE 1     /* seconds without a change: key and certificate are written one by one */
#define AGAIN 10     /* seconds, when an import has failed: what follows may still be written */
#define TRIES 5      /* of one change; then the next change */
#define PATIENCE 660 /* seconds for an import: certd itself gives one up after 600 */
#define NO_FOLDER 60 /* seconds until a folder that is not there is looked for again */

/* Files are replaced by renaming, by new symbolic links (certbot), or in place. */
#define WATCHED (IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_MOVE_SELF | IN_ONLYDIR)

enum renew_state {
	RENEW_IDLE,
	RENEW_CERTIFICATE, /* certd has been given it */
	RENEW_KEY,
	RENEW_IMPORT, /* certd works */
};

enum { FILE_CERTIFICATE, FILE_KEY, FILE_COUNT };

struct renew {
	struct renew *next;
	struct master *master;
	char name[CERT_NAME_SIZE];
	char *folder;
	int inotify; /* -1: the folder is not there */
	struct event *readable;
	struct event *timer; /* look into it */
	enum renew_state state;
	unsigned tries;
	bool changed;  /* since the import began */
	bool missing;  /* that no files are there has been said */
	bool imported; /* certd has said which NAME it has become */
	int fds[FILE_COUNT];
	char files[FILE_COUNT][CERT_NAME_SIZE + 8];
	struct ipc_channel *certd;
};

static void
wait_for(struct renew *r, unsigned seconds)
{
	const struct timeval tv = {.tv_sec = (time_t)seconds};

	(void)evtimer_add(r->timer, &tv);
}

/* Whatever was under way is over; the channel is freed by its caller, or here. */
static void
give_up(struct renew *r)
{
	for (int i = 0; i < FILE_COUNT; i++) {
		if (r->fds[i] != -1)
			close(r->fds[i]);
		r->fds[i] = -1;
	}
	r->state = RENEW_IDLE;
	r->certd = NULL;
	if (r->timer != NULL)
		(void)evtimer_del(r->timer);
}

static void
failed(struct renew *r, const char *why)
{
	bool again = ++r->tries < TRIES;

	log_event(again ? LOG_NOTICE : LOG_ERR, "renew.failed", KV_STR("key", r->name),
		  KV_STR("folder", r->folder), KV_STR("why", why),
		  KV_STR("text", again ? "tried again in some seconds"
				       : "tried again when the folder changes"));
	if (again)
		wait_for(r, AGAIN);
}

static void
done(struct renew *r, const char *text)
{
	r->tries = 0;
	log_event(LOG_NOTICE, "renew.done", KV_STR("key", r->name), KV_STR("folder", r->folder),
		  KV_STR("text", text));
	if (r->changed)
		wait_for(r, SETTLE);
}

/* Gives certd the next file, or tells it to import them. */
static void
proceed(struct renew *r)
{
	struct cc_import import = {.flags = IMPORT_REPLACE};
	int file = r->state == RENEW_IDLE ? FILE_CERTIFICATE : FILE_KEY;

	r->state++;
	if (r->state != RENEW_IMPORT) {
		(void)ipc_send(r->certd, CC_IMPORT_FILE, r->state, NULL, r->files[file],
			       strlen(r->files[file]), r->fds[file]);
		close(r->fds[file]);
		r->fds[file] = -1;
		return;
	}
	strlcpy(import.name, r->name, sizeof(import.name));
	(void)ipc_send(r->certd, CC_IMPORT, r->state, &import, NULL, 0, -1);
}

static int
on_result(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct cc_result *result = message->body;
	struct renew *r = context;
	bool imported = r->imported;

	if (message->id != (uint32_t)r->state)
		return -1;
	if (result->ok == 1 && r->state != RENEW_IMPORT) {
		proceed(r);
		return 0;
	}
	give_up(r);
	if (result->ok == 1 && imported)
		done(r, message->tail);
	else
		failed(r, result->ok == 1 ? "its key has a pass phrase" : message->tail);
	ipc_close(channel);
	return 0;
}

static int
on_data(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct cc_data *data = message->body;
	struct renew *r = context;

	(void)channel;
	r->imported = data->kind == IMPORT_NAME;
	return 0;
}

static int
on_progress(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	(void)channel;
	(void)message;
	(void)context;
	return 0;
}

static void
on_ended(struct ipc_channel *channel, void *context)
{
	struct renew *r = context;

	(void)channel;
	give_up(r);
	failed(r, "certd has ended");
}

static const struct ipc_handler handlers[] = {
    {CC_RESULT, on_result},
    {CC_DATA, on_data},
    {CC_PROGRESS, on_progress},
    {0, NULL},
};

/* Only a regular file: certd would wait for what a FIFO never brings. */
static int
open_file(struct renew *r, int folder, int file, const char *name)
{
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd != -1 && (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode))) {
		close(fd);
		fd = -1;
		errno = EINVAL;
	}
	strlcpy(r->files[file], name, sizeof(r->files[file]));
	r->fds[file] = fd;
	return fd;
}

/* Says why NAME could not be opened, or, once, that nothing is there (yet). */
static void
not_opened(struct renew *r, const char *name, int why)
{
	char text[384];

	if (why != ENOENT) {
		snprintf(text, sizeof(text), "%s: %s", name,
			 why == EINVAL ? "not a regular file" : strerror(why));
		failed(r, text);
		return;
	}
	if (r->missing)
		return;
	r->missing = true;
	snprintf(text, sizeof(text),
		 "neither fullchain.pem and privkey.pem, nor fullchain.cer and %s.key, nor %s.crt "
		 "and %s.key are there",
		 r->name, r->name, r->name);
	log_event(LOG_WARNING, "renew.missing", KV_STR("key", r->name), KV_STR("folder", r->folder),
		  KV_STR("why", text));
}

/* Opens what certbot, acme.sh or lego call them. False: it can't, and has said why. */
static bool
open_files(struct renew *r)
{
	static const struct {
		const char *certificate, *key; /* NULL: NAME and the suffix */
	} kinds[] = {{"fullchain.pem", "privkey.pem"}, {"fullchain.cer", NULL}, {NULL, NULL}};
	int folder = open(r->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char names[FILE_COUNT][sizeof(r->files[0])];
	const char *name = r->folder;
	bool found = false;
	int why = errno;

	for (size_t i = 0; folder != -1 && !found && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		snprintf(names[FILE_CERTIFICATE], sizeof(names[0]), "%s.crt", r->name);
		snprintf(names[FILE_KEY], sizeof(names[0]), "%s.key", r->name);
		if (kinds[i].certificate != NULL)
			strlcpy(names[FILE_CERTIFICATE], kinds[i].certificate, sizeof(names[0]));
		if (kinds[i].key != NULL)
			strlcpy(names[FILE_KEY], kinds[i].key, sizeof(names[0]));
		found = true;
		for (int file = 0; found && file < FILE_COUNT; file++) {
			name = names[file];
			found = open_file(r, folder, file, name) != -1;
		}
		if (found)
			break;
		why = errno;
		give_up(r);
		/* Something is there, and is not as it should be: nothing else is tried. */
		if (why != ENOENT)
			break;
	}
	if (folder != -1)
		close(folder);
	if (found)
		r->missing = false;
	else
		not_opened(r, name, why);
	return found;
}

/* Asks certd as posternctl does. */
static void
begin(struct renew *r)
{
	int sv[2];

	if (ipc_pair(sv) == -1) {
		give_up(r);
		failed(r, strerror(errno));
		return;
	}
	if (certd_administrate(r->master, sv[1]) == 0)
		r->certd = ipc_open(r->master->base, sv[0], &ctl_certd_boundary, IPC_CLIENT,
				    handlers, on_ended, r, "certd");
	else
		close(sv[0]);
	close(sv[1]);
	if (r->certd == NULL) {
		give_up(r);
		wait_for(r, SETTLE); /* it is starting */
		return;
	}
	r->changed = false;
	r->imported = false;
	wait_for(r, PATIENCE);
	proceed(r);
}

static void
unwatch(struct renew *r)
{
	if (r->readable != NULL)
		event_free(r->readable);
	r->readable = NULL;
	if (r->inotify != -1)
		close(r->inotify);
	r->inotify = -1;
}

/* Is the folder itself gone, or elsewhere? */
static bool
is_gone(const char *buffer, size_t length)
{
	const struct inotify_event *event;

	for (size_t at = 0; at + sizeof(*event) <= length; at += sizeof(*event) + event->len) {
		event = (const struct inotify_event *)(const void *)(buffer + at);
		if ((event->mask & (IN_IGNORED | IN_MOVE_SELF)) != 0)
			return true;
	}
	return false;
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	_Alignas(struct inotify_event) char buffer[4096];
	struct renew *r = arg;
	bool gone = false;
	ssize_t n;

	(void)what;
	while ((n = read(fd, buffer, sizeof(buffer))) > 0)
		gone = gone || is_gone(buffer, (size_t)n);
	if (gone)
		unwatch(r); /* the timer looks for another */
	r->changed = true;
	r->tries = 0;
	if (r->state == RENEW_IDLE)
		wait_for(r, SETTLE);
}

/* True if it is watched. */
static bool
watch(struct renew *r)
{
	if (r->inotify != -1)
		return true;
	r->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (r->inotify != -1 && inotify_add_watch(r->inotify, r->folder, WATCHED) != -1)
		r->readable =
		    event_new(r->master->base, r->inotify, EV_READ | EV_PERSIST, on_readable, r);
	if (r->readable != NULL && event_add(r->readable, NULL) == 0) {
		r->tries = 0;
		return true;
	}
	if (r->tries++ == 0)
		log_event(LOG_WARNING, "renew.unwatched", KV_STR("key", r->name),
			  KV_STR("folder", r->folder), KV_ERRNO(errno),
			  KV_STR("text", "looked for again each minute"));
	unwatch(r);
	return false;
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct renew *r = arg;

	(void)fd;
	(void)what;
	if (r->state != RENEW_IDLE) {
		ipc_close(r->certd);
		give_up(r);
		failed(r, "certd did not answer");
	} else if (!watch(r)) {
		wait_for(r, NO_FOLDER);
	} else if (open_files(r)) {
		begin(r);
	}
}

static void
renew_free(struct renew *r)
{
	ipc_close(r->certd);
	give_up(r);
	unwatch(r);
	if (r->timer != NULL)
		event_free(r->timer);
	free(r->folder);
	free(r);
}

static struct renew *
renew_new(struct master *m, const struct conf_watch *conf)
{
	struct renew *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->master = m;
	r->inotify = r->fds[FILE_CERTIFICATE] = r->fds[FILE_KEY] = -1;
	strlcpy(r->name, conf->name, sizeof(r->name));
	r->folder = strdup(conf->folder);
	r->timer = evtimer_new(m->base, on_timer, r);
	if (r->folder != NULL && r->timer != NULL)
		return r;
	renew_free(r);
	return NULL;
}

void
renew_start(struct master *m)
{
	const struct configuration *conf = master_conf(m);

	renew_stop(m);
	for (size_t i = 0; i < conf->watch_count; i++) {
		struct renew *r = renew_new(m, &conf->watches[i]);

		if (r == NULL) {
			log_event(LOG_ERR, "renew.unwatched", KV_STR("key", conf->watches[i].name),
				  KV_STR("why", "no memory"));
			continue;
		}
		r->next = m->renew;
		m->renew = r;
		wait_for(r, SETTLE);
	}
}

void
renew_stop(struct master *m)
{
	struct renew *r;

	while ((r = m->renew) != NULL) {
		m->renew = r->next;
		renew_free(r);
	}
}
