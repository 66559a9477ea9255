/* SPDX-License-Identifier: ISC */
#include "master/control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "master/mailboxes.h"
#include "master/master.h"
#include "master/reload.h"
#include "master/roles.h"
#include "master/state.h"
#include "master/status.h"

#define CLIENTS_MAX 32
#define ACCOUNTS_SECONDS 30 /* for accounts to read its file */

/* One posternctl, and the one request it waits for. */
struct client {
	LIST_ENTRY(client) entry;
	struct control *control;
	struct ipc_channel *channel;
	uint32_t number;    /* for sessions, which answer later */
	uint16_t waits_for; /* CM_RELOAD or CM_ACCOUNTS, or 0 */
	uint32_t request;
	uint32_t generation; /* CM_ACCOUNTS: of accounts.conf */
	struct event *timeout;
};

LIST_HEAD(client_list, client);

struct control {
	struct master *master;
	int fd;
	struct event *accept;
	struct client_list clients;
	size_t count;
	uint32_t last_number;
};

static void
client_free(struct client *c)
{
	LIST_REMOVE(c, entry);
	c->control->count--;
	ipc_close(c->channel);
	event_free(c->timeout);
	free(c);
}

static void
on_ended(struct ipc_channel *channel, void *context)
{
	struct client *c = context;

	(void)channel;
	c->channel = NULL;
	client_free(c);
}

static void
send_result(struct client *c, uint32_t id, bool ok, const char *text)
{
	struct cm_result result = {.ok = ok};

	(void)ipc_send(c->channel, CM_RESULT, id, &result, text, strnlen(text, CTL_TEXT_MAX), -1);
}

/* Answers what the client waits for. */
static void
answer(struct client *c, bool ok, const char *text)
{
	c->waits_for = 0;
	evtimer_del(c->timeout);
	send_result(c, c->request, ok, text);
}

static void
on_timeout(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	answer(arg, false, "accounts did not answer in time; the log says more");
}

static void
wait_for(struct client *c, uint16_t type, uint32_t id)
{
	c->waits_for = type;
	c->request = id;
}

static int
on_reload(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	struct client *c = context;

	(void)channel;
	if (c->waits_for != 0)
		return -1;
	/* Before it begins: it may be over, refused, when the call returns. */
	wait_for(c, CM_RELOAD, message->id);
	reload_begin(c->control->master);
	return 0;
}

static int
on_status(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	struct client *c = context;
	char text[CTL_TEXT_MAX + 1];

	(void)channel;
	status_text(c->control->master, text, sizeof(text));
	send_result(c, message->id, true, text);
	return 0;
}

static int
on_accounts(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	struct timeval tv = {.tv_sec = ACCOUNTS_SECONDS};
	struct client *c = context;
	struct error err = {.text = ""};

	(void)channel;
	if (c->waits_for != 0)
		return -1;
	c->generation = accounts_send_file(c->control->master, &err);
	if (c->generation == 0) {
		send_result(c, message->id, false, err.text);
		return 0;
	}
	wait_for(c, CM_ACCOUNTS, message->id);
	evtimer_add(c->timeout, &tv);
	return 0;
}

/* A channel between the client and a child, to which HAND gives its end. */
static int
connect_to(struct client *c, struct ipc_message *message, int (*hand)(struct master *, int fd),
	   const char *name)
{
	char text[64];
	int sv[2];

	if (ipc_pair(sv) == -1) {
		send_result(c, message->id, false, strerror(errno));
		return 0;
	}
	if (hand(c->control->master, sv[0]) == -1) {
		snprintf(text, sizeof(text), "%s is being restarted: try again", name);
		send_result(c, message->id, false, text);
	} else {
		(void)ipc_send(c->channel, CM_CHANNEL, message->id, NULL, NULL, 0, sv[1]);
	}
	close(sv[0]);
	close(sv[1]);
	return 0;
}

static int
on_certd(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	(void)channel;
	return connect_to(context, message, certd_administrate, "certd");
}

static int
on_queue(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	(void)channel;
	return connect_to(context, message, queue_administrate, "queue");
}

/* The tail is the mailbox's address; sessions answers. */
static int
on_mailbox(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct cm_mailbox *mailbox = message->body;
	const struct client *c = context;
	struct attach attach = {
	    .kind = ATTACH_ADMINISTRATION,
	    .asker = c->number,
	    .request = message->id,
	    .connection = {.service = SERVICE_IMAP, .administrator = 1},
	    .purpose = mailbox->purpose,
	};
	struct mailbox_name parts;

	(void)channel;
	if (mailbox->purpose >= MAILBOX_PURPOSE_COUNT)
		return -1;
	if (!mailbox_name_parse(message->tail, message->tail_length, &parts)) {
		send_result(context, message->id, false, "this is not the name of a mailbox");
		return 0;
	}
	return sessions_attach(c->control->master, &attach, message->tail, message->tail_length);
}

static const struct ipc_handler handlers[] = {
    {CM_RELOAD, on_reload},
    {CM_STATUS, on_status},
    {CM_ACCOUNTS, on_accounts},
    {CM_CERTD, on_certd},
    {CM_QUEUE, on_queue},
    {CM_MAILBOX, on_mailbox},
    {0, NULL},
};

/* Takes FD. */
static int
client_new(struct control *control, int fd)
{
	struct client *c = calloc(1, sizeof(*c));

	if (c != NULL)
		c->timeout = evtimer_new(control->master->base, on_timeout, c);
	if (c == NULL || c->timeout == NULL) {
		free(c);
		close(fd);
		return -1;
	}
	c->control = control;
	c->channel = ipc_open(control->master->base, fd, &ctl_master_boundary, IPC_SERVER, handlers,
			      on_ended, c, "posternctl");
	if (c->channel == NULL) {
		event_free(c->timeout);
		free(c);
		return -1;
	}
	c->number = ++control->last_number;
	LIST_INSERT_HEAD(&control->clients, c, entry);
	control->count++;
	return 0;
}

static void
on_accept(evutil_socket_t listener, short what, void *arg)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct control *control = arg;
	struct ucred peer = {.uid = UINT32_MAX};
	socklen_t size = sizeof(peer);

	(void)what;
	if (fd == -1)
		return;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == -1 ||
	    (peer.uid != 0 && peer.uid != geteuid())) {
		log_event(LOG_WARNING, "control.refused", KV_U64("uid", peer.uid),
			  KV_I64("pid", peer.pid));
		close(fd);
		return;
	}
	if (control->count >= CLIENTS_MAX) {
		log_event(LOG_WARNING, "control.full", KV_U64("clients", control->count));
		close(fd);
		return;
	}
	if (client_new(control, fd) == -1)
		log_event(LOG_ERR, "control.failed", KV_ERRNO(errno));
}

/* Binds by a relative name, for the path of a state folder may be longer than sun_path. */
static int
bind_in(int folder, int fd)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "control"};
	int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC), result = -1;
	mode_t mask = umask(0177);

	(void)unlinkat(folder, "control", 0);
	if (here != -1 && fchdir(folder) == 0) {
		result = bind(fd, (const struct sockaddr *)&address, sizeof(address));
		if (fchdir(here) == -1)
			log_event(LOG_WARNING, "control.chdir", KV_ERRNO(errno));
	}
	umask(mask);
	if (here != -1)
		close(here);
	return result;
}

int
control_open(struct master *m, struct error *err)
{
	int folder = state_open(master_conf(m), &m->users, STATE_TOP, err);
	struct control *control;

	if (folder == -1)
		return -1;
	control = calloc(1, sizeof(*control));
	if (control == NULL) {
		close(folder);
		return error_set(err, "out of memory");
	}
	m->control = control;
	control->master = m;
	LIST_INIT(&control->clients);
	control->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (control->fd == -1 || bind_in(folder, control->fd) == -1 ||
	    listen(control->fd, CLIENTS_MAX) == -1) {
		close(folder);
		return error_errno(err, "the control socket %s/control", master_conf(m)->state);
	}
	close(folder);
	control->accept = event_new(m->base, control->fd, EV_READ | EV_PERSIST, on_accept, control);
	if (control->accept == NULL || event_add(control->accept, NULL) == -1)
		return error_set(err, "out of memory");
	return 0;
}

void
control_close(struct master *m)
{
	struct control *control = m->control;
	struct client *c;
	char path[PATH_MAX];

	if (control == NULL)
		return;
	while ((c = LIST_FIRST(&control->clients)) != NULL)
		client_free(c); /* NOLINT(clang-analyzer-unix.Malloc): it leaves the list */
	if (control->accept != NULL)
		event_free(control->accept);
	if (control->fd != -1)
		close(control->fd);
	snprintf(path, sizeof(path), "%s/control", master_conf(m)->state);
	(void)unlink(path);
	free(control);
	m->control = NULL;
}

struct ipc_channel *
control_channel(const struct master *m, uint32_t number)
{
	struct client *c;

	if (m->control == NULL)
		return NULL;
	for (c = LIST_FIRST(&m->control->clients); c != NULL; c = LIST_NEXT(c, entry)) {
		if (c->number == number)
			return c->channel;
	}
	return NULL;
}

void
control_accounts_loaded(struct master *m, const struct ma_loaded *loaded, const char *reason)
{
	char text[REASON_MAX + 64];
	struct client *c;

	if (m->control == NULL)
		return;
	if (loaded->ok)
		snprintf(text, sizeof(text), "%u accounts", loaded->count);
	else
		snprintf(text, sizeof(text), "line %u: %s", loaded->line, reason);
	for (c = LIST_FIRST(&m->control->clients); c != NULL; c = LIST_NEXT(c, entry)) {
		if (c->waits_for == CM_ACCOUNTS && c->generation <= loaded->generation)
			answer(c, loaded->ok != 0, text);
	}
}

void
control_reloaded(struct master *m, bool ok, const char *text)
{
	struct client *c;

	if (m->control == NULL)
		return;
	for (c = LIST_FIRST(&m->control->clients); c != NULL; c = LIST_NEXT(c, entry)) {
		if (c->waits_for == CM_RELOAD)
			answer(c, ok, text);
	}
}
